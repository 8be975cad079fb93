"""When a rule may have anything to say of an account: which readings a replay must look at.

**The rule of skipping.** What was read of an account is looked at when one of these holds, and
only then: (1) a continuous or `every` rule that selects it has a trigger that may hold on that
reading: it is below the highest amount, or above the lowest, that lets the trigger hold; below
the most that `runway_below` may come to until the burn is found anew (`burning` says why that
is no less); a trigger that speaks of anything else may always hold, and so may a runway whose
burn is not known; (2) a slot of a calendar rule that selects it is open, or its notice runs, and
the rule has not decided the slot for it; (3) a proposal or a notice about it stands, which every
cycle may end. Cooldowns, caps, windows, settle times, limits and the master's money need no
moment of their own: they only hold what a trigger wants, and where one may hold, every reading
is looked at. On any other reading each rule says `not_triggered` or `not_due`, nothing moves, and
nothing is to be remembered.

It may not decide: it only says that nothing can be decided.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.backtest.series import MICROSECOND, NEVER, instant, micros
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.trigger import When, written
from budgetd.core.intent import Direction
from budgetd.core.money import to_minor
from budgetd.core.policies.policy import Mode, Reclaim, Rule, TopUp
from budgetd.core.policies.schedule import next_slot


def is_replayed(rule: Rule) -> bool:
    """Whether a rule can move cash or credit by itself or by a proposal: alerts and rules that
    only observe move nothing, and of coupons too little is kept."""
    return rule.mode is not Mode.OBSERVE and isinstance(rule.action, TopUp | Reclaim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Readings, in cents, on which no trigger of some rules holds: from `low` to `high`, and no
    less than what is spent in each of `lengths` at the most."""

    low: int = 0
    high: int = NEVER
    lengths: frozenset[timedelta] = frozenset()

    def reaches(self, cents: int) -> bool:
        """Whether a trigger may hold on a reading, as far as can be told without a burn."""
        return bool(self.lengths) or not max(self.low, 0) <= cents <= self.high

    def and_of(self, rule: Rule) -> "Bounds":
        """The readings on which neither these nor that rule's trigger can hold."""
        when = getattr(rule.action, "when", None)
        if rule.direction is Direction.ALLOCATE:
            low, lengths = _lift_reach(when)
            return replace(self, low=max(self.low, low), lengths=self.lengths | lengths)
        return replace(self, high=min(self.high, _reclaim_reach(when)))


ANYWHERE = Bounds(low=NEVER)
"""Of a rule of the calendar: its trigger is asked at its slots, whatever is read."""

_Reach = tuple[int, frozenset[timedelta]]
_ANYWHERE: _Reach = (NEVER, frozenset())


def _lift_reach(when: When | None) -> _Reach:
    """Where a lift's trigger may hold: below that many cents, or below what is spent in one of
    those lengths. Of parts that must all hold the narrowest tells, of others the widest; a part
    that speaks of neither may hold anywhere."""
    reaches: list[_Reach] = []
    for part, bound in written(when) if when is not None else ():
        if part == "below" and isinstance(bound, Decimal):
            reaches.append((to_minor(bound), frozenset()))
        elif part == "runway_below" and isinstance(bound, timedelta):
            # 0.00 lasts no time, whatever is spent.
            reaches.append((1, frozenset({bound})))
    if when is not None and when.any is not None:
        parts: Sequence[When] = when.any
        lows, lengths = zip(*map(_lift_reach, parts), strict=True)
        reaches.append((max(lows), frozenset().union(*lengths)))
    return min(reaches, key=lambda one: (one[0] == NEVER, bool(one[1]), one[0]), default=_ANYWHERE)


def _reclaim_reach(when: When | None) -> int:
    """Above how many cents a reclaim's trigger may hold; less than any where no amount tells."""
    reaches = [
        to_minor(bound)
        for part, bound in (written(when) if when is not None else ())
        if part == "above" and isinstance(bound, Decimal)
    ]
    if when is not None and when.any is not None:
        parts: Sequence[When] = when.any
        reaches.append(min(_reclaim_reach(part) for part in parts))
    return max(reaches, default=-NEVER)


@dataclass(frozen=True, slots=True)
class Opening:
    """A slot of a calendar rule: from when to when it is served, its notice before it included,
    in microseconds since 1970."""

    period: str
    begins: int
    ends: int


def openings(named: NamedRule, zone: ZoneInfo, since: int, until: int) -> Iterator[Opening]:
    """The slots of a calendar rule that come in a time, oldest first."""
    schedule, rule = named.rule.schedule, named.rule
    assert schedule is not None
    notice = rule.notice or timedelta(0)
    slot = next_slot(schedule, rule.timezone or zone, instant(since) - MICROSECOND)
    while slot is not None and micros(slot.at - notice) < until:
        yield Opening(slot.period, micros(slot.at - notice), micros(slot.until))
        slot = next_slot(schedule, rule.timezone or zone, slot.at)


class Calendar:
    """The slots of all calendar rules in the window, and the next that an account waits for."""

    def __init__(self, rules: Sequence[NamedRule], zone: ZoneInfo, window: tuple[int, int]) -> None:
        self._slots = {
            named.name: tuple(openings(named, zone, *window))
            for named in rules
            if named.rule.schedule is not None and named.rule.schedule.is_calendar
        }
        self._places: dict[tuple[str, str], int] = {}

    def next_for(self, rule: str, account_id: str, now: int, decided: set[tuple[str, str]]) -> int:
        """From when on a rule may have something to say of an account after `now`; `NEVER` after
        its last slot. `decided` are the rules and periods that are done for the account."""
        slots, key = self._slots[rule], (rule, account_id)
        place = self._places.get(key, 0)
        while place < len(slots) and (
            slots[place].ends <= now or (rule, slots[place].period) in decided
        ):
            place += 1
        self._places[key] = place
        return slots[place].begins if place < len(slots) else NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What may wake one account's cash or credit: amounts, and rules of the calendar."""

    bounds: Bounds = Bounds()
    calendar: tuple[str, ...] = ()

    def with_rule(self, named: NamedRule) -> "Watch":
        """This, and one rule more."""
        schedule = named.rule.schedule
        if schedule is not None and schedule.is_calendar:
            return Watch(bounds=self.bounds, calendar=(*self.calendar, named.name))
        return Watch(bounds=self.bounds.and_of(named.rule), calendar=self.calendar)


def first_at(at: "Sequence[int]", begins: int, place: int, step: int) -> int:
    """The first place from there on that a cycle at `begins` or later may look at: what was read
    in the same step as that instant may be looked at after it."""
    return place if begins <= at[place] else bisect_left(at, begins // step * step, place)
