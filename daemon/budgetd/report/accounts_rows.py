"""The fleet as rows: what was read of each account, in the words of every format.

It sums what was read and says what was not; it may not lay out anything, nor take what is
unknown for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from budgetd.core.decisions.funding import Funding
from budgetd.core.intent import Instrument, Move
from budgetd.core.money import ZERO, total
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Reading,
    Readings,
    Stale,
    Unknown,
)
from budgetd.report.ahead import Ahead, ahead_of
from budgetd.report.words import without_endpoint

V = TypeVar("V")


class Known(StrEnum):
    """What there is of one instrument."""

    OK = "ok"
    STALE = "stale"
    UNKNOWN = "unknown"
    UNMANAGEABLE = "unmanageable"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One instrument of one account. `reclaimable` is None unless it was read (of the master:
    what it can give); `spendable` is of credit alone, `expires_at` of coupons alone."""

    state: Known
    reclaimable: Decimal | None = None
    spendable: Decimal | None = None
    expires_at: datetime | None = None
    count: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """One account. `ahead` is None where what it spends is not known."""

    account: Account
    figures: Mapping[Instrument, Figure]
    last: Move | None
    ahead: Ahead | None = None


def figures_of(readings: Readings, at: datetime) -> dict[Instrument, Figure]:
    """Every instrument of an account, or of the master, as of that instant."""
    return {
        Instrument.CASH: _cash(readings.cash),
        Instrument.CREDIT: _credit(readings.credit, at),
        Instrument.COUPON: _coupons(readings.coupons, at),
    }


def fleet_rows(
    observation: Observation,
    moves: Iterable[Move],
    zone: ZoneInfo,
    funding: Funding | None = None,
) -> tuple[FleetRow, ...]:
    """A row an account, by unit and name; `moves` are in the order in which they were made,
    weekdays of what lies ahead those of `zone`, the rules in force those of `funding`."""
    last = {move.unit.account_id: move for move in moves}
    rows = [
        FleetRow(
            account=account,
            figures=figures_of(observation.readings_of(account.id), observation.taken_at),
            last=last.get(account.id),
            ahead=ahead_of(observation, account.id, zone, funding),
        )
        for account in observation.accounts
    ]
    return tuple(sorted(rows, key=lambda row: (row.account.label.casefold(), row.account.id)))


def live_ledgers(ledgers: Iterable[CreditLedger], at: datetime) -> list[CreditLedger]:
    """The ledgers that have not expired, the soonest first and the permanent ones last."""
    alive = [one for one in ledgers if one.expires_at is None or one.expires_at > at]
    return sorted(alive, key=lambda one: (one.expires_at is None, one.expires_at or at))


def live_coupons(coupons: Iterable[Coupon], at: datetime) -> list[Coupon]:
    """The coupons that have not expired and hold something, the soonest first."""
    alive = [
        one
        for one in coupons
        if one.balance > ZERO and (one.expires_at is None or one.expires_at > at)
    ]
    return sorted(alive, key=lambda one: (one.expires_at is None, one.expires_at or at))


def _missing(reading: Unknown | None) -> Figure:
    if reading is None:
        return Figure(state=Known.NOT_READ)
    state = Known.UNMANAGEABLE if reading.is_unmanageable else Known.UNKNOWN
    return Figure(state=state, why=without_endpoint(reading.reason))


def _state(reading: Ok[V] | Stale[V]) -> Known:
    return Known.OK if isinstance(reading, Ok) else Known.STALE


def _cash(reading: Reading[Decimal] | None) -> Figure:
    if reading is None or isinstance(reading, Unknown):
        return _missing(reading)
    return Figure(state=_state(reading), reclaimable=reading.value)


def _credit(reading: Reading[tuple[CreditLedger, ...]] | None, at: datetime) -> Figure:
    if reading is None or isinstance(reading, Unknown):
        return _missing(reading)
    ledgers = live_ledgers(reading.value, at)
    return Figure(
        state=_state(reading),
        reclaimable=_sum([one.available for one in ledgers]),
        spendable=_sum([one.amount for one in ledgers]),
        count=len(ledgers),
    )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    """The sum of what is known of all: one unknown part makes the sum unknown."""
    known = [value for value in values if value is not None]
    return total(known) if len(known) == len(values) else None


def _coupons(reading: Reading[tuple[Coupon, ...]] | None, at: datetime) -> Figure:
    if reading is None or isinstance(reading, Unknown):
        return _missing(reading)
    coupons = live_coupons(reading.value, at)
    ends = [one.expires_at for one in coupons if one.expires_at is not None]
    return Figure(
        state=_state(reading),
        reclaimable=total(one.balance for one in coupons),
        expires_at=min(ends, default=None),
        count=len(coupons),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some accounts have together of one instrument, and of how many that was read."""

    amount: Decimal
    read: int


def sum_of(rows: Iterable[FleetRow], instrument: Instrument) -> Sum:
    """Of those accounts alone that were read; a stale or unknown figure is in no sum."""
    values = [
        figure.reclaimable
        for figure in (row.figures[instrument] for row in rows)
        if figure.state is Known.OK and figure.reclaimable is not None
    ]
    return Sum(amount=total(values), read=len(values))
