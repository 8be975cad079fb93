"""When nothing may be sent, when it is sent again, and what is believed of the answers."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from budgetd.core.intent import State
from budgetd.core.reason import Hold
from budgetd.provider.errors import AuthenticationFailed
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.semantics import KeyMemory, Semantics

from .test_crashes import arm_before_w3, disarm
from .wires import Killed, Twice, Wire, spoil
from .world import BARE, POOR, RULES, World

CASH = RULES["allocate", "cash"]


def fault(world: World, kind: FaultKind, account_id: str | None = None, times: int = 1) -> None:
    order = FaultOrder(kind=kind, method="POST", contains=account_id, times=times)
    world.running.sandbox.faults.order(order)


async def test_a_second_cycle_moves_nothing(world: World) -> None:
    opened = world.policies(CASH)
    assert (await world.run(opened))[0] == 0
    assert world.posts() == 2
    for minutes in (0, 1, 20):
        world.pass_time(minutes=minutes)
        assert (await world.run(opened))[0] == 0
    assert world.posts() == 2
    world.check()


async def test_a_busy_master_is_waited_for_under_the_same_key(
    world_of: Callable[..., World],
) -> None:
    world = world_of(semantics=Semantics(busy_s=8))
    code, _ = await world.run(world.policies(CASH))
    assert code == 0
    assert (world.moved("bare"), world.moved("poor")) == (1000_00, 990_00)
    assert world.posts() > 2
    assert len(world.book.keys) == 2
    assert min(filter(None, world.slept)) >= 5
    world.check()


async def test_a_master_that_stays_busy_is_refused_and_the_unit_rests(
    world_of: Callable[..., World],
) -> None:
    world = world_of(semantics=Semantics(busy_s=600))
    opened = world.policies(CASH)
    code, _ = await world.run(opened)
    assert code == 4
    assert world.states() == [State.REFUSED, State.SETTLED]
    posts = world.posts()
    world.pass_time(minutes=11)
    await world.run(opened)
    assert world.posts() == posts
    # Long enough for a copy of it that a gateway keeps to be refused, or else to be read.
    world.pass_time(minutes=16)
    await world.run(opened)
    assert world.posts() == posts
    world.pass_time(minutes=4)
    assert (await world.run(opened))[0] == 0
    assert world.moved("poor") == 990_00
    world.check()


@pytest.mark.parametrize("keys", list(KeyMemory))
@pytest.mark.parametrize("kind", [FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE])
async def test_without_resending_the_records_end_doubt_whatever_keys_mean(
    world_of: Callable[..., World], keys: KeyMemory, kind: FaultKind
) -> None:
    world = world_of(semantics=Semantics(keys=keys), resend="never")
    opened = world.policies(CASH)
    fault(world, kind, BARE)
    code, _ = await world.run(opened)
    assert code == 7
    assert world.states() == [State.IN_DOUBT, State.SETTLED]
    world.pass_time(minutes=44)
    assert (await world.run(opened))[0] == 7
    world.pass_time(minutes=2)
    assert (await world.run(opened))[0] == 0
    is_moved = kind is FaultKind.LOST_AFTER
    assert world.states() == [State.SETTLED, State.SETTLED if is_moved else State.VOID]
    assert world.posts() == 2
    world.check()
    # A void move rests for a quarter of an hour, then its rule may wish again.
    world.pass_time(minutes=16)
    assert (await world.run(opened))[0] == 0
    assert world.moved("bare") == 1000_00
    world.check()


@pytest.mark.parametrize("keys", [KeyMemory.ON_SUCCESS, KeyMemory.ON_RECEIPT])
async def test_a_lost_answer_is_settled_by_the_key_and_a_reading(
    world_of: Callable[..., World], keys: KeyMemory
) -> None:
    world = world_of(semantics=Semantics(keys=keys))
    fault(world, FaultKind.LOST_AFTER)
    code, _ = await world.run(world.policies(CASH))
    assert code == 0
    assert world.states() == [State.SETTLED, State.SETTLED]
    assert len(world.book.moves) == 2
    world.check()


async def test_stale_readings_do_not_move_the_same_money_again(
    world_of: Callable[..., World],
) -> None:
    world = world_of(semantics=Semantics(stale_s=600))
    opened = world.policies(CASH + RULES["reclaim", "cash"])
    await world.run(opened)
    for _ in range(6):
        world.pass_time(minutes=2)
        await world.run(opened)
    assert world.posts() == 4
    assert world.moved("poor") == 990_00
    assert world.moved("rich") == -4800_00
    world.check()


async def test_a_stale_reading_never_settles_a_doubt(world_of: Callable[..., World]) -> None:
    world = world_of(semantics=Semantics(stale_s=600))
    fault(world, FaultKind.LOST_AFTER, BARE)
    code, _ = await world.run(world.policies(CASH))
    assert code == 7
    assert world.states() == [State.IN_DOUBT, State.SETTLED]
    world.pass_time(minutes=12)
    assert (await world.run(world.policies(CASH)))[0] == 0
    assert world.states() == [State.SETTLED, State.SETTLED]
    world.check()


async def test_a_key_that_was_seen_before_its_first_use_stops_everything(world: World) -> None:
    world.transport = Twice
    code, report = await world.run(world.policies(CASH))
    assert code == 1
    assert report is not None
    assert "second daemon or a restored state" in report.stopped
    assert world.states() == [State.IN_DOUBT]
    assert world.posts() == 2
    world.check()


async def test_an_answer_that_no_table_knows_stops_everything(world: World) -> None:
    fault(world, FaultKind.MALFORMED)
    code, report = await world.run(world.policies(CASH))
    assert code == 1
    assert report is not None
    assert "no table knows" in report.stopped
    assert world.states() == [State.IN_DOUBT]
    assert world.posts() == 1
    world.check()


async def test_a_refused_signature_stops_at_once(world: World) -> None:
    world.transport = lambda: Wire(before=spoil)
    code, report = await world.run(world.policies(CASH))
    assert code == 1
    assert report is not None
    assert "refused our credential" in report.stopped
    assert world.states() == [State.REFUSED]
    assert [seen.status for seen in world.running.sandbox.seen].count(401) == 1
    world.check()


async def test_a_signature_refused_in_doubt_stops_at_once_and_stays_doubt(world: World) -> None:
    def spoil_later(request: object) -> None:
        if world.posts():
            spoil(request)  # type: ignore[arg-type]  # the wire hands requests

    world.transport = lambda: Wire(before=spoil_later)
    fault(world, FaultKind.LOST_AFTER)
    code, _ = await world.run(world.policies(CASH))
    assert code == 1
    assert world.states() == [State.IN_DOUBT]
    assert [seen.status for seen in world.running.sandbox.seen].count(401) == 1
    world.check()


async def test_a_wrong_secret_meets_fewer_refusals_than_lock_a_key(world: World) -> None:
    world.secret = "not-the-secret"
    with pytest.raises(AuthenticationFailed):
        await world.run(world.policies(CASH))
    assert len(world.running.sandbox.seen) < 5
    assert world.posts() == 0


@pytest.mark.parametrize("seconds", [-200, 200])
async def test_nothing_is_sent_on_a_clock_that_is_off(world: World, seconds: int) -> None:
    opened = world.policies(CASH)
    world.skew = timedelta(seconds=seconds)
    code, report = await world.run(opened)
    assert code == 1
    assert report is not None
    assert "s off the provider's" in report.stopped
    assert world.posts() == 0
    assert world.states() == []
    world.skew = timedelta(seconds=60)
    assert (await world.run(opened))[0] == 0


async def test_recovery_sends_nothing_on_a_clock_that_is_off(world: World) -> None:
    opened = world.policies(CASH)
    arm_before_w3(world)
    with pytest.raises(Killed):
        await world.run(opened)
    disarm(world)
    posts = world.posts()
    world.skew = timedelta(seconds=200)
    assert (await world.run(opened))[0] == 1
    assert world.posts() == posts
    world.skew = timedelta(0)
    assert (await world.run(opened))[0] == 0
    world.check()


async def test_patience_ends_for_one_and_the_rest_of_the_plan_goes_on(world: World) -> None:
    opened = world.policies(CASH)
    fault(world, FaultKind.THROTTLED, BARE, times=1000)
    code, report = await world.run(opened)
    assert code == 1
    assert report is not None
    assert {outcome.account.name: outcome.state for outcome in report.outcomes} == {
        "bare": State.CANCELLED,
        "poor": State.SETTLED,
    }
    assert 60 <= sum(world.slept) < 120
    world.running.sandbox.faults.clear()
    assert (await world.run(opened))[0] == 0
    assert world.moved("bare") == 1000_00
    world.check()


async def test_a_provider_out_of_reach_cancels_what_never_left(world: World) -> None:
    opened = world.policies(CASH)

    def leave(number: int) -> None:
        if number == 0:
            world.running.stop()

    world.before_item = leave
    code, _ = await world.run(opened)
    assert code == 1
    assert world.states() == [State.CANCELLED, State.CANCELLED]
    assert not world.book.moves


async def test_three_doubts_hold_new_moves_until_fewer_are_open(world: World) -> None:
    rules = CASH + RULES["reclaim", "cash"]
    opened = world.policies(rules)
    fault(world, FaultKind.ERROR_500_BEFORE, times=12)
    code, report = await world.run(opened)
    assert code == 7
    assert report is not None
    assert [outcome.state for outcome in report.outcomes] == [State.IN_DOUBT] * 3 + [None]
    assert report.outcomes[-1].hold is Hold.OPEN_INTENT
    assert not world.book.moves
    world.check()


async def test_doubts_of_an_earlier_process_are_waited_for_together(world: World) -> None:
    opened = world.policies(CASH)
    fault(world, FaultKind.ERROR_500_BEFORE, times=1000)
    await world.run(opened)
    world.slept.clear()
    world.pass_time(minutes=11)
    await world.run(opened)
    assert sum(world.slept) < 90
    world.check()


async def test_a_full_disk_sends_nothing_and_says_so(world: World) -> None:
    opened = world.policies(CASH)
    world.room_bytes = 1 << 62
    code, report = await world.run(opened)
    assert code == 1
    assert report is not None
    assert "are free; nothing is sent" in report.stopped
    assert world.posts() == 0
    world.room_bytes = 1024
    assert (await world.run(opened))[0] == 0
    assert world.states() == [State.CANCELLED, State.SETTLED, State.SETTLED]
    world.check()


async def test_a_key_is_made_once_and_its_bytes_never_change(world: World) -> None:
    fault(world, FaultKind.ERROR_500_BEFORE, POOR, times=2)
    assert (await world.run(world.policies(CASH)))[0] == 0
    bodies = [
        seen.body
        for seen in world.running.sandbox.seen
        if seen.method == "POST" and POOR in seen.body
    ]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
