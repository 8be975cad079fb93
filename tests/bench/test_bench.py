"""Every measure can be taken, at its smallest; time is not a test's matter."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


def test_every_measure_gives_its_line() -> None:
    done = bench("--smallest")
    assert done.returncode == 0, done.stderr
    heading, *lines = done.stdout.splitlines()
    assert heading.split()[:2] == ["measure", "value"]
    names = [line.split()[0] for line in lines]
    assert names == ["sweep", "sweep_sdk", "cpu", "decide", "help", "check", "memory"]


def test_a_small_sweep_reads_every_account() -> None:
    done = bench("--smallest", "sweep")
    assert "20 accounts, 36 readings" in done.stdout
    assert "missing" not in done.stdout
    assert "unread" not in done.stdout


def test_a_measure_that_nobody_knows_is_refused() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert "no such measure: speed" in done.stderr
