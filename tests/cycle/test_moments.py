"""Old is not now: what changes between plan and turn, what expires, and calendar slots."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from budgetd.core.intent import State
from budgetd.core.plans.again import promised_of
from budgetd.core.reason import Hold
from budgetd.cycle import Report
from budgetd.ledger.kept import believes_fleet
from budgetd.ledger.store import Ledger
from budgetd.provider.errors import ProviderError
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Instrument, Kind, Move, Purse
from budgetd.sandbox.nouns import Ledger as CreditLedger
from budgetd.wiring import Opened

from .test_crashes import arm_before_w3, disarm
from .wires import Killed
from .world import BARE, FULL, POOR, RICH, RULES, START, World

CASH = RULES["allocate", "cash"]
HOME = RULES["reclaim", "cash"]
DAILY = """\
  - name: daily
    accounts: {org: /R&D}
    top_up: {add: 100.00}
    schedule: {daily: {at: "03:00"}, catch_up: 2h}
"""


def at_turn(world: World, change: Callable[[], None], number: int = 0) -> None:
    """Does something just before a transfer's turn, three minutes after the one before."""

    def before(turn: int) -> None:
        if turn == number:
            world.pass_time(minutes=3)
            change()

    world.before_item = before


def by_hand(world: World, account_id: str, minor: int) -> None:
    """Somebody moves money in the console."""
    move = Move(
        kind=Kind.ALLOCATE,
        customer_id=account_id,
        instrument=Instrument.CASH,
        amount=minor,
        by_hand=True,
    )
    world.book.move(move, world.running.sandbox.clock.now())


async def test_an_account_that_was_funded_meanwhile_gets_nothing(world: World) -> None:
    opened = world.policies(CASH)
    at_turn(world, lambda: by_hand(world, BARE, 500_00))
    code, report = await world.run(opened)
    assert code == 0
    assert report is not None
    outcome = {outcome.account.name: outcome for outcome in report.outcomes}["bare"]
    assert (outcome.state, outcome.hold) == (None, Hold.NOT_TRIGGERED)
    assert world.moved("bare") == 500_00
    assert world.moved("poor") == 990_00


async def test_an_account_that_was_funded_a_little_gets_the_smaller_amount(world: World) -> None:
    at_turn(world, lambda: by_hand(world, BARE, 300_00))
    await world.run(world.policies(CASH))
    assert world.moved("bare") == 1000_00
    assert world.book.accounts[BARE].cash.amount == 1000_00


async def test_an_account_that_spent_meanwhile_gets_no_more_than_was_planned(
    world: World,
) -> None:
    at_turn(world, lambda: world.book.spend(POOR, 10_00, world.now()), number=1)
    await world.run(world.policies(CASH))
    assert world.moved("poor") == 990_00
    assert world.book.accounts[POOR].cash.amount == 990_00
    world.check()


async def test_a_reclaim_leaves_what_it_promised_to_keep(world: World) -> None:
    at_turn(world, lambda: world.book.spend(RICH, 1000_00, world.now()), number=1)
    await world.run(world.policies(HOME))
    assert world.book.accounts[RICH].cash.amount == 200_00
    assert world.moved("rich") == -3800_00
    world.check()


async def test_fresh_readings_are_not_read_again_and_old_ones_are(world: World) -> None:
    def reads() -> int:
        seen = world.running.sandbox.seen
        return sum(f"sub_customer_id={BARE}" in one.query for one in seen)

    counts: list[int] = []
    world.before_item = lambda _number: counts.append(reads())
    world.after_item = lambda _number: counts.append(reads())
    await world.run(world.policies(CASH))
    assert counts[1] - counts[0] == 0
    world.pass_time(days=2)
    world.book.spend(BARE, 900_00, world.now())
    counts.clear()
    at_turn(world, lambda: counts.append(reads()))
    await world.run(world.policies(CASH))
    assert counts[1] - counts[0] == 1


async def test_a_plan_that_expires_midway_sends_no_more(world: World) -> None:
    opened = world.policies(CASH)
    at_turn(world, lambda: world.pass_time(minutes=31), number=1)
    code, report = await world.run(opened)
    assert code == 0
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.SETTLED, None]
    assert report.outcomes[1].hold is Hold.STALE
    assert world.posts() == 1
    world.check()


async def test_an_account_in_arrears_is_fed_twice_and_then_asked_about(world: World) -> None:
    world.book.accounts[POOR].debt = 50_000_00
    opened = world.policies(CASH)
    for _ in range(6):
        await world.run(opened)
        world.pass_time(minutes=20)
    assert world.moved("poor") == 990_00 + 1000_00
    world.check()


async def test_a_plan_is_not_carried_out_over_what_another_cycle_did(world: World) -> None:
    opened = world.policies(CASH)
    async with world.cycling(opened) as cycle:
        report = await cycle.plan()
        assert report.plan is not None
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        await world.run(opened)
        await cycle.carry_out(report, items)
    assert [outcome.hold for outcome in report.outcomes] == [Hold.UNREFLECTED] * 2
    assert world.posts() == 2
    world.check()


async def test_what_another_cycle_gave_meanwhile_makes_a_transfer_ask_for_approval(
    world: World,
) -> None:
    opened = world.policies(CASH, "limits: {approval_above: 1500.00}")
    async with world.cycling(opened) as cycle:
        report = await cycle.plan()
        assert report.plan is not None
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        await world.run(opened)
        world.book.spend(BARE, 900_00, world.now())
        world.pass_time(minutes=16)
        await cycle.carry_out(report, items)
    holds = {outcome.account.name: outcome.hold for outcome in report.outcomes}
    assert holds == {"bare": Hold.AWAITING_APPROVAL, "poor": Hold.NOT_TRIGGERED}
    assert world.moved("bare") == 1000_00
    world.check()


def at(world: World, hour: int, minute: int, day: int = 0) -> None:
    moment = START.replace(hour=hour, minute=minute) + timedelta(days=day)
    world.running.sandbox.clock.set(moment)


async def test_a_slot_moves_once_a_period(world: World) -> None:
    opened = world.policies(DAILY)
    assert (await world.run(opened))[0] == 0
    assert world.posts() == 0
    for hour, minute in ((3, 1), (3, 2), (3, 40), (4, 59)):
        at(world, hour, minute)
        assert (await world.run(opened))[0] == 0
        assert (world.moved("poor"), world.moved("bare")) == (100_00, 100_00)
    for minute in (1, 30):
        at(world, 3, minute, day=1)
        await world.run(opened)
        assert (world.moved("poor"), world.moved("bare")) == (200_00, 200_00)
    world.check()


async def test_a_unit_is_decided_once_a_slot_whatever_it_reads_later(world: World) -> None:
    opened = world.policies(DAILY.replace("{add: 100.00}", "{when: {below: 5.00}, to: 50.00}"))
    await world.run(opened)
    at(world, 3, 1)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (0, 50_00)
    world.book.spend(POOR, 10_00, world.now())
    at(world, 3, 30)
    await world.run(opened)
    assert world.moved("poor") == 0
    at(world, 3, 1, day=1)
    await world.run(opened)
    assert world.moved("poor") == 50_00
    world.check()


async def test_who_has_enough_at_a_slot_is_served_by_nothing(world: World) -> None:
    opened = world.policies(DAILY.replace("{add: 100.00}", "{to: 5.00}"))
    await world.run(opened)
    at(world, 3, 1)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (0, 5_00)
    world.book.spend(POOR, 10_00, world.now())
    at(world, 3, 30)
    await world.run(opened)
    assert world.moved("poor") == 0
    at(world, 5, 1)
    async with world.cycling(opened) as cycle:
        report = await cycle.plan()
        assert cycle.close_slots(report.observation) == ()
    world.check()


async def test_a_rule_first_loaded_after_its_slot_waits_for_the_next(world: World) -> None:
    opened = world.policies(DAILY)
    at(world, 3, 5)
    await world.run(opened)
    at(world, 3, 50)
    await world.run(opened)
    assert world.posts() == 0
    at(world, 3, 0, day=1)
    await world.run(opened)
    assert world.moved("poor") == 100_00


async def test_an_unread_account_is_tried_again_until_catch_up_ends(world: World) -> None:
    opened = world.policies(DAILY)
    await world.run(opened)
    faults = world.running.sandbox.faults
    order = FaultOrder(
        kind=FaultKind.ERROR_500_BEFORE, method="GET", contains=POOR, times=1_000_000
    )
    faults.order(order)
    at(world, 3, 1)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (0, 100_00)
    faults.clear()
    at(world, 4, 55)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (100_00, 100_00)
    faults.order(order)
    at(world, 3, 1, day=1)
    await world.run(opened)
    faults.clear()
    at(world, 5, 1, day=1)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (100_00, 200_00)
    world.check()


async def test_a_slot_survives_a_crash_and_moves_once(world: World) -> None:
    opened = world.policies(DAILY)
    await world.run(opened)
    at(world, 3, 1)
    arm_before_w3(world)
    with pytest.raises(Killed):
        await world.run(opened)
    disarm(world)
    for minute in (2, 3, 25):
        at(world, 3, minute)
        await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (100_00, 100_00)
    world.check()


async def test_a_slot_in_doubt_is_not_asked_again_in_its_period(
    world_of: Callable[..., World],
) -> None:
    world = world_of(resend="never")
    opened = world.policies(DAILY)
    await world.run(opened)
    world.running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.LOST_AFTER, method="POST", contains=BARE)
    )
    for hour, minute, code in ((3, 1, 7), (3, 30, 7), (4, 30, 0)):
        at(world, hour, minute)
        assert (await world.run(opened))[0] == code
    assert world.posts() == 2
    assert world.moved("bare") == 100_00
    world.check()


async def test_a_fleet_that_is_suddenly_much_smaller_moves_nothing_once(world: World) -> None:
    opened = world.policies(CASH)
    ledger = Ledger(world.state, may_write=True)
    believes_fleet(ledger, 100)
    ledger.close()
    with pytest.raises(ProviderError, match="fewer than last time"):
        await world.run(opened)
    assert world.posts() == 0
    code, _ = await world.run(opened)
    assert code == 0
    assert world.book.moves
    world.check()


async def test_a_daemon_serves_a_tick_once_and_a_person_always(world: World) -> None:
    opened = world.policies(CASH + "    schedule: {every: 15m}\n")
    at(world, 10, 1)
    await world.run(opened, is_daemon=True)
    assert world.moved("bare") == 1000_00
    for hour, minute, moved in ((10, 14, 1000_00), (10, 16, 1600_00), (10, 29, 1600_00)):
        at(world, hour, minute)
        world.book.spend(BARE, 300_00, world.now())
        await world.run(opened, is_daemon=True)
        assert world.moved("bare") == moved, minute
    world.book.spend(BARE, 300_00, world.now())
    at(world, 10, 29, day=0)
    world.pass_time(seconds=30)
    await world.run(opened)
    assert world.moved("bare") > 1600_00
    world.check()


async def test_late_slots_go_before_newer_ones_one_a_cycle_and_each_once(world: World) -> None:
    opened = world.policies(DAILY.replace("2h", "3d"))
    await world.run(opened)
    faults = world.running.sandbox.faults
    order = FaultOrder(
        kind=FaultKind.ERROR_500_BEFORE, method="GET", contains=POOR, times=1_000_000
    )
    faults.order(order)
    for day in (0, 1):
        at(world, 3, 1, day=day)
        await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (0, 200_00)
    faults.clear()
    for minute, poor in ((1, 100_00), (21, 200_00), (41, 300_00), (59, 300_00)):
        at(world, 4, minute, day=2)
        await world.run(opened)
        assert world.moved("poor") == poor
    assert world.moved("bare") == 300_00
    periods = [one.period for one, _ in world.ledger_rows() if one.account_id == POOR]
    assert periods == ["2026-11-30", "2026-12-01", "2026-12-02"]
    world.check()


async def test_a_void_move_leaves_its_slot_open(world_of: Callable[..., World]) -> None:
    world = world_of(resend="never")
    opened = world.policies(DAILY.replace("2h", "18h"))
    await world.run(opened)
    world.running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.LOST_BEFORE, method="POST", contains=BARE)
    )
    for hour, minute in ((3, 1), (3, 20), (4, 0), (6, 0), (9, 0), (12, 0), (20, 0)):
        at(world, hour, minute)
        await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (100_00, 100_00)
    assert sorted(world.states()) == [State.SETTLED, State.SETTLED, State.VOID]
    world.check()


async def test_a_slot_that_ends_before_its_turn_moves_nothing_under_the_next(world: World) -> None:
    opened = world.policies(
        DAILY.replace('daily: {at: "03:00"}, catch_up: 2h', 'cron: "0 * * * *", catch_up: 2h')
    )
    await world.run(opened)
    at(world, 4, 59)
    world.running.sandbox.clock.advance(timedelta(seconds=30))
    at_turn(world, lambda: None)
    await world.run(opened)
    assert world.posts() == 0
    at_turn(world, lambda: None, number=9)
    for minute in (3, 4):
        at(world, 5, minute)
        await world.run(opened)
    periods = {one.period for one, _ in world.ledger_rows()}
    assert periods == {"2026-11-30T04:00", "2026-11-30T05:00"}
    world.check()


async def test_a_reclaim_is_announced_by_one_cycle_and_moved_by_a_later_one(world: World) -> None:
    opened = world.policies(HOME + "    notice: 1h\n")
    await world.run(opened)
    world.pass_time(minutes=59)
    await world.run(opened)
    assert world.posts() == 0
    by_hand(world, RICH, 700_00)
    world.pass_time(minutes=2)
    await world.run(opened)
    assert world.moved("rich") == 700_00 - 4800_00
    world.check()


async def rushed(world: World, opened: Opened) -> Report:
    """A cycle of a daemon that has time to begin one transfer."""
    async with world.cycling(opened, is_daemon=True) as cycle:
        await cycle.begin()
        report = cycle.decide(await cycle.read(None, world.now()))
        assert report.plan is not None
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        cycle.is_time_up = lambda: bool(report.outcomes)
        await cycle.carry_out(report, items)
    return report


async def test_what_time_did_not_allow_is_decided_anew_and_moves_once(world: World) -> None:
    opened = world.policies(DAILY)
    await world.run(opened)
    before = world.moved("poor") + world.moved("bare")
    at(world, 4, 1)
    found = []
    for _ in range(3):
        report = await rushed(world, opened)
        moved = world.moved("poor") + world.moved("bare") - before
        found.append((report.left, moved))
        world.pass_time(minutes=1)
    assert found == [(1, 100_00), (0, 200_00), (0, 200_00)]
    world.check()


async def test_a_tick_is_served_whole_and_gives_each_no_more_than_once(world: World) -> None:
    slowly = CASH.replace("to: 1000.00", "to: 1000.00, max: 100.00")
    opened = world.policies(slowly + "    schedule: {every: 2h}\n")
    at(world, 4, 1)
    for _ in range(3):
        report = await rushed(world, opened)
        assert report.left == 0
        assert (world.moved("poor"), world.moved("bare")) == (100_00, 100_00)
        world.pass_time(minutes=20)
    at(world, 6, 1)
    await rushed(world, opened)
    assert (world.moved("poor"), world.moved("bare")) == (200_00, 200_00)
    world.check()


async def test_whoever_watches_hears_that_what_moved_is_read_again(world: World) -> None:
    heard: list[tuple[int, int]] = []
    async with world.cycling(world.policies(CASH)) as cycle:
        await cycle.begin()
        report = await cycle.plan()
        assert report.plan is not None
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        cycle.observer.progress = lambda done, whole: heard.append((done, whole))
        await cycle.carry_out(report, items)
    assert sorted(heard) == [(1, 2), (2, 2)]


@pytest.mark.parametrize("more", ["", "    cooldown: 1d\n"], ids=["plain", "cooldown"])
async def test_what_is_taken_in_parts_is_not_cut_off_between_them(world: World, more: str) -> None:
    world.before_item = lambda _number: world.pass_time(seconds=3)
    ledgers = world.book.accounts[RICH].ledgers
    ledgers[None].purse.change(-800_00, START)
    for number in (1, 2):
        expires = START + timedelta(days=60 + number)
        ledgers[expires] = CreditLedger(expire_time=expires, limit=400_00, purse=Purse(400_00))
    rule = RULES["reclaim", "credit"].replace("when: {above: 1000.00}, ", "")
    opened = world.policies(rule + '    schedule: {daily: {at: "03:00"}, catch_up: 5h}\n' + more)
    await world.run(opened)
    at(world, 4, 1)
    for _ in range(3):
        await rushed(world, opened)
        world.pass_time(minutes=30)
    assert sorted(one.purse.amount for one in ledgers.values()) == [0, 0, 200_00]
    assert world.book.accounts[FULL].ledgers[None].purse.amount == 200_00
    world.check()
