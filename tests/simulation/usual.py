"""The usual day: a provider as it is documented, one process, and a share of calls that fail.

It tells how often a person is needed, and how long a lost answer leaves a transfer in doubt.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import State
from budgetd.ledger.store import Ledger

from .driver import play
from .script import Dice, Event, Happening, PostFault, ReadFault, Script
from .stage import Coverage, Stage
from .statefile import StateFile

FAILS = 0.05
SETTINGS = ("step", "both_ways", "credit", "coupons")
USUAL = (
    PostFault.LOST_BEFORE,
    PostFault.LOST_AFTER,
    PostFault.ERROR_500_BEFORE,
    PostFault.ERROR_500_AFTER,
    PostFault.TIMEOUT_504_BEFORE,
    PostFault.TIMEOUT_504_AFTER,
    PostFault.SLOW,
    PostFault.THROTTLED,
    PostFault.NOT_SENT,
)


@dataclass(slots=True)
class Day:
    """Sums over many schedules. `doubts` are how long each lost answer to a move that had
    happened left it in doubt."""

    intents: int = 0
    for_a_person: int = 0
    doubts: list[timedelta] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def script_of_a_day(seed: int, setup: str) -> Script:
    """Four cycles, a call in twenty fails, accounts spend what they have and fall into no arrears,
    which would swallow what reaches them."""
    dice = Dice(seed)
    return Script(
        seed=seed,
        setup=setup,
        interval_s=300.0,
        chaos_s=1200.0,
        latency_s=0.2,
        posts={n: dice.choice(USUAL) for n in range(60) if dice.chance(FAILS)},
        reads={n: ReadFault.FAILED for n in range(200) if dice.chance(FAILS)},
        deaths=frozenset(),
        stops={},
        events=tuple(
            Event(at_s=at_s, what=Happening.SPEND, who=who, amount=120_00)
            for at_s in (700.0, 1000.0)
            for who in (0, 1)
        ),
    )


def add_day(day: Day, script: Script, state: StateFile) -> None:
    """Plays one and adds what became of its intents."""
    stage = play(script, state, Coverage())
    day.violations += stage.violations
    for move in state.desk.moves(stage.begins - timedelta(days=1)):
        day.intents += 1
        day.for_a_person += move.state is State.NEEDS_HUMAN
        _add_doubt(day, stage, state.desk, move.id)


def _add_doubt(day: Day, stage: Stage, ledger: Ledger, intent_id: str) -> None:
    attempts, move = ledger.attempts(intent_id), ledger.move(intent_id)
    intent = ledger.intent(intent_id)
    assert intent is not None
    moved = [one for one in stage.executions if one.post.key == intent.key]
    is_lost = bool(attempts) and attempts[0].answer_class is AnswerClass.UNKNOWN
    if is_lost and moved and moved[0].post.signed_at == attempts[0].signed_at:
        ends = move.ended_at or stage.our_now()
        assert attempts[0].answered_at is not None
        day.doubts.append(ends - attempts[0].answered_at)
