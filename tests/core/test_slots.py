"""Whole years of slots: each is served once, or is told as missed; none twice, none early.

`SLOTS=N` plays so many years of each kind; `make slots` does. A seed that fails is played alone by
`SLOTS_SEED`.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from budgetd.core.decisions.due import Due, Key
from budgetd.core.decisions.history import History
from budgetd.core.decisions.judging import Judge
from budgetd.core.moment import format_instant, parse_instant
from budgetd.core.policies.schedule import Slot
from budgetd.ledger import slots as ledger_slots

from .lives import Life, accounts, gift, policies
from .years import HOUR, MINUTE, Year

MANY = int(os.environ.get("SLOTS", "8"))
FIRST = int(os.environ.get("SLOTS_SEED", "0"))
BERLIN, NEW_YORK, SHANGHAI = "Europe/Berlin", "America/New_York", "Asia/Shanghai"


@pytest.mark.parametrize("reloads", [False, True], ids=["as-written", "reloaded"])
def test_every_slot_of_a_year_is_served_once_or_told_as_missed(
    tmp_path: Path, reloads: bool
) -> None:
    for seed in range(FIRST, FIRST + MANY):
        year = Year(seed, tmp_path / f"{seed}.db", reloads)
        try:
            year.run(days=365, most_cycles=int(os.environ.get("SLOTS_CYCLES", "250")))
        except AssertionError as broken:
            raise AssertionError(f"SLOTS_SEED={seed} {year.plan} at {year.now}") from broken
        (tmp_path / f"{seed}.db").unlink()


NIGHTS = [
    # An hour that a night lacks is the first instant after the gap; one it has twice the first.
    (BERLIN, {"daily": {"at": "02:30"}}, "2026-03-28T12:00Z", 36, ["2026-03-29T01:00:00Z"]),
    (BERLIN, {"daily": {"at": "02:30"}}, "2026-10-24T12:00Z", 36, ["2026-10-25T00:30:00Z"]),
    (NEW_YORK, {"daily": {"at": "02:00"}}, "2026-03-07T15:00Z", 24, ["2026-03-08T07:00:00Z"]),
    (NEW_YORK, {"daily": {"at": "01:00"}}, "2026-10-31T15:00Z", 24, ["2026-11-01T05:00:00Z"]),
    (
        BERLIN,
        {"cron": "0,30 2-3 * * sun", "catch_up": "20m"},
        "2026-03-28T12:00Z",
        24,
        # 02:00 and 02:30 fall together at the end of the gap, with 03:00: one a cycle.
        [f"2026-03-29T01:{minute}:00Z" for minute in ("00", "05", "10", "30")],
    ),
    (
        BERLIN,
        {"cron": "30 1-2 * * sun"},
        "2026-10-24T12:00Z",
        24,
        ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z"],
    ),
    # 29 February, and the day before where there is none.
    (
        SHANGHAI,
        {"monthly": {"day": "29", "at": "10:00"}},
        "2028-02-27T00:00Z",
        72,
        ["2028-02-29T02:00:00Z"],
    ),
    (
        SHANGHAI,
        {"monthly": {"day": "31", "at": "10:00"}},
        "2026-02-26T00:00Z",
        96,
        ["2026-02-28T02:00:00Z"],
    ),
    (SHANGHAI, {"cron": "0 10 29 feb *"}, "2027-02-27T00:00Z", 72, []),
    # ISO week 53 lies in two years; the last week of one and the first of the next are two.
    (
        BERLIN,
        {"weekly": {"day": "friday", "at": "00:00"}},
        "2026-12-31T12:00Z",
        8 * 24,
        ["2026-12-31T23:00:00Z", "2027-01-07T23:00:00Z"],
    ),
    (
        NEW_YORK,
        {"monthly": {"day": "last", "at": "23:59"}, "catch_up": "12h"},
        "2026-12-31T12:00Z",
        36,
        ["2027-01-01T05:00:00Z"],
    ),
    ("UTC", {"daily": {"at": "00:00"}}, "2026-12-31T12:00Z", 24, ["2027-01-01T00:00:00Z"]),
]


@pytest.mark.parametrize(("zone", "form", "start", "hours", "expected"), NIGHTS)
def test_nights_years_and_short_months(
    tmp_path: Path,
    zone: str,
    form: dict[str, object],
    start: str,
    hours: int,
    expected: list[str],
) -> None:
    life = Life(tmp_path / "s.db", policies(gift(form, timezone=zone)), fleet=accounts("a"))
    for now in _wake_ups(parse_instant(start), hours):
        life.cycle(now)
    assert [format_instant(one.at) for one in life.fired] == expected
    assert len({one.period for one in life.fired}) == len(expected)
    assert life.missed == []
    life.restart()


def _wake_ups(start: datetime, hours: int) -> Iterator[datetime]:
    step = 5 if hours <= 36 else 30
    for minute in range(0, hours * 60, step):
        yield start + minute * MINUTE


@pytest.mark.parametrize("seed", range(MANY))
def test_a_tick_is_served_once_and_no_clock_starves_its_rule(tmp_path: Path, seed: int) -> None:
    """A clock that steps back by less than an interval repeats no tick; by more, it serves at
    once. From the first cycle that finds it served, no rule waits longer than two intervals and a
    cycle, and what the clock was stepped back meanwhile."""
    rng = Random(seed)  # noqa: S311 - the same life by the same seed
    every = timedelta(minutes=rng.choice((5, 15, 60, 1440)))
    rule = {"name": "r", "accounts": "all", "alert": {"when": {"below": "500.00"}}}
    rules = policies({**rule, "schedule": {"every": f"{every // MINUTE}m"}})
    life = Life(tmp_path / "s.db", rules, fleet=accounts("a"))
    now = datetime(2026, 3, 1, tzinfo=UTC)
    real = back = timedelta(0)
    waits_since: timedelta | None = None
    ticks: set[datetime] = set()
    for _ in range(150):
        gap = rng.choice((every / 7, every / 2, every, 3 * every)) * rng.random() + MINUTE
        step = rng.choice((-1, 1)) * rng.random() * 4 * HOUR if rng.random() < 0.05 else 0 * MINUTE
        now, real = now + gap + step, real + gap
        life.cycle(now)
        assert life.plan is not None
        if life.plan.alerts:
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            tick = epoch + (now - epoch) // every * every
            if any(now < one - every for one in ticks):
                ticks.clear()
            assert tick not in ticks
            ticks.add(tick)
            waits_since = None
        elif waits_since is None:
            waits_since, back = real, timedelta(0)
        else:
            back += max(-step, timedelta(0))
            assert real - waits_since <= 2 * every + gap + back
    life.restart()


@pytest.mark.parametrize(
    ("owner", "name", "instead"),
    [
        (History, "fired", lambda *_, **__: ()),
        (Judge, "is_from_before", lambda *_: False),
        (ledger_slots, "over", lambda _: {}),
        (ledger_slots, "opened", lambda _: ()),
        (Due, "slot_of", lambda due, *key: _newest(due, key)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_years_notice_when_a_rule_of_the_design_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, instead: object
) -> None:
    monkeypatch.setattr(owner, name, instead)
    with pytest.raises((AssertionError, KeyError)):
        _years(tmp_path, 60)


def _newest(due: Due, key: tuple[str, str, frozenset[Key]]) -> Slot | None:
    """The turn of slots, the wrong way round."""
    rule, account, decided = key
    undecided = [slot for slot in due.slots if (rule, account, slot.period) not in decided]
    return undecided[-1] if undecided else None


def _years(folder: Path, count: int) -> None:
    """As written and reloaded, by turns."""
    for seed in range(count):
        Year(seed, folder / f"{seed}.db", seed % 2 == 1).run(days=365, most_cycles=250)
