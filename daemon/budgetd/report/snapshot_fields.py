"""Strict reading of a JSON document, field by field: each complaint knows its place.

It may not know what a document is about, and it never repairs or guesses.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from budgetd.core.documents.secrecy import shorten
from budgetd.core.moment import FIRST_YEAR, LAST_YEAR, MomentError, parse_dated, parse_instant
from budgetd.core.money import AmountError, parse_amount
from budgetd.report.harmless import harmless

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
LONGEST_TEXT = 4096
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,28})?", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_IDENTIFIER = re.compile(r"[!-~]{1,128}", re.ASCII)


class FieldError(Exception):
    """What is wrong, at its place (`accounts[3].id`; empty: the whole document). `line` is 0
    where the place in the text is not known."""

    def __init__(
        self, where: str, message: str, hint: str = "", *, line: int = 0, column: int = 0
    ) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it was written: counts alone are some, amounts are texts."""

    text: str


@dataclass(frozen=True, slots=True)
class _Twice:
    """An object that has a key twice."""

    key: str


def read_json(data: bytes) -> object:
    """The JSON in some bytes (UTF-8); raises `FieldError` where there is none."""
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_once,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_number,
        )
    except UnicodeDecodeError:
        raise FieldError("", "not UTF-8") from None
    except RecursionError:
        raise FieldError("", "nested too deeply") from None
    except json.JSONDecodeError as problem:
        message = f"not JSON: {problem.msg}; was it cut off?"
        raise FieldError("", message, line=problem.lineno, column=problem.colno) from None


def _number(text: str) -> _Number:
    return _Number(text)


def _once(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    return _Twice(next(key for key in keys if keys.count(key) > 1))


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the document."""

    where: str

    def fail(self, message: str, hint: str = "") -> FieldError:
        """An error at this place."""
        return FieldError(self.where, message, hint)


class Fields:
    """One object of the document; every method raises `FieldError` for what does not fit."""

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        if isinstance(value, _Twice):
            raise FieldError(where, f"the key {_shown(value.key)} is given twice")
        if not isinstance(value, dict):
            raise FieldError(where, "expected an object")
        self.entries: dict[str, Any] = value

    def at(self, key: str) -> Spot:
        """The place of a key."""
        return Spot(f"{self.where}.{key}" if self.where else key)

    def only(self, *keys: str) -> None:
        """Refuses any key but these; those that are missing are told when they are read."""
        for key in self.entries:
            if key not in keys:
                raise FieldError(self.where, f"unknown key {_shown(key)}")

    def _given(self, key: str) -> object:
        if key not in self.entries:
            raise self.at(key).fail("missing")
        return self.entries[key]

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """What `read` makes of the key; None of a null. The key must be there."""
        return None if self._given(key) is None else read(key)

    def text(self, key: str) -> str:
        """A text, at most 4096 characters, without halves of characters."""
        return _text(self._given(key), self.at(key))

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        spot = self.at(key)
        return [
            _text(value, Spot(f"{spot.where}[{index}]"))
            for index, value in enumerate(self._list(key))
        ]

    def identifier(self, key: str) -> str:
        """1 to 128 visible ASCII characters."""
        found = self.text(key)
        if not _IDENTIFIER.fullmatch(found):
            raise self.at(key).fail("not an identifier")
        return found

    def boolean(self, key: str) -> bool:
        """True or false."""
        found = self._given(key)
        if not isinstance(found, bool):
            raise self.at(key).fail("expected true or false")
        return found

    def amount(self, key: str) -> Decimal:
        """An amount, given as text."""
        if isinstance(self._given(key), _Number):
            raise self.at(key).fail("amounts are texts like '500.00', found a number")
        try:
            return parse_amount(self.text(key))
        except AmountError as problem:
            raise self.at(key).fail(str(problem)) from None

    def decimal(self, key: str) -> Decimal:
        """A decimal with at most 28 places, given as text."""
        return _decimal(self.text(key), self.at(key))

    def decimals(self, key: str) -> list[Decimal]:
        """A list of decimals."""
        return [_decimal(text, self.at(key)) for text in self.texts(key)]

    def whole(self, key: str) -> int:
        """A whole number of 0 or more, given as a number."""
        found = self._given(key)
        if not isinstance(found, _Number) or not _WHOLE.fullmatch(found.text):
            raise self.at(key).fail("expected a whole number")
        return int(found.text)

    def dated(self, key: str) -> datetime:
        """When something was read: an RFC 3339 instant of the years 1970 to 9000."""
        try:
            return parse_dated(self.text(key))
        except MomentError:
            expected = f"of the years {FIRST_YEAR} to {LAST_YEAR}"
            message = f"expected an instant like 2026-11-30T14:00:00Z, {expected}"
            raise self.at(key).fail(message) from None

    def instant(self, key: str) -> datetime:
        """An RFC 3339 instant with an offset."""
        try:
            return parse_instant(self.text(key))
        except MomentError:
            raise self.at(key).fail("expected an instant like 2026-11-30T14:00:00Z") from None

    def member(self, key: str, closed: type[E]) -> E:
        """One word of a closed list."""
        found = self.text(key)
        if found not in list(closed):
            raise self.at(key).fail(f"expected one of {', '.join(closed)}")
        return closed(found)

    def part(self, key: str) -> "Fields":
        """An object."""
        return Fields(self._given(key), self.at(key).where)

    def maybe_part(self, key: str) -> "Fields | None":
        """An object, or None of a null."""
        return self.maybe(key, self.part)

    def parts(self, key: str) -> "list[Fields]":
        """A list of objects."""
        where = self.at(key).where
        return [Fields(value, f"{where}[{index}]") for index, value in enumerate(self._list(key))]

    def _list(self, key: str) -> list[object]:
        found = self._given(key)
        if not isinstance(found, list):
            raise self.at(key).fail("expected a list")
        return found


def _decimal(text: str, spot: Spot) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise spot.fail("expected a decimal like 0.25")
    return Decimal(text)


def _text(value: object, spot: Spot) -> str:
    if not isinstance(value, str):
        raise spot.fail("expected a text")
    if len(value) > LONGEST_TEXT:
        raise spot.fail("longer than 4096 characters")
    if not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        raise spot.fail("a text with half a character")
    return value


def _shown(key: str) -> str:
    return f"'{harmless(shorten(key))}'"
