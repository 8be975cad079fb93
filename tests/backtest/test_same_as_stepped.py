"""Whatever the past and the policies, the replay moves what the daemon moves that skips nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from budgetd.core.approval import Proposal
from budgetd.core.backtest.replaying import Replay, Told
from budgetd.core.intent import Move

from .pasts import Made, made
from .stepping import Stepped

SEEDS = int(os.environ.get("PASTS", "16"))
FIRST = int(os.environ.get("FIRST_PAST", "0"))
ROOT = Path(__file__).parents[2]
FOUND = (47, 1098, 5116)
"""Pasts that told the two apart once."""


def plain(moves: list[Move]) -> list[tuple[object, ...]]:
    """Moves without their ids, in an order that is nobody's."""
    return sorted(
        (m.made_at, m.rule, m.unit, m.direction, m.amount, m.period, m.reading) for m in moves
    )


def asked(proposals: list[Proposal]) -> list[tuple[object, ...]]:
    """Proposals in order of time; those of one cycle in no order."""
    found = [(p.made_at, p.id, p.ask, p.limit, p.items) for p in proposals]
    return sorted(found, key=lambda one: one[:2])


def replayed(past: Made) -> Told:
    """What a replay tells of it."""
    return Replay(past.world, past.policies).run()


@pytest.mark.parametrize("seed", [*range(FIRST, FIRST + SEEDS), *FOUND])
def test_the_replay_does_what_the_engine_does_at_every_reading(seed: int) -> None:
    past = made(seed)
    stepped, told = Stepped(past.recorded, past.policies).run(), replayed(past)
    assert plain(told.moves) == plain(stepped.moves)
    assert asked(told.proposals) == asked(stepped.proposals)
    assert dict(told.holds) == dict(stepped.holds)


def test_a_replay_is_the_same_in_every_process() -> None:
    script = (
        "from tests.backtest.test_same_as_stepped import made, replayed\n"
        "print([repr(replayed(made(seed))) for seed in (13, 10)])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
