"""Forecasts against what accounts went on to spend, on seeds that nothing was tuned on."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from budgetd.core.burn import FOREVER, Burn
from budgetd.core.forecast.days import DaySpend, with_costs
from budgetd.core.forecast.estimating import burn_of
from budgetd.core.forecast.spending import spends
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.observation import Sample

from .fleets import KINDS, NOW, ZONE, life
from .judging import judged

FRESH = range(900_000, 900_050)
CENTS = Decimal("0.02")
HOUR = timedelta(hours=1)
MONDAY = date(2026, 11, 2)


@pytest.mark.parametrize("kind", ["steady", "weekly", "bursty", "growing"])
def test_the_band_holds_eight_cases_of_ten(kind: str) -> None:
    score = judged(kind, FRESH)
    assert 0.75 <= score.coverage() <= 0.90
    assert score.unknown == 0
    if kind in ("steady", "weekly"):
        assert score.error(3) < 0.15


def test_an_idle_account_is_known_to_be_idle() -> None:
    score = judged("idle", FRESH[:10])
    assert (score.coverage(), score.unknown) == (1.0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_neither_our_money_nor_that_of_others_is_ever_counted_as_spent(kind: str) -> None:
    for seed in range(800_000, 800_006):
        made = life(kind, seed)
        for spend in spends(made.read, made.moves):
            if spend.amount is not None:
                assert spend.amount <= made.spent(spend.begins, spend.ends) + CENTS


def _hourly(values: list[int]) -> list[Sample]:
    return [Sample(NOW + HOUR * hour, Decimal(value)) for hour, value in enumerate(values)]


def _burn(values: list[int], *moves: Move) -> Burn:
    burn = burn_of(_hourly(values), moves, ZONE)
    assert burn is not None
    return burn


def test_nothing_is_known_before_three_days_were_seen() -> None:
    falling = list(range(1000, 0, -1))
    assert burn_of(_hourly(falling[:72]), (), ZONE) is None
    assert _burn(falling[:80]).level == 24
    assert burn_of((), (), ZONE) is None


def test_days_at_zero_are_neither_idle_nor_cheap() -> None:
    falling = [600 - hour for hour in range(120)]
    starved = [*falling, *[0] * 240]
    burn = _burn(starved)
    assert (burn.level, burn.idle, burn.is_idle) == (24, timedelta(0), False)
    asleep = _burn([*falling, *[481] * 240])
    assert asleep.idle == HOUR * 240


def test_one_fall_and_nothing_else_is_no_burn() -> None:
    burn = _burn([500 if hour < 30 else 400 for hour in range(24 * 6)])
    assert (burn.level, burn.idle) == (0, HOUR * 113)


def test_one_fall_by_hand_is_no_burn() -> None:
    steady = [9000 - hour for hour in range(24 * 14)]
    robbed = [value - (5000 if hour > 200 else 0) for hour, value in enumerate(steady)]
    assert abs(_burn(robbed).level - _burn(steady).level) < 1


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.SETTLED])
def test_a_move_in_doubt_hides_what_was_spent_and_a_settled_one_is_taken_off(state: State) -> None:
    values = [1000 - hour + (500 if hour > 100 else 0) for hour in range(24 * 6)]
    sent = NOW + HOUR * 100 + timedelta(minutes=10)
    move = Move(
        id="1",
        rule="p/r",
        unit=Unit(account_id="a", instrument=Instrument.CASH),
        direction=Direction.ALLOCATE,
        amount=Decimal(500),
        state=state,
        made_at=sent,
        sent_at=sent,
        ended_at=sent if state is State.SETTLED else None,
    )
    burn = _burn(values, move)
    assert burn.level == 24
    assert burn.at == NOW + HOUR * (len(values) - 1)


def test_a_weekday_is_walked_at_its_own_burn() -> None:
    weekdays = tuple(Decimal(share) for share in ("1.4", "1.4", "1.4", "1.4", "1.4", "0", "0"))
    burn = Burn(at=NOW, value=Decimal(0), level=Decimal(100), weekdays=weekdays)
    friday_noon = NOW - timedelta(days=3) - timedelta(hours=2)
    runway = burn.runway(Decimal(140), friday_noon, ZONE)
    assert runway.low == runway.middle == runway.high
    assert timedelta(days=2, hours=12) < runway.middle <= timedelta(days=3)
    assert burn.spends(friday_noon, timedelta(days=7), ZONE).middle == Decimal("700.00")


def test_what_nobody_spends_lasts_for_ever_and_nothing_lasts_not_at_all() -> None:
    idle = Burn(at=NOW, value=Decimal(5), level=Decimal(0))
    assert idle.runway(Decimal(5), NOW, ZONE).low == FOREVER
    assert idle.runway(Decimal(0), NOW, ZONE).high == timedelta(0)


def test_what_is_billed_stands_in_for_days_that_nobody_read() -> None:
    one = Decimal(1)
    read = [DaySpend(MONDAY + timedelta(days=3), Decimal(7), one)]
    costs = [(MONDAY + timedelta(days=day), Decimal(day - 1)) for day in range(4)]
    days = with_costs(read, costs)
    assert [(day.day.day, day.amount) for day in days] == [(3, 0), (4, 1), (5, 7)]
    known = burn_of(_hourly([100]), (), ZONE, days)
    assert known is not None
    assert known.days_observed == 3
