"""A plan as rows that every format lays out its own way: what, whom, how much, why.

It puts reasons into words. It may not escape or shorten: that is for the format that knows
where the text ends up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from budgetd.core.decisions.decision import Held
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Account
from budgetd.core.plans.plan import Plan, Transfer, Unreadable
from budgetd.core.reason import Hold
from budgetd.report.summary import loud_holds
from budgetd.report.words import (
    ASK_WORDS,
    HOLD_WORDS,
    RAISED_WORDS,
    WHY_WORDS,
    limit_name,
    without_endpoint,
)


class RowKind(StrEnum):
    """What a row tells of."""

    TRANSFER = "transfer"
    PROPOSAL = "proposal"
    WITHHELD = "withheld"
    HELD = "held"
    ALERT = "alert"
    UNREADABLE = "unreadable"
    OBSERVED = "observed"


SIGNS: dict[RowKind, str] = {
    RowKind.PROPOSAL: "*",
    RowKind.WITHHELD: "x",
    RowKind.HELD: "!",
    RowKind.ALERT: "!",
    RowKind.UNREADABLE: "?",
    RowKind.OBSERVED: "~",
}

VERBS: dict[tuple[Instrument, Direction], str] = {
    (Instrument.CASH, Direction.ALLOCATE): "top up",
    (Instrument.CASH, Direction.RECLAIM): "reclaim",
    (Instrument.CREDIT, Direction.ALLOCATE): "credit",
    (Instrument.CREDIT, Direction.RECLAIM): "credit",
    (Instrument.COUPON, Direction.ALLOCATE): "grant",
    (Instrument.COUPON, Direction.RECLAIM): "coupon",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a report. `amount` is signed as the account sees it: plus comes in."""

    kind: RowKind
    sign: str
    verb: str
    account: Account
    note: str
    rule: str = ""
    instrument: Instrument | None = None
    reading: Decimal | None = None
    after: Decimal | None = None
    amount: Decimal | None = None
    id: str = ""


def rows_of(plan: Plan, zone: ZoneInfo) -> tuple[Row, ...]:
    """Every row of a plan: moves in their order, then what needs a person, then the rest."""
    return tuple(_rows(plan, zone))


def _rows(plan: Plan, zone: ZoneInfo) -> Iterator[Row]:
    for transfer in plan.moves:
        yield _transfer(transfer, RowKind.TRANSFER, VERBS[transfer.instrument, transfer.direction])
    for transfer in plan.proposals:
        assert transfer.ask is not None
        yield _transfer(transfer, RowKind.PROPOSAL, "propose", ASK_WORDS[transfer.ask])
    for item in plan.withheld:
        yield _transfer(
            item.transfer, RowKind.WITHHELD, "withheld", f"over {limit_name(item.limit)}"
        )
    for held in loud_holds(plan):
        yield _held(held, plan.taken_at, zone)
    for raised in plan.alerts:
        yield Row(
            kind=RowKind.ALERT,
            sign=SIGNS[RowKind.ALERT],
            verb="alert",
            account=raised.account,
            rule=raised.rule,
            instrument=raised.instrument,
            reading=raised.reading,
            note=f"{raised.severity}, {RAISED_WORDS[raised.why]}",
        )
    for unreadable in plan.unreadable:
        yield _unreadable(unreadable)
    for transfer in plan.observed:
        yield _transfer(transfer, RowKind.OBSERVED, "observe", "the rule only observes")


def _transfer(transfer: Transfer, kind: RowKind, verb: str, first: str = "") -> Row:
    is_out = transfer.direction is Direction.ALLOCATE
    approved = f"approved by {transfer.approved.by}" if transfer.approved else ""
    parts = [first, transfer.trigger or WHY_WORDS[transfer.why], _short_by(transfer), approved]
    return Row(
        kind=kind,
        sign=SIGNS.get(kind, "+" if is_out else "-"),
        verb=verb,
        account=transfer.account,
        rule=transfer.rule,
        instrument=transfer.instrument,
        reading=transfer.reading,
        after=transfer.after,
        amount=transfer.amount if is_out else -transfer.amount,
        note=", ".join(part for part in parts if part),
        id=transfer.id,
    )


def _short_by(transfer: Transfer) -> str:
    if transfer.short_by <= ZERO:
        return ""
    return f"{show_amount(transfer.short_by)} short of its target"


def _held(held: Held, now: datetime, zone: ZoneInfo) -> Row:
    return Row(
        kind=RowKind.HELD,
        sign=SIGNS[RowKind.HELD],
        verb="held",
        account=held.account,
        rule=held.rule,
        instrument=held.instrument,
        reading=held.reading,
        note=hold_note(held, now, zone),
    )


def hold_note(held: Held, now: datetime, zone: ZoneInfo) -> str:
    """Why and until when, in a few words: `cooldown until 23:10`."""
    until = f" until {moment(held.until, now, zone)}" if held.until else ""
    detail = f": {without_endpoint(held.detail)}" if held.detail else ""
    return f"{HOLD_WORDS[held.reason]}{until}{detail}"


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A local time of today, or a local date and time of any other day."""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def _unreadable(unreadable: Unreadable) -> Row:
    is_stale, why = unreadable.reason is Hold.STALE, without_endpoint(unreadable.detail)
    return Row(
        kind=RowKind.UNREADABLE,
        sign=SIGNS[RowKind.UNREADABLE],
        verb="stale" if is_stale else "unread",
        account=unreadable.account,
        note="; ".join(part for part in (why, "nothing is assumed") if part),
    )
