"""Counting what came of a replay, and of what really happened, alike.

Whole numbers throughout. What is not known is not counted: a time without readings of more than
two days, and what follows the last reading.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from operator import mul, sub

from budgetd.core.backtest.lapsing import lapsed
from budgetd.core.backtest.replaying import Replay
from budgetd.core.backtest.result import Asked, Backtest, Day, Lack, Result, Way
from budgetd.core.backtest.series import MICROSECOND, Track, cents_of, instant
from budgetd.core.backtest.waking import is_replayed
from budgetd.core.backtest.world import Key, World, recorded_of
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.trigger import bound_of
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import ZERO, from_minor, to_minor, total
from budgetd.core.observation import Sample
from budgetd.core.policies.policy import (
    Mode,
    PolicySet,
    Reclaim,
    Rule,
    RunwayKeep,
    RunwayTarget,
    TopUp,
)
from budgetd.core.reason import Hold

_LONGEST = timedelta(days=2) // MICROSECOND
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a set wants of an account's cash, in cents: a trigger, and what is enough; None where
    it says nothing."""

    below: int | None = None
    enough: int | None = None

    def with_action(self, action: object) -> "Marks":
        """These and one rule's: the highest of each."""
        when = getattr(action, "when", None)
        below = bound_of(when, "below") if isinstance(action, TopUp) else None
        enough: Decimal | None = None
        match action:
            case TopUp(to=RunwayTarget(at_most=amount)) | TopUp(to=Decimal() as amount):
                enough = amount
            case Reclaim(keep=RunwayKeep(at_least=amount)) | Reclaim(keep=Decimal() as amount):
                enough = amount
        return Marks(_higher(self.below, below), _higher(self.enough, enough))


def _higher(cents: int | None, amount: Decimal | None) -> int | None:
    if amount is None:
        return cents
    return max(to_minor(amount), cents or 0)


def marks_of(world: World, policies: PolicySet) -> dict[str, Marks]:
    """What a set wants of each account's cash."""
    fleet, found = Fleet(world.ground.accounts), defaultdict[str, Marks](Marks)
    for _, rule in policies.rules():
        if is_replayed(rule) and rule.instrument is Instrument.CASH:
            for account in fleet.select(rule.accounts):
                found[account.id] = found[account.id].with_action(rule.action)
    return dict(found)


def replayed(world: World, name: str, policies: PolicySet) -> Result:
    """One set, replayed and counted."""
    replay = Replay(world, policies)
    told = replay.run()
    holds: Counter[Hold] = Counter()
    for (_, _, reason), count in told.holds.items():
        holds[reason] += count
    asked = Asked(
        proposals=Counter(one.ask for one in told.proposals),
        holds=holds,
        capped=told.capped,
        cycles=told.asked,
    )
    counted = _Counted(world, replay.tracks, marks_of(world, policies))
    return counted.result((name, policies.digest), told.moves, asked)


def recorded(world: World, policies: PolicySet) -> Result:
    """What really happened, counted by what the set in force wants."""
    tracks = {key: Track(series) for key, series in world.series.items()}
    for track in tracks.values():
        for place, cents, _ in track.series.own:
            track.show(place, cents)
    moves = [move for move in recorded_of(world) if move.state is State.SETTLED]
    counted = _Counted(world, tracks, marks_of(world, policies))
    return counted.result((RECORDED, policies.digest), moves, None)


@dataclass(frozen=True, slots=True)
class _Counted:
    world: World
    tracks: Mapping[Key, Track]
    marks: Mapping[str, Marks]

    def result(self, named: tuple[str, str], moves: Sequence[Move], asked: Asked | None) -> Result:
        below, dry, held, idle = self._over_time()
        days = tuple(self._days(moves))
        peak, peak_at = 0, None
        drawn = 0
        for move in moves:
            if move.unit.instrument is Instrument.CASH:
                drawn += cents_of(move)
                if drawn > peak:
                    peak, peak_at = drawn, move.made_at
        return Result(
            name=named[0],
            digest=named[1],
            ways=tuple(_ways(moves)),
            below=below,
            dry=dry,
            held=held,
            idle=idle,
            peak=from_minor(peak),
            peak_at=peak_at,
            days=days,
            by_rule=_by_rule(moves),
            asked=asked,
        )

    def _over_time(self) -> tuple[Lack, Lack, Decimal, Decimal]:
        """Time below, time at 0.00, money held and money idle, over all accounts' cash."""
        below, dry = Counter[str](), Counter[str]()
        held = idle = 0
        for (account_id, instrument), track in self.tracks.items():
            if instrument is not Instrument.CASH:
                continue
            marks = self.marks.get(account_id, Marks())
            for first, end, offset in track.spans(track.series.begins):
                span = _Span.of(track, first, end)
                held += span.sum(offset)
                if marks.enough is not None:
                    idle += span.above(marks.enough - offset)
                if marks.below is not None:
                    below[account_id] += span.under(marks.below - offset)
                dry[account_id] += span.under(1 - offset)
        window = self.world.until - self.world.since
        return _lack(below), _lack(dry), from_minor(held // window), from_minor(idle // window)

    def _days(self, moves: Iterable[Move]) -> Iterable[Day]:
        """Every local day of the window, those without a move too."""
        zone = self.world.ground.limits.zone
        by_day: dict[date, list[Move]] = defaultdict(list)
        for move in moves:
            if move.unit.instrument is Instrument.CASH:
                by_day[move.made_at.astimezone(zone).date()].append(move)
        day = instant(self.world.since).astimezone(zone).date()
        last = instant(self.world.until - 1).astimezone(zone).date()
        draw = ZERO
        while day <= last:
            found = by_day[day]
            out = total(one.amount for one in found if one.direction is Direction.ALLOCATE)
            home = total(one.amount for one in found if one.direction is Direction.RECLAIM)
            draw += out - home
            yield Day(day=day, transfers=len(found), allocated=out, reclaimed=home, draw=draw)
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Span:
    """Readings of one offset: natural cents, and how long each of them lasts."""

    values: Sequence[int]
    lengths: Sequence[int]

    @classmethod
    def of(cls, track: Track, first: int, end: int) -> "_Span":
        """The readings from one place to another; the last of all lasts no time."""
        at = track.series.at
        lengths = [
            length if length <= _LONGEST else 0
            for length in map(sub, at[first + 1 : end + 1], at[first:end])
        ]
        return cls(track.series.natural[first : first + len(lengths)], lengths)

    def sum(self, offset: int) -> int:
        """Cents times microseconds."""
        natural: int = sum(map(mul, self.values, self.lengths))
        return natural + offset * sum(self.lengths)

    def above(self, bound: int) -> int:
        """The same of what lies above a bound."""
        if not self.values or max(self.values) <= bound:
            return 0
        pairs = zip(self.values, self.lengths, strict=True)
        return sum((value - bound) * length for value, length in pairs if value > bound)

    def under(self, bound: int) -> int:
        """How long it reads less than a bound."""
        if not self.values or min(self.values) >= bound:
            return 0
        pairs = zip(self.values, self.lengths, strict=True)
        return sum(length for value, length in pairs if value < bound)


def _lack(found: Mapping[str, int]) -> Lack:
    return Lack(micros=sum(found.values()), accounts=sum(1 for one in found.values() if one))


def _ways(moves: Iterable[Move]) -> Iterable[Way]:
    found: dict[tuple[Instrument, Direction], list[Decimal]] = defaultdict(list)
    for move in moves:
        found[move.unit.instrument, move.direction].append(move.amount)
    for (instrument, direction), amounts in sorted(found.items()):
        yield Way(
            instrument=instrument,
            direction=direction,
            transfers=len(amounts),
            amount=total(amounts),
        )


def _by_rule(moves: Iterable[Move]) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, list[Decimal]] = defaultdict(list)
    for move in moves:
        found[move.rule].append(move.amount)
    return {rule: (len(amounts), total(amounts)) for rule, amounts in sorted(found.items())}


def censored(world: World) -> Lack:
    """The time of the window in which cash was recorded at 0.00."""
    found: Counter[str] = Counter()
    for (account_id, instrument), series in world.series.items():
        if instrument is Instrument.CASH:
            for begins, ends in series.zeros:
                found[account_id] += max(min(ends, world.until) - max(begins, world.since), 0)
    return _lack(found)


def backtest(
    world: World,
    enterprise: str,
    force: PolicySet,
    sets: Sequence[tuple[str, PolicySet]],
    newest: Iterable[tuple[Unit, Sample]] = (),
) -> Backtest:
    """What really happened, counted by the set in force, and every set, side by side. `newest` are
    the last readings of every coupon and of every list of them."""
    results = [recorded(world, force), *(replayed(world, name, one) for name, one in sets)]
    return Backtest(
        enterprise=enterprise,
        currency=world.ground.currency,
        since=instant(world.since),
        until=instant(world.until),
        accounts=len({account_id for account_id, _ in world.series}),
        readings=world.readings,
        cycles=len(world.cycles),
        censored=censored(world),
        strangers=world.strangers,
        lapsed=lapsed(world, newest),
        master_since=None if world.master is None else instant(world.master.series.at[0]),
        left_out={
            name: tuple(rule for rule, one in policies.rules() if _is_left_out(one))
            for name, policies in sets
        },
        results=tuple(results),
    )


def _is_left_out(rule: Rule) -> bool:
    """Whether a rule moves something and is not replayed."""
    moves = rule.direction is not None and rule.mode is not Mode.OBSERVE
    return moves and not is_replayed(rule)
