"""Reclaims that are announced: so long before, and for no more than was said."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from budgetd.core.moment import format_instant, parse_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Status
from budgetd.core.reason import Hold

from .lives import Life, accounts, policies

NOON = parse_instant("2026-11-10T04:00:00Z")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOME = {"reclaim": {"when": {"above": "100.00"}, "keep": "50.00"}}
RULE = {"name": "r", "accounts": "all", **HOME, "notice": "2d"}
MONTHLY = {**RULE, "schedule": {"monthly": {"day": "15", "at": "12:00"}, "catch_up": "3d"}}
SLOT = parse_instant("2026-11-15T04:00:00Z")


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path / "state.db", policies(RULE), fleet=accounts("a"), cash="500.00")
    yield life
    life.restart()


def held(life: Life) -> list[tuple[Hold, str]]:
    assert life.plan is not None
    return [(one.reason, format_instant(one.until) if one.until else "") for one in life.plan.held]


def moved(life: Life) -> list[tuple[str, str, str]]:
    return [(format_instant(one.at), format_amount(one.amount), one.period) for one in life.fired]


def test_it_moves_when_the_notice_is_over_and_no_more_than_was_announced(life: Life) -> None:
    life.cycle(NOON)
    assert held(life) == [(Hold.NOTICE, "2026-11-12T04:00:00Z")]
    life.restart()
    life.cash = "9000.00"
    life.cycle(NOON + 1.9 * DAY)
    assert held(life) == [(Hold.NOTICE, "2026-11-12T04:00:00Z")]
    life.cycle(NOON + 2 * DAY)
    assert moved(life) == [("2026-11-12T04:00:00Z", "450.00", "")]
    life.cycle(NOON + 2 * DAY + HOUR)
    assert held(life) == [(Hold.NOTICE, "2026-11-14T05:00:00Z")]


def test_less_than_was_announced_moves_where_less_is_right(life: Life) -> None:
    life.cycle(NOON)
    life.cash = "200.00"
    life.cycle(NOON + 3 * DAY)
    assert [amount for _, amount, _ in moved(life)] == ["150.00"]


def test_a_contrary_reading_starts_anew_and_an_unread_one_does_not(life: Life) -> None:
    life.cycle(NOON)
    life.cycle(NOON + DAY, unread=["a"])
    life.cash = "90.00"
    life.cycle(NOON + 1.5 * DAY)
    life.cash = "500.00"
    life.cycle(NOON + 2 * DAY)
    assert held(life) == [(Hold.NOTICE, "2026-11-14T04:00:00Z")]
    life.cycle(NOON + 3 * DAY, unread=["a"])
    life.cycle(NOON + 4 * DAY)
    assert len(life.fired) == 1


def test_a_calendar_rule_announces_before_its_slot_and_moves_at_it(life: Life) -> None:
    life.rules = policies(MONTHLY)
    life.cycle(SLOT - 5 * DAY)
    assert held(life) == [(Hold.NOT_DUE, "2026-11-15T04:00:00Z")]
    life.cycle(SLOT - 2 * DAY)
    assert held(life) == [(Hold.NOTICE, "2026-11-15T04:00:00Z")]
    life.cash = "90.00"
    life.cycle(SLOT - 1.8 * DAY)
    assert held(life) == [(Hold.NOT_TRIGGERED, "")]
    life.cash = "500.00"
    life.cycle(SLOT - 1.7 * DAY)
    life.cycle(SLOT)
    assert life.fired == []
    life.cycle(SLOT + 0.3 * DAY)
    assert moved(life) == [("2026-11-15T11:12:00Z", "450.00", "2026-11")]
    life.cycle(SLOT + 1 * DAY)
    life.cycle(SLOT + 4 * DAY)
    assert len(life.fired) == 1
    assert life.missed == []


@pytest.mark.parametrize(
    ("reading", "when"), [("100.50", {"above": "100.00"}), ("100.50", None), ("90.00", None)]
)
def test_an_account_with_too_little_before_the_slot_has_not_decided_it(
    life: Life, reading: str, when: dict[str, str] | None
) -> None:
    action = {"keep": "100.00"} if when is None else {"when": when, "keep": "100.00"}
    life.rules = policies({**MONTHLY, "reclaim": action})
    life.cash = reading
    life.cycle(SLOT - 3 * DAY)
    life.cycle(SLOT - 2 * DAY)
    assert held(life) == [(Hold.BELOW_MIN, "")]
    life.cash = "500.00"
    life.cycle(SLOT - 1.9 * DAY)
    life.cycle(SLOT + 0.1 * DAY)
    assert moved(life) == [("2026-11-15T06:24:00Z", "400.00", "2026-11")]


def test_a_notice_that_outlasts_the_catch_up_misses_the_slot(life: Life) -> None:
    life.rules = policies({**MONTHLY, "notice": "4d"})
    life.cash = "90.00"
    life.cycle(SLOT - 5 * DAY)
    life.cash = "500.00"
    life.cycle(SLOT - HOUR)
    life.cycle(SLOT + DAY)
    life.cycle(SLOT + 3 * DAY)
    assert life.fired == []
    assert [(one.period, one.reason) for one in life.missed] == [("2026-11", Hold.NOTICE)]


def test_a_rule_that_is_gone_takes_its_notices_with_it(life: Life) -> None:
    life.cycle(NOON)
    life.rules = policies({**RULE, "name": "other"})
    life.cycle(NOON + DAY)
    life.rules = policies(RULE)
    life.cycle(NOON + 3 * DAY)
    assert held(life) == [(Hold.NOTICE, "2026-11-15T04:00:00Z")]


def test_what_is_only_announced_neither_commands_nor_contradicts(life: Life) -> None:
    now = {"name": "s", "accounts": "all", **HOME, "priority": 200}
    gift = {"name": "g", "accounts": "all", "top_up": {"add": "10.00"}}
    at = {"daily": {"at": "12:00"}}
    life.rules = policies(MONTHLY, {**gift, "schedule": at})
    life.cycle(SLOT - 3 * DAY)
    life.cycle(SLOT - 2 * DAY)
    assert [one.rule for one in life.fired] == ["p/g"] * 2
    life.rules = policies(MONTHLY, now)
    life.cycle(SLOT - DAY)
    assert [one.rule for one in life.fired][2:] == ["p/s"]


def test_an_account_that_is_unfit_before_the_slot_has_not_decided_it(life: Life) -> None:
    life.rules = policies(MONTHLY)
    normal = life.fleet
    life.fleet = tuple(replace(one, status=Status.CLOSING) for one in normal)
    life.cycle(SLOT - 3 * DAY)
    life.cycle(SLOT - 1.5 * DAY)
    assert held(life) == [(Hold.NOT_NORMAL, "")]
    life.fleet = normal
    life.cycle(SLOT - DAY)
    life.cycle(SLOT + DAY)
    assert len(life.fired) == 1


def test_a_move_that_no_cycle_lived_to_note_has_used_its_notice(life: Life) -> None:
    life.cycle(NOON)
    life.cycle(NOON + 2 * DAY, dies=True)
    life.cycle(NOON + 2 * DAY + HOUR)
    assert len(life.fired) == 1
    assert held(life) == [(Hold.NOTICE, "2026-11-14T05:00:00Z")]


@pytest.mark.parametrize(
    ("schedule", "notice", "every"),
    [
        ({"daily": {"at": "22:00"}}, "1d", DAY),
        ({"daily": {"at": "10:00"}}, "1d", DAY),
        ({"daily": {"at": "10:00"}}, "12h", DAY),
        ({"weekly": {"day": "tuesday", "at": "10:00"}}, "7d", 7 * DAY),
    ],
)
def test_each_slot_has_a_notice_of_its_own_whatever_the_one_before_waits_for(
    life: Life, schedule: dict[str, object], notice: str, every: timedelta
) -> None:
    life.rules = policies({**RULE, "notice": notice, "schedule": schedule})
    cycle = timedelta(minutes=30)
    for number in range(int(4 * every / cycle)):
        life.cycle(NOON + cycle * number)
    times = [one.at for one in life.fired]
    # Of the first slot there was no time to announce it so long before.
    assert len({one.period for one in life.fired}) == len(times) >= 3
    assert {later - one for one, later in pairwise(times[1:])} == {every}
    assert all(one.at.astimezone(UTC).minute == 0 for one in life.fired[1:])
