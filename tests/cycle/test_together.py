"""What a plan does beside other cycles, and its parts beside each other: whatever a person and a
daemon decide of one unit at one time moves as one of them has decided it."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from budgetd.core.intent import State
from budgetd.core.plans.again import promised_of
from budgetd.core.reason import Hold
from budgetd.cycle import Report
from budgetd.sandbox.fleet import RND
from budgetd.sandbox.nouns import Account, Purse
from budgetd.sandbox.nouns import Ledger as CreditLedger
from budgetd.wiring import Opened

from .test_crashes import at_second_item, disarm
from .test_parts import HOME, due, two_coupons, two_ledgers
from .wires import Killed
from .world import BARE, FULL, START, TOP_UP, World

LIFT = """\
  - name: up
    accounts: {name: bare}
    top_up: {instrument: credit, when: {below: 500.00}, to: 900.00, max: 100.00}
"""
GRANT = """\
  - name: up
    accounts: {name: bare}
    grant_coupons: {when: {below: 500.00}, to: 700.00}
"""
SLOWLY = """\
  - name: home
    accounts: {name: full}
    reclaim: {instrument: credit, when: {above: 1000.00}, keep: 200.00, max: 100.00}
"""


async def overtaken(world: World, opened: Opened) -> Report:
    """A plan that a person thinks about for three minutes, while a whole cycle runs."""
    async with world.cycling(opened) as cycle:
        report = await cycle.plan()
        assert report.plan is not None
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        await world.run(opened)
        world.pass_time(minutes=3)
        await cycle.begin()
        await cycle.carry_out(report, items)
    world.check()
    return report


@pytest.mark.parametrize(
    ("rule", "moved"),
    [(LIFT, ("bare", 100_00)), (SLOWLY, ("full", -100_00))],
    ids=["top up", "reclaim"],
)
async def test_a_cooldown_counts_what_another_cycle_moved_while_a_person_thought(
    world: World, rule: str, moved: tuple[str, int]
) -> None:
    report = await overtaken(world, world.policies(rule + "    cooldown: 1h\n"))
    assert [outcome.hold for outcome in report.outcomes] == [Hold.COOLDOWN]
    assert world.moved(moved[0]) == moved[1]


async def test_a_slot_in_parts_that_another_cycle_served_is_served(world: World) -> None:
    two_ledgers(world)
    report = await overtaken(world, await due(world, HOME))
    assert {outcome.state for outcome in report.outcomes} == {None}
    assert world.moved("full") == -2_800_00


async def test_a_third_coupon_of_one_decision_is_no_third_top_up(world: World) -> None:
    two_coupons(world)
    coupons = world.book.master.coupons
    soon = START.replace(microsecond=0) + timedelta(days=10)
    coupons["TINY"] = replace(coupons["SMALL"], id="TINY", purse=Purse(50_00), expire_time=soon)
    coupons["SMALL"].purse.change(-50_00, START)
    _, report = await world.run(world.policies(GRANT), reads_each=True)
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.SETTLED] * 3
    assert world.moved("bare") == 700_00
    world.check()


@pytest.mark.parametrize("is_cut_off", [False, True])
@pytest.mark.parametrize(
    ("rule", "moved"),
    [
        (GRANT.replace("below: 500.00", "below: 300.00"), ("bare", 700_00)),
        (SLOWLY.replace(", max: 100.00", "").replace("1000.00", "2500.00"), ("full", -2_800_00)),
    ],
    ids=["grant", "reclaim"],
)
async def test_the_first_part_clears_the_trigger_and_the_others_follow(
    world: World, rule: str, moved: tuple[str, int], is_cut_off: bool
) -> None:
    two_coupons(world)
    two_ledgers(world)
    opened = await due(world, rule)
    world.before_item = at_second_item if is_cut_off else lambda _number: None
    with pytest.raises(Killed) if is_cut_off else nullcontext():
        await world.run(opened, reads_each=True)
    disarm(world)
    assert is_cut_off == (world.moved(moved[0]) != moved[1])
    world.pass_time(minutes=16)
    await world.run(opened, reads_each=True)
    assert world.moved(moved[0]) == moved[1]
    world.check()


async def test_a_part_that_has_moved_takes_nothing_from_the_next(world: World) -> None:
    two_ledgers(world)
    opened = world.policies(SLOWLY + "    caps: {account_per_day: 200.00}\n")
    _, report = await world.run(opened, reads_each=True)
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.SETTLED] * 2
    assert world.moved("full") == -200_00
    world.check()


async def test_a_period_that_was_used_in_parts_is_used_for_a_person_too(world: World) -> None:
    two_ledgers(world)
    opened = await due(world, HOME)
    await world.run(opened)
    assert world.moved("full") == -2_800_00
    world.running.sandbox.clock.set(START.replace(hour=5, minute=1))
    async with world.cycling(opened) as cycle:
        await cycle.begin()
        cycle.close_slots((await cycle.plan()).observation)
    later = (START + timedelta(days=50)).replace(microsecond=0)
    world.book.accounts[FULL].ledgers[later] = CreditLedger(
        expire_time=later, limit=500_00, purse=Purse(500_00)
    )
    async with world.cycling(opened, only="p/home") as cycle:
        await cycle.begin()
        cycle.settings = replace(cycle.settings, only="p/home")
        plan = (await cycle.plan()).plan
    assert plan is not None
    assert [one.reason for one in plan.held] == [Hold.NOT_DUE]
    assert not plan.transfers


async def test_many_small_cycles_touch_no_more_accounts_than_one_large_one(world: World) -> None:
    names = [f"more{number:02}" for number in range(20)]
    for number, name in enumerate(names):
        account = Account(id=f"{number + 1:032x}", name=name, display_name=name, org_id=RND)
        account.cash = Purse(10_00 if number < 10 else 900_00)
        world.book.accounts[account.id] = account
    opened = world.policies(TOP_UP)
    _, report = await world.run(opened)
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.SETTLED] * 12
    world.book.spend(f"{20:032x}", 800_00, world.now())
    world.pass_time(minutes=1)
    _, report = await world.run(opened)
    assert report is not None
    assert report.plan is not None
    assert [one.limit for one in report.plan.withheld] == ["per_cycle.share_of_accounts"]
    world.pass_time(minutes=16)
    _, report = await world.run(opened)
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.SETTLED]


async def test_a_ledger_that_moves_leaves_the_notice_of_another_running(world: World) -> None:
    opened = world.policies(SLOWLY.replace(", max: 100.00", "") + "    notice: 3d\n")
    await world.run(opened)
    world.pass_time(days=1)
    two_ledgers(world)
    found = []
    for _ in range(4):
        await world.run(opened)
        found.append(world.moved("full"))
        world.pass_time(days=1)
    assert found == [0, 0, -1_800_00, -2_800_00]
    world.check()


@pytest.mark.parametrize("rule", [TOP_UP, TOP_UP.replace("{when", "{instrument: credit, when")])
async def test_money_that_has_left_the_master_is_not_taken_off_twice(
    world: World, rule: str
) -> None:
    for purse in (world.book.master.cash, world.book.master.ledgers[None].purse):
        purse.change(-97_500_00, START)
    opened = world.policies(rule)
    _, report = await world.run(opened, reads_each=True)
    assert report is not None
    assert [outcome.hold for outcome in report.outcomes] == [None, None]
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 1000_00)


@pytest.mark.parametrize(("left", "reads"), [(97_500_00, 4), (90_000_00, 3)])
async def test_who_was_given_something_is_read_once_more_where_the_master_has_little(
    world: World, left: int, reads: int
) -> None:
    world.book.master.cash.change(-left, START)
    await world.run(world.policies(TOP_UP), reads_each=True)
    seen = [one.query for one in world.running.sandbox.seen if one.method == "GET"]
    assert sum(f"sub_customer_id={BARE}" in query for query in seen) == reads
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 1000_00)
