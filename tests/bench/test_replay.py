"""The bench of a replay runs, at its smallest; time is not a test's matter."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_fleet_is_replayed_through_twenty_rules() -> None:
    command = [sys.executable, "-m", "bench.backtest", "--accounts", "100", "--days", "2"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "100 accounts, 2 days, 19,200 readings" in done.stdout
    assert " of 192 cycles asked" in done.stdout
