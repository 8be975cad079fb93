"""Slots that are over: each is closed once, served or missed, and people hear of the missed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from budgetd.core.moment import format_instant, parse_instant
from budgetd.core.reason import Hold

from .lives import Life, accounts, gift, policies

DAILY = gift({"daily": {"at": "10:00"}})
LOADED = parse_instant("2026-11-01T00:00:00Z")
TENTH = parse_instant("2026-11-10T02:00:00Z")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path / "state.db", policies(DAILY))
    life.cycle(TENTH - DAY + 7 * HOUR)
    assert life.fired == []
    yield life
    life.restart()


def told(life: Life) -> list[tuple[str, int, tuple[str, ...], Hold | None]]:
    return [(one.period, one.undone, one.accounts, one.reason) for one in life.missed]


def test_a_slot_that_served_everybody_is_closed_in_silence(life: Life) -> None:
    life.cycle(TENTH)
    life.cycle(TENTH + 6 * HOUR)
    life.cycle(TENTH + 7 * HOUR)
    assert len(life.fired) == 2
    assert told(life) == []


def test_a_slot_is_missed_at_its_end_not_before_once_and_with_its_reason(life: Life) -> None:
    for hours in (0, 3, 5.99):
        life.cycle(TENTH + hours * HOUR, unread=["b"])
    assert told(life) == []
    life.cycle(TENTH + 6 * HOUR)
    life.cycle(TENTH + 7 * HOUR)
    life.restart()
    life.cycle(TENTH + 8 * HOUR)
    assert told(life) == [("2026-11-10", 1, ("b",), Hold.UNREAD)]
    missed = life.missed[0]
    assert (format_instant(missed.at), format_instant(missed.until)) == (
        "2026-11-10T02:00:00Z",
        "2026-11-10T08:00:00Z",
    )
    assert (missed.selected, missed.older) == (2, 0)
    assert [one.account for one in life.fired] == ["a"]


def test_a_month_of_absence_is_told_slot_by_slot(life: Life) -> None:
    life.cycle(TENTH + 30 * DAY + HOUR)
    days = [one.period for one in life.missed]
    assert days == [f"2026-11-{day}" for day in range(10, 31)] + [
        f"2026-12-0{day}" for day in range(1, 10)
    ]
    assert {one.undone for one in life.missed} == {2}
    assert [one.period for one in life.fired] == ["2026-12-10"] * 2


def test_of_more_than_a_hundred_the_oldest_told_counts_those_before(tmp_path: Path) -> None:
    life = Life(tmp_path / "state.db", policies(gift({"cron": "0 * * * *"})))
    life.cycle(LOADED)
    life.cycle(LOADED + 10 * DAY)
    assert len(life.missed) == 100
    oldest, *others = life.missed
    # Of 240 slots six are still served, and the oldest was served at once.
    assert oldest.older == 240 - 6 - 100
    assert all(one.older == 0 for one in others)
    life.cycle(LOADED + 10 * DAY + HOUR)
    assert len(life.missed) == 100
    life.restart()


def test_what_was_missed_is_not_brought_back_by_another_hour_or_catch_up(life: Life) -> None:
    life.cycle(TENTH + 7 * HOUR)
    assert [one.period for one in life.missed] == ["2026-11-10"]
    life.rules = policies(gift({"daily": {"at": "18:00"}}))
    life.cycle(TENTH + 8 * HOUR)
    life.rules = policies(gift({"daily": {"at": "10:00"}, "catch_up": "300d"}))
    life.cycle(TENTH + 9 * HOUR)
    assert life.fired == []
    life.cycle(TENTH + DAY)
    assert {one.period for one in life.fired} == {"2026-11-11"}


def test_a_period_whose_hour_was_moved_into_the_past_is_missed(life: Life) -> None:
    life.cycle(TENTH - 2 * HOUR)
    life.rules = policies(gift({"daily": {"at": "22:00"}}))
    life.cycle(TENTH + 9 * HOUR)
    assert life.missed == []
    life.rules = policies(gift({"daily": {"at": "01:00"}}))
    life.cycle(TENTH + 10 * HOUR)
    assert told(life) == [("2026-11-10", 2, ("a", "b"), None)]


def test_another_form_of_schedule_has_missed_nothing_before_it_was_written(life: Life) -> None:
    life.rules = policies(gift({"weekly": {"day": "monday", "at": "10:00"}}))
    life.cycle(TENTH + 7.6 * HOUR)
    life.missed.clear()
    life.rules = policies(gift({"cron": "0 * * * *", "catch_up": "30m"}))
    life.cycle(TENTH + 7.9 * HOUR)
    assert life.missed == []


def test_an_account_that_nothing_may_move_and_an_empty_fleet_miss_nothing(life: Life) -> None:
    life.fleet = ()
    life.cycle(TENTH + 7 * HOUR)
    assert life.missed == []


def test_a_rule_out_of_its_valid_misses_nothing_and_ends_with_it(tmp_path: Path) -> None:
    bounds = {"from": "2026-11-09", "until": "2026-11-10 12:00"}
    life = Life(tmp_path / "state.db", policies({**DAILY, "valid": bounds}))
    life.cycle(TENTH - 5 * DAY)
    life.cycle(TENTH + 2 * HOUR)
    assert [one.period for one in life.missed] == ["2026-11-09", "2026-11-10"]
    assert format_instant(life.missed[-1].until) == "2026-11-10T04:00:00Z"
    life.cycle(TENTH + 5 * DAY)
    assert len(life.missed) == 2
    life.restart()


def test_rules_that_only_observe_and_dry_runs_miss_nothing(tmp_path: Path) -> None:
    life = Life(tmp_path / "state.db", policies({**DAILY, "mode": "observe"}), mode="dry_run")
    life.cycle(TENTH - DAY)
    life.rules = policies(DAILY)
    life.cycle(TENTH + 7 * HOUR)
    life.mode = "enforce"
    life.cycle(TENTH + 8 * HOUR)
    assert life.missed == []
    life.restart()


def test_doubt_holds_its_slot_open_and_is_told_where_it_outlasts_it(life: Life) -> None:
    life.cycle(TENTH, in_doubt=["a"])
    life.cycle(TENTH + HOUR)
    life.settle(TENTH + 2 * HOUR, moved=False)
    life.cycle(TENTH + 3 * HOUR, in_doubt=["a"])
    life.cycle(TENTH + 6 * HOUR)
    assert [one.account for one in life.fired] == ["a", "b", "a"]
    assert told(life) == [("2026-11-10", 1, ("a",), Hold.OPEN_INTENT)]


def test_a_move_that_no_cycle_lived_to_note_serves_its_slot(life: Life) -> None:
    life.cycle(TENTH, dies=True)
    life.cycle(TENTH + 7 * HOUR)
    assert len(life.fired) == 2
    assert life.missed == []


def test_an_account_that_joins_later_is_no_miss_of_a_slot_that_is_over(life: Life) -> None:
    life.cycle(TENTH)
    life.cycle(TENTH + 7 * HOUR)
    life.fleet = accounts("a", "b", "c")
    life.cycle(TENTH + 8 * HOUR)
    assert life.missed == []


def test_a_slot_that_was_open_is_missed_where_a_reload_ends_it_early(life: Life) -> None:
    life.rules = policies(gift({"daily": {"at": "10:00"}, "catch_up": "5d"}))
    for hours in (1, 30):
        life.cycle(TENTH + hours * HOUR, unread=["b"])
    life.rules = policies(gift({"daily": {"at": "10:00"}, "catch_up": "1h"}))
    life.cycle(TENTH + 31 * HOUR)
    assert told(life) == [
        ("2026-11-10", 1, ("b",), Hold.UNREAD),
        ("2026-11-11", 1, ("b",), None),
    ]
    life.rules = policies(gift({"weekly": {"day": "friday", "at": "10:00"}}))
    life.cycle(TENTH + 32 * HOUR)
    assert len(life.missed) == 2
    assert len(life.fired) == 2


def test_a_rule_that_is_gone_misses_nothing(life: Life) -> None:
    life.cycle(TENTH, unread=["a", "b"])
    life.rules = policies({**DAILY, "name": "other"})
    life.cycle(TENTH + 7 * HOUR)
    assert life.missed == []


def test_a_clock_that_steps_back_across_a_slot_repeats_and_loses_nothing(life: Life) -> None:
    life.cycle(TENTH + HOUR / 2, unread=["b"])
    life.cycle(TENTH - HOUR)
    life.cycle(TENTH + HOUR / 4)
    life.cycle(TENTH + HOUR)
    life.cycle(TENTH + 7 * HOUR)
    assert [one.account for one in life.fired] == ["a", "b"]
    assert life.missed == []


def test_an_open_slot_whose_hour_is_moved_ahead_waits_for_it(life: Life) -> None:
    life.rules = policies(gift({"daily": {"at": "10:00"}, "catch_up": "5d"}))
    life.cycle(TENTH, unread=["a", "b"])
    life.cycle(TENTH + DAY, unread=["a", "b"])
    life.rules = policies(gift({"daily": {"at": "22:00"}, "catch_up": "26h"}))
    for hours in (25, 26, 37, 38):
        life.cycle(TENTH + hours * HOUR)
    assert life.missed == []
    assert {one.period for one in life.fired} == {"2026-11-10", "2026-11-11"}
    assert len(life.fired) == 4


def test_a_label_that_another_zone_has_ended_already_is_missed(life: Life) -> None:
    life.rules = policies(gift({"daily": {"at": "22:00"}}, timezone="America/New_York"))
    night = parse_instant("2026-11-11T01:30:00Z")
    life.cycle(night - 20 * HOUR)
    life.cycle(night)
    life.missed.clear()
    life.rules = policies(gift({"daily": {"at": "10:00"}}, timezone="UTC"))
    life.cycle(night + HOUR / 2)
    assert told(life) == [("2026-11-10", 2, ("a", "b"), None)]
