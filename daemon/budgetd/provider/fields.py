"""What a request may hold: its fields, and the check of each before anything is sent.

It may not repair: a value that the documentation refuses is an `InvalidRequest`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from budgetd.core.money import LARGEST, ZERO, AmountError, exact, format_amount
from budgetd.provider.errors import InvalidRequest

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
MONTH = r"[0-9]{4}-[0-9]{2}"
DAY_OR_MONTH = r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?"
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
KEY = r"[0-9a-f]{32}"
DIGITS = r"[0-9]+"


class Kind(StrEnum):
    """The type of a field."""

    TEXT = "a text"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    AMOUNT = "an amount"
    TEXTS = "a list of texts"
    OBJECT = "an object"
    OBJECTS = "a list of objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `lowest` and `highest` bound the value of an integer, the length of a text, and
    the number of elements of a list; the texts of `allowed` are the only ones (of a list: the
    only elements); `fields` are those of an object; what `is_secret` is repeated by
    no message. An absent field is not sent."""

    name: str
    kind: Kind = Kind.TEXT
    is_required: bool = False
    lowest: int = 1
    highest: int = 64
    allowed: tuple[str | int, ...] = ()
    pattern: str = ""
    fields: tuple["Field", ...] = ()
    is_secret: bool = False


def secrets_in(fields: tuple[Field, ...], given: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of secret fields, those inside objects included."""
    found: list[str] = []
    for one in fields:
        value = given.get(one.name)
        if one.is_secret and isinstance(value, str):
            found.append(value)
        elif one.kind is Kind.OBJECT and isinstance(value, Mapping):
            found += secrets_in(one.fields, value)
    return tuple(found)


def validate(endpoint: str, fields: tuple[Field, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON values to send, in the order of `fields`; None is absent.

    Raises `InvalidRequest` with the field and what is wrong with it; the value is not repeated.
    """
    return _validate(endpoint, fields, given, "")


def _validate(
    endpoint: str, fields: tuple[Field, ...], given: Mapping[str, Any], under: str
) -> dict[str, Any]:
    names = {one.name for one in fields}
    for name in given:
        if name not in names:
            raise InvalidRequest(endpoint, under + name, "is not a documented field")
    found: dict[str, Any] = {}
    for one in fields:
        value = given.get(one.name)
        if value is not None:
            found[one.name] = _value(endpoint, one, value, under + one.name)
        elif one.is_required:
            raise InvalidRequest(endpoint, under + one.name, "is missing")
    return found


def _value(endpoint: str, spec: Field, value: Any, where: str) -> Any:
    match spec.kind:
        case Kind.TEXT if isinstance(value, str):
            return _text(endpoint, spec, str(value), where)
        case Kind.INTEGER if isinstance(value, int) and not isinstance(value, bool):
            _bounded(endpoint, spec, value, where)
            _among(endpoint, spec, value, where)
            return value
        case Kind.BOOLEAN if isinstance(value, bool):
            return value
        case Kind.AMOUNT if isinstance(value, Decimal):
            return _amount(endpoint, value, where)
        case Kind.OBJECT if isinstance(value, Mapping):
            return _validate(endpoint, spec.fields, value, where + ".")
        case Kind.TEXTS | Kind.OBJECTS if isinstance(value, Sequence) and not isinstance(
            value, str | bytes
        ):
            _bounded(endpoint, spec, len(value), where)
            inner = Kind.TEXT if spec.kind is Kind.TEXTS else Kind.OBJECT
            element = Field(
                name=spec.name, kind=inner, highest=255, allowed=spec.allowed, fields=spec.fields
            )
            return [_value(endpoint, element, one, f"{where}[{i}]") for i, one in enumerate(value)]
    raise InvalidRequest(endpoint, where, f"must be {spec.kind}")


def _text(endpoint: str, spec: Field, value: str, where: str) -> str:
    _bounded(endpoint, spec, len(value), where)
    _among(endpoint, spec, value, where)
    if not value.isprintable():
        raise InvalidRequest(endpoint, where, "holds characters that cannot be printed")
    if spec.pattern and not re.fullmatch(spec.pattern, value, re.ASCII):
        raise InvalidRequest(endpoint, where, "does not have the documented form")
    return value


def _amount(endpoint: str, value: Decimal, where: str) -> str:
    try:
        found = exact(value)
    except AmountError as error:
        raise InvalidRequest(endpoint, where, f"is wrong: {error}") from None
    if not ZERO < found <= LARGEST:
        raise InvalidRequest(endpoint, where, "must be above zero")
    return format_amount(found)


def _bounded(endpoint: str, spec: Field, size: int, where: str) -> None:
    if not spec.lowest <= size <= spec.highest:
        what = {Kind.TEXT: "length ", Kind.INTEGER: ""}.get(spec.kind, "count ")
        why = f"has the {what}{size}, outside {spec.lowest} to {spec.highest}"
        if spec.kind is Kind.INTEGER:
            why = f"is {size}, outside {spec.lowest} to {spec.highest}"
        raise InvalidRequest(endpoint, where, why)


def _among(endpoint: str, spec: Field, value: str | int, where: str) -> None:
    if spec.allowed and value not in spec.allowed:
        choices = ", ".join(str(one) for one in spec.allowed)
        raise InvalidRequest(endpoint, where, f"must be one of {choices}")
