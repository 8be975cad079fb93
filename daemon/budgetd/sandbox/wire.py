"""Requests read and answers written, as the provider's pages have them.

It may not know what an operation does: it reads fields with their types, lengths, ranges
and defaults, and writes JSON in which amounts keep their two decimals.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

from budgetd.core.money import AmountError, parse_amount, to_minor
from budgetd.sandbox.book import CHINA, Book
from budgetd.sandbox.nouns import Refusal
from budgetd.sandbox.semantics import ThirdDecimal

Row = TypeVar("Row")
LAST_OFFSET = 2_147_483_647
_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back; `content` None is the empty body of a 204."""

    status: int = 200
    content: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted request: who asks for what, and when; amounts are read as of `read_at`."""

    fields: "Fields"
    caller: str
    book: Book
    now: datetime
    read_at: datetime

    def must_be_master(self) -> None:
        """Raises the refusal that every member meets on the master's operations."""
        if self.caller != self.book.master.id:
            raise Refusal(403, "CBC.0151", "Access denied.")


class Fields:
    """The parameters of a query or of a body; what does not fit raises 400 CBC.0100."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def text(
        self, name: str, *, longest: int = 64, required: bool = False, blank: bool = False
    ) -> str | None:
        """A text of at most that many characters; absent and null are None, "" as told."""
        value = self._given.get(name)
        if value is None:
            if required:
                raise parameter_error(name, "is required")
            return None
        if not isinstance(value, str) or len(value) > longest:
            raise parameter_error(name, f"must be a text of at most {longest} characters")
        if not value and not blank:
            raise parameter_error(name, "must not be empty")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise parameter_error(name, "has half a character")
        return value

    def required_text(self, name: str, *, longest: int = 64) -> str:
        """A text that must be there and not be empty."""
        return self.text(name, longest=longest, required=True) or ""

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str | None:
        """One of the allowed texts."""
        value = self.text(name, longest=64)
        if value is None:
            return default
        if value not in allowed:
            raise parameter_error(name, "is not one of the allowed values")
        return value

    def required_choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed texts, which must be there."""
        return self.choice(name, allowed) or self.required_text(name)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int | None:
        """A whole number in the range, as a number or, in a query, as digits."""
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise parameter_error(name, f"must be a whole number from {low} to {high}")
        return value

    def page(self, *, smallest: int = 1, largest: int = 100, last: int = LAST_OFFSET) -> "Page":
        """The item offset and the limit, 0 and 10 where none is given."""
        offset = self.whole("offset", 0, last, 0) or 0
        limit = self.whole("limit", smallest, largest, 10)
        return Page(offset, 10 if limit is None else limit)

    def is_other(self, name: str, than: str) -> bool:
        """Whether a filter asks for something other than the only value there is here."""
        value = self._given.get(name)
        return value not in (None, "") and str(value) != than

    def day(self, name: str) -> date | None:
        """A date YYYY-MM-DD (UTC+8)."""
        value = self.text(name, longest=10)
        if value is None:
            return None
        if not _DAY.fullmatch(value):
            raise parameter_error(name, "must be YYYY-MM-DD")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise parameter_error(name, "is no date") from error

    def month(self, name: str, *, required: bool = True) -> str | None:
        """A billing cycle YYYY-MM (UTC+8)."""
        value = self.text(name, longest=8, required=required)
        if value is not None and not _MONTH.fullmatch(value):
            raise parameter_error(name, "must be YYYY-MM")
        return value

    def instant(self, name: str) -> datetime | None:
        """A UTC instant to the second, 20 characters."""
        value = self.text(name, longest=20)
        if value is None:
            return None
        if not _INSTANT.fullmatch(value):
            raise parameter_error(name, "must be yyyy-MM-ddTHH:mm:ssZ")
        try:
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise parameter_error(name, "is no instant") from error

    def amount(self, name: str, third: ThirdDecimal) -> int:
        """An amount to move, in minor units: a text, above zero, to two decimals."""
        text = self.required_text(name, longest=32)
        if third is ThirdDecimal.TRUNCATED:
            text = re.sub(r"(\.[0-9]{2})[0-9]+\Z", r"\1", text)
        try:
            minor = to_minor(parse_amount(text))
        except AmountError as error:
            raise parameter_error(name, str(error)) from error
        if minor <= 0:
            raise parameter_error(name, "must be above zero")
        return minor

    def items(self, name: str, most: int, *, required: bool = False) -> list[object]:
        """A list of at most that many items."""
        value = self._given.get(name)
        if value is None and not required:
            return []
        if not isinstance(value, list) or len(value) > most:
            raise parameter_error(name, f"must be a list of at most {most}")
        return value

    def part(self, name: str) -> "Fields":
        """An object inside the body, which must be there."""
        return fields_of(self._given.get(name), name)


def fields_of(value: object, name: str) -> Fields:
    """The fields of an object; raises CBC.0100 for anything else."""
    if not isinstance(value, dict):
        raise parameter_error(name, "must be an object")
    return Fields(value)


@dataclass(frozen=True, slots=True)
class Page:
    """A window over a list: an item offset, not a page number."""

    offset: int
    limit: int

    def of(self, rows: list[Row]) -> list[Row]:
        """The rows inside the window."""
        return rows[self.offset : self.offset + self.limit]


def parameter_error(name: str, why: str) -> Refusal:
    """400 CBC.0100, naming the parameter."""
    return Refusal(400, "CBC.0100", f"Parameter error: {name} {why}.")


def instant_text(instant: datetime | None) -> str | None:
    """UTC to the second, as the provider writes it."""
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cycle_text(instant: datetime) -> str:
    """The billing cycle an instant falls into (UTC+8)."""
    return instant.astimezone(CHINA).strftime("%Y-%m")


def china_day(instant: datetime) -> date:
    """The date of an instant in UTC+8."""
    return instant.astimezone(CHINA).date()


def encode(value: object) -> str:
    """JSON; a `Decimal` becomes a number with just its digits, which json cannot do."""
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        inside = ",".join(f"{encode(str(name))}:{encode(item)}" for name, item in value.items())
        return "{" + inside + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    raise TypeError(f"no JSON for {type(value).__name__}")


def refusal_content(refusal: Refusal) -> dict[str, object]:
    """The error body; `fail_check_items` only where there are any."""
    content: dict[str, object] = {"error_code": refusal.code, "error_msg": refusal.message}
    if refusal.fail_check_items:
        content["fail_check_items"] = list(refusal.fail_check_items)
    return content
