"""The campaign's share of the suite: fixed seeds, every invariant, and what once was found."""

import pytest

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import State

from .campaign import broken_by, run_seeds, told
from .regressions import REGRESSIONS
from .script import Script, schedule_of
from .shrinking import shrink

SCHEDULES = 20_000
EACH = 1_000


@pytest.mark.parametrize("first", range(0, SCHEDULES, EACH))
def test_no_schedule_moves_money_twice_nor_loses_it(first: int) -> None:
    result = run_seeds(range(first, first + EACH))
    for seed, violations in result.failed.items():
        small = shrink(schedule_of(seed), broken_by)
        pytest.fail("\n".join([f"seed {seed}", *violations, *small.lines(), *told(small)]))
    seen = result.coverage.seen
    assert all(seen["states", state] for state in (*_ends(), State.NEEDS_HUMAN))
    assert all(seen["classes", answer_class] for answer_class in AnswerClass)


def _ends() -> tuple[State, ...]:
    return (State.SETTLED, State.REFUSED, State.CANCELLED, State.VOID)


@pytest.mark.parametrize("name", list(REGRESSIONS))
def test_what_was_found_stays_mended(name: str) -> None:
    script: Script = REGRESSIONS[name]
    assert broken_by(script) == set(), "\n".join([*script.lines(), *told(script)])


def test_a_seed_always_plays_the_same_schedule() -> None:
    assert schedule_of(5) == schedule_of(5)
