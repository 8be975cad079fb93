"""All that a replay stands on: the fleet, what was recorded of it, our moves, the window, limits.

One world serves every set of policies and is never changed. It may not know rules.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from budgetd.core.backtest.series import MICROSECOND, Series, cents_of, instant, micros, series_of
from budgetd.core.decisions.deciding import MASTER
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.observation import Account

Key = tuple[str, Instrument]
"""What is replayed: an account's cash, or its credit."""

REPLAYED = (Instrument.CASH, Instrument.CREDIT)
LOOKS_BACK = timedelta(days=32)
"""How far back a cycle knows single moves; older ones are sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The kept readings of one unit, oldest first: microseconds since 1970, and cents."""

    unit: Unit
    at: "array[int]"
    values: "array[int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a world is made for: the fleet, the limits in force, the currency, how far apart
    cycles are."""

    accounts: tuple[Account, ...]
    limits: Limits
    currency: str
    step: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """The master's cash as it was recorded, and what our recorded moves of the window had taken
    out of it by then: instants, and cents from each on."""

    series: Series
    paid_at: tuple[int, ...]
    paid: tuple[int, ...]

    def left(self, now: int) -> int | None:
        """What it would hold had none of our moves of the window been made; None while it was not
        read."""
        place = bisect_right(self.series.at, now) - 1
        if place < 0:
            return None
        known = bisect_right(self.paid_at, self.series.at[place])
        return self.series.natural[place] + (self.paid[known - 1] if known else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A past, ready to be replayed. `since` and `until` bound the window, in microseconds since
    1970; readings from before it are history. `cycles` are the steps of the window in which
    something was read, each with its last reading: that is when its cycle takes place. `moves`
    are our recorded ones of the window and of 32 days before it, `moved_before` the sums of
    the older ones. `strangers` are the recorded accounts that are not in the fleet any more.
    """

    ground: Ground
    since: int
    until: int
    series: Mapping[Key, Series]
    master: Master | None
    cycles: Mapping[int, int]
    moves: tuple[Move, ...]
    moved_before: Mapping[tuple[str, Instrument, Direction], Decimal]
    strangers: int
    by_account: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """How long a step is, in microseconds."""
        return self.ground.step // MICROSECOND

    @property
    def readings(self) -> int:
        """How many readings of the window there are."""
        return sum(len(one.at) - one.begins for one in self.series.values())

    def place_in(self, key: Key, step: int) -> int | None:
        """The last reading of a unit in a step; None where it was not read in it."""
        at = self.series[key].at
        place = bisect_left(at, (step + 1) * self.step) - 1
        return place if place >= 0 and at[place] >= max(step * self.step, self.since) else None

    def first_in(self, key: Key, step: int) -> int:
        """The place of the first reading of a unit in a step, or of the next one after it."""
        return bisect_left(self.series[key].at, step * self.step)


class NothingRecordedError(ValueError):
    """There is no reading in the window: nothing to replay."""


def world_of(
    ground: Ground,
    window: tuple[int, int],
    columns: Iterable[Column],
    past: tuple[tuple[Move, ...], Mapping[tuple[str, Instrument, Direction], Decimal]],
) -> World:
    """The world of a window. `past` are our recorded moves and the sums of older ones. Raises
    `NothingRecordedError`."""
    since, until = window
    fleet = {account.id for account in ground.accounts}
    own: dict[Key, list[Move]] = defaultdict(list)
    for move in past[0]:
        # Of credit only the sum is kept: a ledger's move is a move of the sum.
        own[move.unit.account_id, move.unit.instrument].append(move)
    series: dict[Key, Series] = {}
    strangers: set[str] = set()
    cycles: dict[int, int] = {}
    master: Master | None = None
    step = ground.step // MICROSECOND
    for column in columns:
        unit = column.unit
        if unit.part or unit.instrument not in REPLAYED or not column.at:
            continue
        if unit.account_id == MASTER.id:
            if unit.instrument is Instrument.CASH:
                master = _master_of(column, window, past[0])
        elif unit.account_id not in fleet:
            strangers.add(unit.account_id)
        else:
            key = (unit.account_id, unit.instrument)
            found = series[key] = series_of(column.at, column.values, own[key], since)
            _note_cycles(found, step, cycles)
    if not cycles:
        raise NothingRecordedError
    return World(
        ground=ground,
        since=since,
        until=until,
        series=dict(sorted(series.items())),
        master=master,
        cycles=cycles,
        moves=past[0],
        moved_before=past[1],
        strangers=len(strangers),
        by_account={
            one.id: tuple((one.id, kind) for kind in REPLAYED if (one.id, kind) in series)
            for one in ground.accounts
        },
    )


def cut_to(window: tuple[datetime, datetime], columns: Iterable[Column]) -> tuple[int, int]:
    """The part of a window in which anything was recorded, in microseconds since 1970."""
    since, until = (micros(at) for at in window)
    known = [column.at for column in columns if column.at]
    first = min((at[0] for at in known), default=since)
    last = max((at[-1] for at in known), default=since)
    return max(since, first), max(min(until, last + 1), since + 1)


def _master_of(column: Column, window: tuple[int, int], moves: Iterable[Move]) -> Master:
    paid = sorted(
        (micros(move.ended_at), cents_of(move))
        for move in moves
        if move.state is State.SETTLED
        and move.ended_at is not None
        and move.unit.instrument is Instrument.CASH
        and window[0] <= micros(move.made_at)
    )
    return Master(
        series=series_of(column.at, column.values, (), window[0]),
        paid_at=tuple(at for at, _ in paid),
        paid=tuple(accumulate(cents for _, cents in paid)),
    )


def _note_cycles(series: Series, step: int, cycles: dict[int, int]) -> None:
    """The last reading of each step, of all that were read in it."""
    at = series.at[series.begins :]
    for number, last in dict(zip([one // step for one in at], at, strict=True)).items():
        if last > cycles.get(number, 0):
            cycles[number] = last


def history_of(world: World) -> tuple[Move, ...]:
    """Our recorded moves from before the window; of one that is still open nothing is known."""
    begins = instant(world.since)
    return tuple(move for move in world.moves if move.made_at < begins and not move.is_open)


def recorded_of(world: World) -> tuple[Move, ...]:
    """Our recorded moves of the window."""
    begins, ends = instant(world.since), instant(world.until)
    return tuple(move for move in world.moves if begins <= move.made_at < ends)


def sums_before(
    world: World, moves: Iterable[Move], now: int
) -> dict[tuple[str, Instrument, Direction], Decimal]:
    """The sums of what moved longer ago than a cycle knows single moves, by account and way."""
    found = dict(world.moved_before)
    before = instant(now) - LOOKS_BACK
    for move in moves:
        if move.made_at < before and move.counts and not move.is_open:
            key = (move.unit.account_id, move.unit.instrument, move.direction)
            found[key] = found.get(key, Decimal(0)) + move.amount
    return found
