"""What is skipped could not have acted: bounds of triggers, slots, and burns until the next one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from budgetd.core.backtest.burning import FOUND_EVERY, Burns
from budgetd.core.backtest.memory import Memory
from budgetd.core.backtest.replaying import Replay
from budgetd.core.backtest.series import NEVER, micros
from budgetd.core.backtest.waking import Bounds, openings
from budgetd.core.burn import Burn
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.policies.policy import PolicySet

from .pasts import made
from .test_measuring import policies, world

TWO_DAYS, DAY = timedelta(days=2), timedelta(days=1)
LIFTS = {
    "{below: 300.00}": Bounds(low=30_000),
    "{below: 300.00, for: 30m}": Bounds(low=30_000),
    "{any: [{below: 300.00}, {below: 400.00, for: 2 readings}]}": Bounds(low=40_000),
    "{runway_below: 2d}": Bounds(low=1, lengths=frozenset({TWO_DAYS})),
    "{below: 300.00, runway_below: 2d}": Bounds(low=30_000),
    "{below: 300.00, any: [{below: 100.00}, {runway_below: 2d}]}": Bounds(low=30_000),
    "{any: [{below: 300.00}, {runway_below: 2d}, {runway_below: 1d}]}": Bounds(
        low=30_000, lengths=frozenset({TWO_DAYS, DAY})
    ),
}
RECLAIMS = {
    "{above: 300.00}": 30_000,
    "{above: 300.00, idle_for: 7d}": 30_000,
    "{above: 300.00, any: [{above: 500.00}, {above: 400.00, for: 1h}]}": 40_000,
    "{idle_for: 7d}": -NEVER,
    "{runway_above: 9d}": -NEVER,
    "{any: [{above: 300.00}, {runway_above: 9d}]}": -NEVER,
}


def named(policy_set: PolicySet) -> NamedRule:
    name, rule = next(iter(policy_set.rules()))
    return NamedRule(name=name, rule=rule)


@pytest.mark.parametrize("when", LIFTS)
def test_a_lift_can_hold_only_below_its_widest_part(when: str) -> None:
    rule = named(policies(f"top_up: {{when: {when}, to: 900.00}}")).rule
    assert Bounds().and_of(rule) == LIFTS[when]


@pytest.mark.parametrize("when", RECLAIMS)
def test_a_reclaim_can_hold_only_above_its_widest_part(when: str) -> None:
    rule = named(policies(f"reclaim: {{when: {when}, keep: 100.00}}")).rule
    assert Bounds().and_of(rule) == Bounds(high=RECLAIMS[when])


def test_the_slots_of_a_window_are_those_that_come_in_it_with_their_notice() -> None:
    rule = named(
        policies(
            "reclaim: {when: {above: 9.00}, keep: 0.00}\n    notice: 1d\n"
            "    schedule: {weekly: {day: monday, at: '10:00'}}"
        )
    )
    begins = datetime(2026, 10, 20, tzinfo=UTC)
    window = (micros(begins), micros(begins + timedelta(days=7)))
    found = list(openings(rule, ZoneInfo("UTC"), *window))
    slot = datetime(2026, 10, 26, 10, tzinfo=UTC)
    assert [(one.period, one.begins) for one in found] == [("2026-W44", micros(slot - DAY))]
    assert found[0].ends == micros(slot + timedelta(hours=6))


class Known(Burns):
    """One burn for everybody."""

    burn: Burn

    def of(self, key: object, now: datetime) -> Burn | None:
        return self.burn


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/Havana"])
def test_no_moment_until_the_next_burn_spends_more_than_the_bound(zone: str) -> None:
    dice = Random(zone)  # noqa: S311 - the same burns every time
    past = made(1).world
    ground = replace(past.ground, limits=replace(past.ground.limits, zone=ZoneInfo(zone)))
    burns = Known(replace(past, ground=ground), {}, Memory())
    for _ in range(60):
        # Around the nights in which clocks change, among others.
        now = datetime(2026, dice.choice((3, 10, 11)), dice.randrange(1, 31), tzinfo=UTC)
        now += timedelta(minutes=dice.randrange(1440))
        shares = [Decimal(dice.randrange(0, 300)) / 100 for _ in range(7)]
        burns.burn = Burn(
            at=now,
            value=Decimal("1.00"),
            level=Decimal(dice.randrange(1, 90_000)) / 100,
            growth=Decimal(dice.choice((0, 0, 7, -4))) / 100,
            weekdays=tuple(shares),
            spread=Decimal(dice.randrange(0, 100)) / 100,
            doubt=Decimal("0.01"),
        )
        length = timedelta(hours=dice.randrange(1, 400))
        bound = burns.most(next(iter(past.series)), now, {length})
        begins = now - (now - datetime(1970, 1, 1, tzinfo=UTC)) % FOUND_EVERY
        for _ in range(40):
            at = begins + FOUND_EVERY * dice.randrange(10_000) / 10_000
            assert burns.burn.spends_at_most(at, length, ZoneInfo(zone)) * 100 < bound


def test_readings_that_no_trigger_reaches_ask_the_engine_nothing() -> None:
    quiet, busy = (
        world([90_000 - n for n in range(50)]),
        world([90_000 - n * 2_000 for n in range(50)]),
    )
    rules = policies("top_up: {when: {below: 500.00}, to: 900.00}")
    assert Replay(quiet, rules).run().asked == 0
    # It falls below 500.00 every 21 readings.
    assert Replay(busy, rules).run().asked == 2
