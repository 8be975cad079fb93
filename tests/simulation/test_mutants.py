"""The campaign bites: with one rule of the design removed, fixed seeds break an invariant."""

import pytest

from .campaign import run_seeds
from .killers import KILLERS
from .mutants import MUTANTS
from .script import script_of


def test_every_mutant_has_its_seeds() -> None:
    assert set(KILLERS) == set(MUTANTS)
    assert len(MUTANTS) >= 20


@pytest.mark.parametrize("name", list(KILLERS))
def test_a_mutant_is_noticed(name: str) -> None:
    with MUTANTS[name]():
        noticed = [seed for seed in KILLERS[name] if run_seeds([seed], script_of).failed]
    search = f"python -m tests.simulation.mutants 5000 {name}"
    assert noticed, f"look for other seeds with `{search}`"


@pytest.mark.parametrize("name", list(KILLERS))
def test_the_same_seeds_break_nothing_by_themselves(name: str) -> None:
    assert not run_seeds(KILLERS[name], script_of).failed
