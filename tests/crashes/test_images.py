"""A power cut at any point loses no acknowledged commit; weaker pragmas do, and it is found."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crashes.images import Pragmas, Tally, judge, record

EVERY = 1_000_000
MEMORY = Path("/dev/shm")  # noqa: S108 - only for speed: the images are opened, not cut again


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as made:
        yield Path(made)


def cut(folder: Path, pragmas: Pragmas, *, lives: int, most: int) -> Tally:
    recording = record(folder / "budgetd.db", pragmas, lives)
    tally = judge(recording, folder / "images" / "budgetd.db", pragmas, most)
    print(f"{pragmas}: {tally}")
    return tally


def test_as_shipped_no_power_cut_loses_an_acknowledged_commit(folder: Path) -> None:
    tally = cut(folder, Pragmas(), lives=2, most=EVERY)
    assert tally.lost == []
    assert tally.images > 2000
    # One from before the first commit begins anew, or says what to do.
    assert all("is empty" in reason for reason in tally.reasons), tally.reasons


def test_a_rollback_journal_with_a_synced_folder_loses_nothing_either(folder: Path) -> None:
    """It does not cry wolf: what must hold elsewhere holds here."""
    pragmas = Pragmas(journal_mode="DELETE", synchronous="EXTRA")
    assert cut(folder, pragmas, lives=1, most=4).lost == []


@pytest.mark.parametrize(
    "pragmas",
    [Pragmas(journal_mode="DELETE", synchronous="FULL"), Pragmas(synchronous="NORMAL")],
    ids=["delete and full", "wal and normal"],
)
def test_weaker_pragmas_lose_acknowledged_commits(folder: Path, pragmas: Pragmas) -> None:
    tally = cut(folder, pragmas, lives=1, most=4)
    assert len(tally.lost) > 20
