"""A process killed at any moment, again and again: nothing moves twice, and nothing is lost."""

from pathlib import Path

import pytest
from tests.crashes.kills import campaign

KILLS = 12


@pytest.mark.timeout(300)
def test_kills_at_random_moments_double_nothing_and_lose_nothing(tmp_path: Path) -> None:
    tally = campaign(tmp_path, KILLS, seed=7)
    print(tally)
    assert tally.wrong == []
    assert tally.unsettled == []
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert tally.kills == KILLS
    # Or the kills would have hit processes that had nothing under way.
    assert tally.kills - tally.hits["nothing open"] >= KILLS // 4
