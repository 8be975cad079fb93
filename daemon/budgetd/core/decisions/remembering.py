"""How far back a cycle must remember our moves, and readings: for triggers that must have lasted,
for what is not reflected yet, for top-ups that may have had no effect.

Pure. It may not read anything itself.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.fields import Lasting
from budgetd.core.intent import Direction, Instrument, Move, State
from budgetd.core.policies.policy import Condition, PolicySet
from budgetd.core.policies.schedule import Schedule

LOOKING_BACK = timedelta(days=32)
"""So far back our moves are known one by one: longer than any period of a cap or a slot."""


def reach_of(policies: PolicySet, limits: Limits) -> timedelta:
    """How far back readings matter to triggers that must have lasted, and to what is reflected."""
    longest = max(timedelta(hours=1), limits.reflected_after)
    for _, rule in policies.rules():
        for lasting in _lastings(getattr(rule.action, "when", None)):
            longest = max(longest, reach_for(lasting, rule.schedule))
    return longest


def reach_for(lasting: Lasting, schedule: Schedule | None) -> timedelta:
    """How far back one `for` of a rule of that schedule looks."""
    rows = lasting.readings * _between(schedule)
    return max(lasting.length * 2, rows, timedelta(hours=24))


def _lastings(when: Condition | None) -> Iterator[Lasting]:
    """Every `for` of a trigger, those of its parts too."""
    if when is None:
        return
    if when.for_ is not None:
        yield when.for_
    for part in getattr(when, "any", None) or ():
        yield from _lastings(part)


def _between(schedule: Schedule | None) -> timedelta:
    """How far apart two readings of a rule may lie at the most; those of a continuous one come
    every quarter of an hour or so, and of old ones one an hour is kept."""
    if schedule is None:
        return timedelta(hours=1)
    return schedule.every or timedelta(days=32)


def episodes_of(moves: Iterable[Move]) -> dict[tuple[str, Instrument], datetime]:
    """Since when the readings of an account matter that was topped up twice: the first of the
    last two."""
    settled: dict[tuple[str, Instrument], list[datetime]] = {}
    for move in moves:
        if move.state is State.SETTLED and move.direction is Direction.ALLOCATE and move.ended_at:
            key = (move.unit.account_id, move.unit.instrument)
            settled.setdefault(key, []).append(move.ended_at)
    return {key: ends[-2] for key, ends in settled.items() if len(ends) > 1}
