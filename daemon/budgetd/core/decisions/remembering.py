"""How far back a cycle must remember readings: for triggers that must have lasted, for what is
not reflected yet, for top-ups that may have had no effect.

Pure. It may not read anything itself.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Move, State
from budgetd.core.policies.policy import PolicySet


def reach_of(policies: PolicySet, limits: Limits) -> timedelta:
    """How far back readings matter to triggers that must have lasted, and to what is reflected."""
    longest = max(timedelta(hours=1), limits.reflected_after)
    for _, rule in policies.rules():
        lasting = getattr(getattr(rule.action, "when", None), "for_", None)
        if lasting is not None:
            longest = max(longest, lasting.length * 2, timedelta(hours=24))
    return longest


def episodes_of(moves: Iterable[Move]) -> dict[tuple[str, Instrument], datetime]:
    """Since when the readings of an account matter that was topped up twice: the first of the
    last two."""
    settled: dict[tuple[str, Instrument], list[datetime]] = {}
    for move in moves:
        if move.state is State.SETTLED and move.direction is Direction.ALLOCATE and move.ended_at:
            key = (move.unit.account_id, move.unit.instrument)
            settled.setdefault(key, []).append(move.ended_at)
    return {key: ends[-2] for key, ends in settled.items() if len(ends) > 1}
