"""How old a reading may be that serves again, and what slow cycles leave of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from budgetd.core.observation import NOTHING_READ, Observation
from budgetd.sighting import Sighting

BOUND = timedelta(minutes=8)
EVERY = BOUND / 2
ACCOUNTS = 100
BLANK = Observation(
    taken_at=datetime(2026, 11, 28, tzinfo=UTC),
    currency="CNY",
    accounts=(),
    readings={},
    master=NOTHING_READ,
)


def gaps(reading: timedelta, moving: timedelta, pauses: list[timedelta]) -> timedelta:
    """The longest time any account goes unread: each cycle reads who is not fresh, oldest first,
    at a steady pace, then moves; the next begins at the tick or after a pause."""
    now, known = timedelta(0), None
    reads: list[list[timedelta]] = [[] for _ in range(ACCOUNTS)]
    for pause in pauses:
        began = now
        fresh = known.fresh_for(BOUND, EVERY) if known else timedelta(0)
        due = [one for one in range(ACCOUNTS) if not reads[one] or reads[one][-1] < began - fresh]
        for one in sorted(due, key=lambda one: reads[one][-1:]):
            now += reading / ACCOUNTS
            reads[one].append(now)
        seen = Sighting(observation=BLANK, seq=0, took=now - began)
        now += moving
        known = seen.after(known).ended(now - began)
        now = max(now, min(began + EVERY, now + pause))
    return max(later - one for times in reads for one, later in pairwise([*times, now]))


@pytest.mark.parametrize(("reading", "moving"), [(1, 0), (60, 170), (200, 30), (225, 30), (235, 5)])
@pytest.mark.parametrize("pause", [0, 17, 60, 240])
def test_no_reading_grows_older_than_the_bound(reading: int, moving: int, pause: int) -> None:
    pauses = [timedelta(seconds=pause if number % 3 else 0) for number in range(60)]
    found = gaps(timedelta(seconds=reading), timedelta(seconds=moving), pauses)
    assert found <= BOUND


def test_a_slow_cycle_is_forgotten_slowly() -> None:
    minute = timedelta(minutes=1)
    slow = Sighting(observation=BLANK, seq=1, took=4 * minute).ended(5 * minute)
    assert slow.fresh_for(20 * minute, minute) == 11 * minute
    quick = Sighting(observation=BLANK, seq=2, took=minute).after(slow).ended(minute)
    assert (quick.took, quick.lasted) == (3.6 * minute, 4.5 * minute)
    assert (
        Sighting(observation=BLANK, seq=2, took=9 * minute).fresh_for(minute, minute) == 0 * minute
    )


def test_doubt_is_waited_for_while_no_reading_grows_too_old_by_it() -> None:
    began = BLANK.taken_at
    seen = Sighting(observation=replace(BLANK, began_at=began), seq=1)
    waits = [seen.waits_for(BOUND, began + part * BOUND / 10).total_seconds() for part in (0, 5, 9)]
    assert waits == [432, 192, 0]
    assert seen.waits_for(BOUND, began + BOUND) == timedelta(0)
