"""A decision that is served in several parts, and a process that ends between two of them: the rest
is served by the next cycle, nothing twice, and what comes too late is told as missed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from budgetd.core.reason import Hold
from budgetd.sandbox.nouns import Coupon, Instrument, Purse
from budgetd.sandbox.nouns import Ledger as CreditLedger
from budgetd.wiring import Opened

from .test_crashes import at_second_item, disarm
from .wires import Killed
from .world import BARE, FULL, START, World

DAILY = '    schedule: {daily: {at: "03:00"}, catch_up: 2h}\n'
HOME = """\
  - name: home
    accounts: {name: full}
    reclaim: {instrument: credit, keep: 200.00}
"""
GRANT = """\
  - name: give
    accounts: {name: bare}
    grant_coupons: {AMOUNT}
"""
TICK = """\
  - name: up
    accounts: {org: /R&D}
    top_up: {when: {below: 500.00}, to: 1000.00, max: 100.00}
    schedule: {every: 2h}
"""


async def cut_off(world: World, opened: Opened, *, is_daemon: bool = False) -> None:
    """A cycle whose process ends before its second transfer."""
    world.before_item = at_second_item
    with pytest.raises(Killed):
        await world.run(opened, is_daemon=is_daemon)
    disarm(world)
    world.check()


def two_ledgers(world: World) -> None:
    """FULL has 1,000.00 that ends, beside 2,000.00."""
    world.book.accounts[FULL].ledgers[None].purse.change(-1_000_00, START)
    expires = (START + timedelta(days=30)).replace(microsecond=0)
    world.book.accounts[FULL].ledgers[expires] = CreditLedger(
        expire_time=expires, limit=1_000_00, purse=Purse(1_000_00)
    )


def two_coupons(world: World) -> None:
    """400.00 of the master's 9,000.00 lapse before the rest."""
    coupons: dict[str, Coupon] = world.book.master.coupons
    soon = START.replace(microsecond=0) + timedelta(days=20)
    coupons["SMALL"] = replace(
        coupons["SOURCE"], id="SMALL", face_value=400_00, purse=Purse(400_00), expire_time=soon
    )
    coupons["SOURCE"].purse.change(-400_00, START)


async def due(world: World, rules: str) -> Opened:
    """The rules, known since before their slot, which has come."""
    opened = world.policies(rules + DAILY)
    await world.run(opened)
    world.running.sandbox.clock.set(START.replace(hour=3, minute=1))
    return opened


async def test_the_ledgers_that_are_left_are_taken_home_by_the_next_cycle(world: World) -> None:
    two_ledgers(world)
    opened = await due(world, HOME)
    await cut_off(world, opened)
    assert world.moved("full") == -1_000_00
    for _ in range(3):
        world.pass_time(minutes=16)
        await world.run(opened)
        assert world.moved("full") == -2_800_00
    world.check()


@pytest.mark.parametrize("amount", ["to: 600.00", "when: {below: 500.00}, add: 200.00"])
async def test_the_coupons_that_are_left_are_granted_by_the_next_cycle(
    world: World, amount: str
) -> None:
    two_coupons(world)
    opened = await due(world, GRANT.replace("AMOUNT", amount))
    await cut_off(world, opened)
    assert world.moved("bare") == 400_00
    for _ in range(3):
        world.pass_time(minutes=16)
        await world.run(opened)
        assert world.moved("bare") == 600_00
    world.check()


@pytest.mark.parametrize("amount", ["to: 600.00", "when: {below: 500.00}, add: 200.00"])
async def test_what_was_granted_whole_is_not_granted_again_though_nobody_noted_it(
    world: World, amount: str
) -> None:
    two_coupons(world)
    opened = await due(world, GRANT.replace("AMOUNT", amount))
    world.after_item = at_second_item
    with pytest.raises(Killed):
        await world.run(opened)
    disarm(world)
    assert world.moved("bare") == 600_00
    for child in world.book.accounts[BARE].coupons.values():
        child.purse.change(-150_00, world.now())
        world.book.spent[Instrument.COUPON] += 150_00
    world.pass_time(minutes=16)
    _, report = await world.run(opened)
    assert report is not None
    assert report.plan is not None
    assert [(one.rule, one.reason) for one in report.plan.held] == [("p/give", Hold.NOT_DUE)]
    assert world.moved("bare") == 600_00
    world.check()


async def test_parts_that_nobody_lived_to_move_are_told_as_missed(world: World) -> None:
    two_ledgers(world)
    opened = await due(world, HOME)
    await cut_off(world, opened)
    world.running.sandbox.clock.set(START.replace(hour=5, minute=1))
    async with world.cycling(opened) as cycle:
        await cycle.begin()
        report = await cycle.plan()
        (missed,) = cycle.close_slots(report.observation)
    assert (missed.rule, missed.accounts) == ("p/home", ("Projects/full",))
    assert world.moved("full") == -1_000_00


async def test_a_tick_that_was_cut_off_gives_nobody_twice(world: World) -> None:
    opened = world.policies(TICK)
    world.running.sandbox.clock.set(START.replace(hour=4, minute=1))

    async def run() -> tuple[int, int]:
        await world.run(opened, is_daemon=True)
        return world.moved("bare"), world.moved("poor")

    await cut_off(world, opened, is_daemon=True)
    assert (world.moved("bare"), world.moved("poor")) == (100_00, 0)
    for _ in range(3):
        world.pass_time(minutes=20)
        assert await run() == (100_00, 100_00)
    world.pass_time(hours=1)
    assert await run() == (200_00, 200_00)
    world.check()


async def test_coupons_of_a_tick_that_was_cut_off_come_once(world: World) -> None:
    two_coupons(world)
    every = GRANT.replace("AMOUNT", "when: {below: 500.00}, to: 600.00")
    opened = world.policies(every + "    schedule: {every: 2h}\n")
    world.running.sandbox.clock.set(START.replace(hour=4, minute=1))
    await cut_off(world, opened, is_daemon=True)
    for _ in range(3):
        world.pass_time(minutes=20)
        await world.run(opened, is_daemon=True)
        assert world.moved("bare") == 600_00
    world.check()
