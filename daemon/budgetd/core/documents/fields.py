"""The fields that documents are made of: exact amounts, durations, names, each read from text.

YAML gives text; a field here judges it and says what was expected. Every complaint is a
`PydanticCustomError` of type `field` whose message is made for people and which carries
`expected` (what would be right) and `hint` (what is wrong with this). It may not know rules.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from budgetd.core.moment import (
    LocalMoment,
    MomentError,
    parse_date,
    parse_duration,
    parse_moment,
    parse_time,
)
from budgetd.core.money import AmountError, parse_amount

T = TypeVar("T")
NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,62}"


class Document(BaseModel):
    """A mapping of a document: frozen, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        populate_by_name=False,
        defer_build=True,
        hide_input_in_errors=True,
    )


def complain(expected: str, found: object, hint: str = "") -> PydanticCustomError:
    """The error of a field: what was expected, what was found, what is wrong with it."""
    shown = f"'{found}'" if isinstance(found, str) else _kind(found)
    return PydanticCustomError(
        "field",
        "expected {expected}, found {shown}",
        {"expected": expected, "shown": shown, "hint": hint},
    )


def _kind(found: object) -> str:
    if isinstance(found, dict):
        return "a mapping"
    if isinstance(found, list | tuple):
        return "a list" if found else "an empty list"
    return "nothing" if found is None else "something else"


def from_text(
    expected: str, parse: Callable[[str], T], already: type[Any]
) -> Callable[[object], T]:
    """A reader of a text field; a value that is parsed already passes."""

    def read(value: object) -> T:
        if isinstance(value, already):
            parsed: T = value
            return parsed
        if not isinstance(value, str):
            raise complain(expected, value)
        try:
            return parse(value)
        except PydanticCustomError:
            raise
        except (AmountError, MomentError, ValueError) as problem:
            raise complain(expected, value, str(problem)) from None

    return read


def _positive(text: str) -> Decimal:
    value = parse_amount(text)
    if not value:
        raise ValueError("0.00 means nothing here")
    return value


def _whole(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", text, re.ASCII):
        raise ValueError("")
    return int(text)


def _priority(text: str) -> int:
    value = _whole(text)
    if not 1 <= value <= 1_000_000:
        raise ValueError("priorities run from 1 to 1000000")
    return value


def _version(value: object) -> object:
    if value not in ("1", 1):
        raise complain("version 1", value, "this budgetd reads no other")
    return 1


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text, re.ASCII):
        raise ValueError("lower-case letters, digits, '.', '_' and '-', at most 63")
    return text


def _zone(text: str) -> ZoneInfo:
    try:
        if not re.fullmatch(r"[A-Za-z0-9+_/-]+", text, re.ASCII) or ".." in text or text[0] == "/":
            raise ValueError("")
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError) as problem:
        raise ValueError("no such time zone") from problem


def _times(text: str) -> Decimal:
    if not re.fullmatch(r"[1-9][0-9]{0,2}(\.[0-9]{1,2})?", text, re.ASCII):
        raise ValueError("1 to 999, with two decimals at most")
    return Decimal(text)


def _percent(text: str) -> Decimal:
    if not text.endswith("%"):
        raise ValueError("a percentage ends in %")
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?%", text, re.ASCII):
        raise ValueError("digits, with two decimals at most, and %")
    value = Decimal(text[:-1])
    if not 0 < value <= 100:
        raise ValueError("from above 0% to 100%")
    return value / 100


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a trigger must have held: so many readings in a row, or so long."""

    readings: int = 0
    length: timedelta = timedelta(0)


def _lasting(text: str) -> Lasting:
    found = re.fullmatch(r"([1-9][0-9]{0,3}) readings?", text, re.ASCII)
    if found:
        return Lasting(readings=int(found[1]))
    return Lasting(length=parse_duration(text))


def _schema(
    pattern: str, example: str, unit: str, *, numbers: dict[str, JsonValue] | None = None
) -> WithJsonSchema:
    """What an editor knows of a text of that pattern: its `unit` stands with every field of it.
    `numbers` bounds what YAML takes for a number; None is for what no number can mean."""
    return WithJsonSchema(
        {
            "type": "string" if numbers is None else ["string", "number"],
            "pattern": f"^(?:{pattern})$",
            **(numbers or {}),
            "examples": [example],
            "description": unit,
            "unit": unit,
        }
    )


_AMOUNT = r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?"
_FROM_ZERO: dict[str, JsonValue] = {"minimum": 0, "exclusiveMaximum": 10**12}
_ABOVE_ZERO: dict[str, JsonValue] = {"exclusiveMinimum": 0, "exclusiveMaximum": 10**12}
Version = Annotated[Literal[1], BeforeValidator(_version), WithJsonSchema({"enum": [1, "1"]})]
Amount = Annotated[
    Decimal,
    BeforeValidator(from_text("an amount like 500.00", _positive, Decimal)),
    _schema(_AMOUNT, "500.00", "an amount above 0.00 with two decimals", numbers=_ABOVE_ZERO),
]
AmountOrZero = Annotated[
    Decimal,
    BeforeValidator(from_text("an amount like 500.00", parse_amount, Decimal)),
    _schema(_AMOUNT, "200.00", "an amount of 0.00 or more with two decimals", numbers=_FROM_ZERO),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(from_text("a duration like 15m, 12h or 35d", parse_duration, timedelta)),
    _schema(r"[1-9][0-9]{0,6}[smhdw]", "15m", "a whole number and a unit: s, m, h, d, w"),
]
ClockTime = Annotated[
    time,
    BeforeValidator(from_text("a time like 09:30", parse_time, time)),
    _schema(r"([01][0-9]|2[0-3]):[0-5][0-9]", "09:30", "a time of day"),
]
Day = Annotated[
    date,
    BeforeValidator(from_text("a date like 2026-11-30", parse_date, date)),
    _schema(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "2026-11-30", "a date"),
]
Moment = Annotated[
    LocalMoment,
    BeforeValidator(
        from_text("a date like 2026-11-30, with or without a time", parse_moment, LocalMoment)
    ),
    _schema(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?",
        "2026-09-30 18:00",
        "a date, or a date and a time of day",
    ),
]
Zone = Annotated[
    ZoneInfo,
    BeforeValidator(from_text("a time zone like Asia/Shanghai", _zone, ZoneInfo)),
    _schema(r"[A-Za-z0-9+_/-]+", "Asia/Shanghai", "an IANA time zone"),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(from_text("a percentage like 50%", _percent, Decimal)),
    _schema(r"[0-9]{1,3}(\.[0-9]{1,2})?%", "50%", "above 0% to 100%"),
]
Times = Annotated[
    Decimal,
    BeforeValidator(from_text("a factor like 4 or 2.5", _times, Decimal)),
    _schema(
        r"[1-9][0-9]{0,2}(\.[0-9]{1,2})?",
        "4",
        "so many times, 1 or more",
        numbers={"minimum": 1, "exclusiveMaximum": 1000},
    ),
]
Whole = Annotated[
    int,
    BeforeValidator(from_text("a whole number like 100", _whole, int)),
    _schema(r"0|[1-9][0-9]{0,8}", "100", "a whole number", numbers={"minimum": 0, "multipleOf": 1}),
]
Priority = Annotated[
    int,
    BeforeValidator(from_text("a priority like 10", _priority, int)),
    _schema(
        r"[1-9][0-9]{0,6}",
        "10",
        "a whole number from 1 to 1000000; 100 where none is given",
        numbers={"minimum": 1, "maximum": 1_000_000, "multipleOf": 1},
    ),
]
Name = Annotated[
    str,
    BeforeValidator(from_text("a name like keep-alive", _name, type(None))),
    _schema(NAME_PATTERN, "keep-alive", "lower-case letters, digits, '.', '_' and '-'", numbers={}),
]
HoldsFor = Annotated[
    Lasting,
    BeforeValidator(from_text("`2 readings` or a duration like 30m", _lasting, Lasting)),
    _schema(r"[1-9][0-9]{0,3} readings?|[1-9][0-9]{0,6}[smhdw]", "2 readings", "how long it held"),
]
Text = Annotated[
    str,
    BeforeValidator(from_text("text", str, type(None))),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


def _one_or_more(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and not value:
        raise complain("one or more", value)
    return value


Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}},
            ]
        }
    ),
]


def later(key: str) -> Callable[[object], object]:
    """A reader for a key of the contract that this version cannot honour yet."""

    def refuse(_: object) -> object:
        raise PydanticCustomError(
            "later", "'{key}' has no effect yet in this version", {"key": key}
        )

    return refuse
