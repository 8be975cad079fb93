"""How good the usual day is: few transfers need a person, and a lost answer is soon known."""

from datetime import timedelta

import pytest

from .campaign import state_file
from .usual import SETTINGS, Day, add_day, script_of_a_day

DAYS = 60


@pytest.mark.parametrize("setup", SETTINGS)
def test_at_five_percent_faults_a_person_is_hardly_needed(setup: str) -> None:
    day = Day()
    with state_file() as state:
        for seed in range(DAYS):
            add_day(day, script_of_a_day(seed, setup), state)
    assert day.violations == []
    assert day.intents > DAYS
    assert day.for_a_person * 100 < day.intents
    assert day.doubts, "no answer was lost"
    assert max(day.doubts) <= timedelta(minutes=1)
