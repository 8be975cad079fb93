"""The strict reading of a saved plan's document, field by field.

It may not compute digests (`plan_json` does, which knows how they are made), nor judge age.
"""

import json
import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn, TypeVar

from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.moment import MomentError, parse_instant
from budgetd.core.money import ZERO, AmountError, format_amount, parse_amount
from budgetd.core.plans.plan import FORMAT
from budgetd.report.saved_plan import Fault, SavedPlan, SavedTransfer

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
MOST_CHARACTERS = 64 * 1024 * 1024
MOST_DIGITS = 9
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class RefusedError(Exception):
    """A text that is not a plan as it was saved; `message` is for people."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


def read_document(text: str) -> dict[str, object]:
    """The JSON object a text holds, of our format; raises `RefusedError` for anything else."""
    if len(text) > MOST_CHARACTERS:
        raise _bad("more than 64 MiB")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_once,
            parse_float=_no_number,
            parse_int=_small,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        raise _bad(f"not JSON at {place}; was it cut off?") from problem
    except RecursionError as problem:
        raise _bad("nested too deeply") from problem
    if not isinstance(document, dict) or not isinstance(document.get("format"), str):
        raise _bad("the key 'format' is missing")
    if document["format"] != FORMAT:
        raise RefusedError(Fault.OTHER_FORMAT, f"not the format {FORMAT}")
    return document


def saved_plan_of(document: dict[str, object]) -> SavedPlan:
    """The noun a document means; raises `RefusedError` at the first wrong field."""
    fields = _Fields(document, "")
    entries = fields.read("transfers", list)
    transfers = tuple(
        _transfer(_Fields(entry, f"transfers[{index}].")) for index, entry in enumerate(entries)
    )
    if len({transfer.id for transfer in transfers}) != len(transfers):
        raise _bad("two transfers have the same id")
    currencies = {_Fields(entry, "transfers[].").text("currency") for entry in entries}
    if len(currencies) > 1:
        raise _bad("more than one currency")
    return SavedPlan(
        enterprise=fields.text("enterprise"),
        mode=fields.text("mode"),
        policy_digest=fields.digest("policy_digest"),
        plan_digest=fields.digest("plan_digest"),
        taken_at=fields.instant("taken_at"),
        expires_at=fields.instant("expires_at"),
        is_preview=fields.read("preview", bool),
        currency=next(iter(currencies), ""),
        transfers=transfers,
        only=fields.text("only") if "only" in document else None,
    )


def _transfer(fields: "_Fields") -> SavedTransfer:
    account = _Fields(fields.read("account", dict), f"{fields.where}account.")
    direction = fields.member("direction", Direction)
    instrument = fields.member("instrument", Instrument)
    return SavedTransfer(
        id=fields.text("id"),
        rule=fields.text("rule"),
        direction=direction,
        unit=Unit(
            account_id=account.text("id"),
            instrument=instrument,
            part=_part(fields, direction, instrument),
        ),
        account_name=account.read("name", str),
        amount=fields.amount("amount"),
        needs_approval=fields.read("needs_approval", bool),
    )


def _part(fields: "_Fields", direction: Direction, instrument: Instrument) -> str:
    """What of the account it is about: the ledger's expire time, or the coupon that moves."""
    match instrument:
        case Instrument.CASH:
            return ""
        case Instrument.CREDIT:
            return "" if fields.entries.get("ledger") is None else fields.text("ledger")
        case Instrument.COUPON:
            coupon = _Fields(fields.read("coupon", dict), f"{fields.where}coupon.")
            return coupon.text("coupon_id" if direction is Direction.ALLOCATE else "child_id")


class _Fields:
    """One object of the document, with its place for messages."""

    def __init__(self, entries: object, where: str) -> None:
        self.where = where
        if not isinstance(entries, dict):
            raise _bad(f"{where.rstrip('.')}: expected an object")
        self.entries = entries

    def read(self, key: str, kind: type[T]) -> T:
        """The value of a key that must be there and of this kind."""
        value = self.entries.get(key)
        if not isinstance(value, kind):
            raise _bad(f"{self.where}{key}: missing, or not what it should be")
        return value

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self.read(key, str)
        if not value:
            raise _bad(f"{self.where}{key}: empty")
        return value

    def digest(self, key: str) -> str:
        """`sha256:` and 64 hex digits."""
        value = self.read(key, str)
        if not _DIGEST.fullmatch(value):
            raise _bad(f"{self.where}{key}: not a digest")
        return value

    def instant(self, key: str) -> datetime:
        """An RFC 3339 instant."""
        try:
            return parse_instant(self.read(key, str))
        except MomentError as problem:
            raise _bad(f"{self.where}{key}: {problem}") from problem

    def amount(self, key: str) -> Decimal:
        """An amount above zero, written with two decimals."""
        text = self.read(key, str)
        try:
            value = parse_amount(text)
        except AmountError as problem:
            raise _bad(f"{self.where}{key}: {problem}") from problem
        if value <= ZERO or format_amount(value) != text:
            raise _bad(f"{self.where}{key}: expected an amount like 500.00")
        return value

    def member(self, key: str, closed: type[E]) -> E:
        """One word of a closed list."""
        try:
            return closed(self.read(key, str))
        except ValueError as problem:
            raise _bad(f"{self.where}{key}: not a known word") from problem


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping, of which every key was given once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("a key is given twice")
    return found


def _no_number(_text: str) -> NoReturn:
    raise _bad("a number with decimals stands where text belongs")


def _small(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise _bad("a number is too long")
    return int(text)


def _bad(message: str) -> RefusedError:
    return RefusedError(Fault.NOT_A_PLAN, f"this is no saved plan: {message}")
