"""A slice of the campaign, and what a process leaves behind: no secret is anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .campaign import BY_NAME, PLACES, Chunk, Place, campaign, run
from .case import Case, Found
from .command_cases import BUDGETD

ALLOWED = ("sh", "-c", 'ulimit -S -c $(ulimit -H -c); exec "$@"', "sh")
"""Begins a command that may leave a core as large as the system lets it."""
UNITS = Path(__file__).parents[2] / "systemd"


def test_no_secret_comes_out_anywhere() -> None:
    figures = campaign(450, seed=1)
    assert set(figures.cases) == {place.name for place in PLACES}
    assert all(figures.outputs[place.name] for place in PLACES)
    assert not figures.sightings, "\n".join(map(str, figures.sightings[:20]))


def test_a_place_that_leaks_is_told_with_the_case_that_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leaking(case: Case) -> Found:
        is_said = case.planted.code.endswith("7")
        said = f"Authorization: {case.planted.secret_key}" if is_said else "nothing"
        return Found(secrets=case.planted.all(), outputs=[("log", said)])

    monkeypatch.setitem(BY_NAME, "leaking", Place(name="leaking", share=1, run=leaking))
    figures = run(Chunk(place="leaking", seed=5, numbers=range(100)))
    numbers = {one.number for one in figures.sightings}
    assert 0 < len(numbers) < 100
    again = run(Chunk(place="leaking", seed=5, numbers=range(min(numbers), min(numbers) + 1)))
    assert again.sightings[0] == figures.sightings[0]
    assert again.sightings[0].leak.secret == "secret_key"


def test_a_process_that_dies_leaves_no_core(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*ALLOWED, sys.executable, str(BUDGETD), "sandbox", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline(), "it has not started"
            assert _is_without_core(Path(f"/proc/{running.pid}/limits"))
        finally:
            running.kill()


def _is_without_core(limits: Path) -> bool:
    """Whether the kernel would write none: a byte is less than a core, and forbids a pipe, too."""
    (line,) = [one for one in limits.read_text().splitlines() if one.startswith("Max core file")]
    return line.split()[4] in ("0", "1")


def test_the_units_allow_no_core() -> None:
    units = sorted(UNITS.glob("*.service"))
    assert units
    assert all("\nLimitCORE=1\n" in unit.read_text("utf-8") for unit in units)
