"""The provider's JSON, read strictly: text to values, values to typed fields.

Every surprise is a `MalformedAnswer` with its place. It may not guess: what is missing is an
error or the documented default, never zero. Pure.
"""

import decimal
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from budgetd.core.money import LARGEST, AmountError, exact
from budgetd.provider.errors import MalformedAnswer, clean_text

Json = dict[str, Any] | list[Any] | str | int | Decimal | bool | None
A = TypeVar("A")

DEEPEST = 32
LARGEST_BODY_BYTES = 4 * 1024 * 1024
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which answer, which currency is ours, and what no message may repeat."""

    endpoint: str
    currency: str
    steps: tuple[str | int, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def path(self) -> str:
        """The place as people write it: `$.records[3].amount`."""
        parts = (
            f"[{one}]" if isinstance(one, int) else f".{self.clean(one)}" for one in self.steps
        )
        return "$" + "".join(part[:64] for part in parts)

    def clean(self, text: str) -> str:
        """A piece of the answer as a message may show it."""
        return clean_text(text, self.secrets)

    def at(self, key: str | int) -> "Place":
        """One step down, to a key or an index."""
        return Place(self.endpoint, self.currency, (*self.steps, key), self.secrets)

    def fail(self, why: str) -> MalformedAnswer:
        """The error of this place."""
        return MalformedAnswer(self.endpoint, self.path, self.clean(why))


Reader = Callable[[Any, Place], A]


class _SameKeyTwice:
    """Stands where an object held one key twice, until its place is known."""

    def __init__(self, key: str) -> None:
        self.key = key


def parse(body: bytes, place: Place) -> Json:
    """The JSON of a whole body: UTF-8, exact decimals, at most 32 deep, no key twice, no NaN."""
    try:
        text = body.decode("utf-8")
        value: Json = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise place.fail("not UTF-8") from None
    except RecursionError:
        raise place.fail(f"nested deeper than {DEEPEST} levels") from None
    except (ValueError, decimal.InvalidOperation) as error:
        raise place.fail(f"not JSON: {place.clean(str(error))[:120]}") from None
    _check(value, place)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    return _SameKeyTwice(next(key for key in keys if keys.count(key) > 1))


def _check(top: Json, place: Place) -> None:
    """Depth, keys met twice, and lone surrogates, at any place."""
    waiting: list[tuple[Any, Place, int]] = [(top, place, 0)]
    while waiting:
        value, here, depth = waiting.pop()
        if isinstance(value, _SameKeyTwice):
            raise here.fail(f"the key {here.clean(value.key)[:64]!r} stands twice")
        if isinstance(value, str):
            _check_text(value, here)
            continue
        inner: Iterable[tuple[str | int, Any]]
        if isinstance(value, dict):
            inner = value.items()
        elif isinstance(value, list):
            inner = enumerate(value)
        else:
            continue
        if depth == DEEPEST:
            raise here.fail(f"nested deeper than {DEEPEST} levels")
        for key, child in inner:
            if isinstance(key, str):
                _check_text(key, here)
            if child is not None and not isinstance(child, int | Decimal):
                waiting.append((child, here.at(key), depth + 1))


def _check_text(text: str, place: Place) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise place.fail("text with half a character (a lone surrogate)") from None


def mapping(value: Any, place: Place) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise place.fail(f"an object is documented, not {_kind(value)}")
    return value


def text(value: Any, place: Place) -> str:
    """A string of at most 4096 characters."""
    if not isinstance(value, str):
        raise place.fail(f"a text is documented, not {_kind(value)}")
    if len(value) > 4096:
        raise place.fail("a text longer than 4096 characters")
    return value


def identifier(value: Any, place: Place) -> str:
    """A string that is not empty, of plain characters without blanks, at most 128 long."""
    found = text(value, place)
    if not re.fullmatch(r"[!-~]{1,128}", found):
        raise place.fail("not an identifier")
    return found


def label(value: Any, place: Place) -> str:
    """A number or a string, as text: for codes that are documented as either."""
    return str(value) if type(value) is int else text(value, place)


def whole(value: Any, place: Place) -> int:
    """A JSON integer from -(2^63) to 2^63; booleans, strings and fractions are refused."""
    if type(value) is not int:
        raise place.fail(f"a whole number is documented, not {_kind(value)}")
    if abs(value) > 2**63:
        raise place.fail("a whole number out of range")
    return value


def count(value: Any, place: Place) -> int:
    """A JSON integer, 0 or more."""
    found = whole(value, place)
    if found < 0:
        raise place.fail("a negative count")
    return found


def figure(value: Any, place: Place) -> Decimal:
    """A signed number, as JSON number or string, below 10^12; any decimals (bills have many)."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise place.fail("not a number" if value else "empty, where a number is documented")
        found = Decimal(value)
    elif isinstance(value, Decimal) or type(value) is int:
        found = Decimal(value)
    else:
        raise place.fail(f"a number is documented, not {_kind(value)}")
    if not found.is_finite() or found.copy_abs() > LARGEST:
        raise place.fail("a number out of range")
    try:
        return exact(found)
    except AmountError:
        return found


def amount(value: Any, place: Place) -> Decimal:
    """An amount, as JSON number or string: 0.00 to 999,999,999,999.99, at most two decimals."""
    found = figure(value, place)
    if found < 0:
        raise place.fail("a negative amount")
    try:
        return exact(found)
    except AmountError as error:
        raise place.fail(str(error)) from None


def instant(value: Any, place: Place) -> datetime:
    """A UTC instant `yyyy-MM-ddTHH:mm:ssZ`."""
    found = text(value, place)
    if _INSTANT.fullmatch(found):
        try:
            return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
    raise place.fail("not an instant like 2026-12-31T15:59:59Z")


def rows(read: Reader[A]) -> Reader[tuple[A, ...]]:
    """A JSON array, each element read by `read`."""

    def read_rows(value: Any, place: Place) -> tuple[A, ...]:
        if not isinstance(value, list):
            raise place.fail(f"a list is documented, not {_kind(value)}")
        return tuple(read(one, place.at(index)) for index, one in enumerate(value))

    return read_rows


class _Absent:
    """The default of an entry that has none."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of an answer: how it is read, its JSON key (its own name by default), and what
    stands for it when it is missing or null (nothing: then that is an error)."""

    read: Reader[Any]
    key: str = ""
    default: Any = ABSENT

    def of(self, name: str, members: Mapping[str, Any], place: Place) -> Any:
        """The value of this field in one object."""
        key = self.key or name
        value = members.get(key)
        if value is not None:
            return self.read(value, place.at(key))
        if isinstance(self.default, _Absent):
            raise place.at(key).fail("null" if key in members else "missing")
        return self.default


def maybe(read: Reader[Any], key: str = "", default: Any = None) -> Entry:
    """A field that may be missing or null."""
    return Entry(read, key, default)


def texts(*names: str) -> dict[str, Entry]:
    """Text fields that may be missing or null: then empty. Numbers are taken as their text."""
    return {name: Entry(label, name, "") for name in names}


def figures(*names: str) -> dict[str, Entry]:
    """Signed numbers that may be missing or null: then None."""
    return {name: Entry(figure, name, None) for name in names}


def record(make: Callable[..., A], entries: Mapping[str, Entry]) -> Reader[A]:
    """The reader of an object: each entry is read and given to `make` by its name."""

    def read_record(value: Any, place: Place) -> A:
        members = mapping(value, place)
        return make(**{name: entry.of(name, members, place) for name, entry in entries.items()})

    return read_record


def our_currency(value: Any, place: Place) -> str:
    """The configured currency; any other is an error."""
    found = text(value, place)
    if found != place.currency:
        raise place.fail(f"currency {place.clean(found)[:16]!r}, not {place.currency}")
    return found


def standard_measure(value: Any, place: Place) -> int:
    """`measure_id` 1, the standard unit of the currency; any other is an error."""
    found = whole(value, place)
    if found != 1:
        raise place.fail(f"measure_id {found}, where 1 (whole units) is documented")
    return found


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
