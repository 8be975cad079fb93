"""Pauses, proposals and doubts that need a person, as cycles meet them."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from budgetd.core.approval import Proposal
from budgetd.core.intent import FINAL, State
from budgetd.core.pause import Pause
from budgetd.core.reason import Hold
from budgetd.ledger import proposals
from budgetd.ledger.home import ForeignStateError
from budgetd.ledger.store import Ledger
from budgetd.ledger.switches import set_pause
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Instrument, Kind, Move
from budgetd.wiring import Opened

from .wires import Wire
from .world import BARE, POOR, RICH, RULES, TOP_UP, World

PROPOSE = TOP_UP + "    mode: propose\n"
ALL_OF_IT = Move(
    kind=Kind.ALLOCATE,
    customer_id=POOR,
    instrument=Instrument.CASH,
    amount=990_00,
    by_hand=True,
)


def pause(world: World, **changes: object) -> None:
    ledger = Ledger(world.state, may_write=True)
    given: dict[str, object] = {
        "id": "p1",
        "rule": "",
        "account_id": "",
        "reason": "a look first",
        "by": "tester",
        "at": world.now(),
    }
    set_pause(ledger, Pause(**(given | changes)))  # type: ignore[arg-type]  # fields by name
    ledger.close()


def waiting(world: World) -> list[Proposal]:
    ledger = Ledger(world.state, may_write=False)
    found = proposals.live(ledger)
    ledger.close()
    return found


def approve(world: World, proposal: Proposal) -> None:
    ledger = Ledger(world.state, may_write=True)
    proposals.approve(ledger, proposal, "tester", "", world.now())
    ledger.close()


@pytest.mark.parametrize(
    ("scope", "is_poor_moved"),
    [
        ({}, False),
        ({"rule": "p"}, False),
        ({"rule": "p/up"}, False),
        ({"account_id": POOR}, False),
        ({"rule": "p/up", "account_id": POOR}, False),
        ({"rule": "p/u"}, True),
        ({"rule": "p/up", "account_id": RICH}, True),
        ({"account_id": RICH}, True),
    ],
)
async def test_a_pause_holds_what_it_is_about(
    world: World, scope: dict[str, object], is_poor_moved: bool
) -> None:
    opened = world.policies(TOP_UP)
    pause(world, **scope)
    code, report = await world.run(opened)
    assert code == 0
    assert (world.moved("poor") > 0) is is_poor_moved
    assert (world.moved("bare") > 0) is (is_poor_moved or scope.get("account_id") == POOR)
    assert report is not None
    assert report.plan is not None
    reasons = {held.account.name: held.reason for held in report.plan.held}
    assert (reasons.get("poor") is Hold.PAUSED) is not is_poor_moved


async def test_a_pause_ends_by_its_own_time(world: World) -> None:
    opened = world.policies(TOP_UP)
    pause(world, until=world.now() + timedelta(minutes=10))
    await world.run(opened)
    assert world.posts() == 0
    world.pass_time(minutes=10)
    await world.run(opened)
    assert world.posts() == 2


async def test_a_pause_that_comes_while_a_plan_is_carried_out_stops_the_next_sending(
    world: World,
) -> None:
    opened = world.policies(TOP_UP)
    world.transport = lambda: Wire(after=lambda _request: pause(world))
    await world.run(opened)
    assert world.posts() == 1
    assert world.states() == [State.SETTLED]
    world.check()


async def test_a_pause_stops_a_resend_and_evidence_still_ends_the_doubt(world: World) -> None:
    def lose(_request: httpx.Request) -> None:
        if world.posts() == 1:
            pause(world)
            raise httpx.ReadError("lost")

    opened = world.policies(TOP_UP)
    world.transport = lambda: Wire(after=lose)
    code, _ = await world.run(opened)
    assert code == 7
    assert world.posts() == 1
    world.transport = None
    world.pass_time(minutes=46)
    # No record of ours was ever found, so the record that is there proves it by number alone.
    await world.run(opened)
    assert world.posts() == 1
    assert world.states() == [State.SETTLED]
    world.check()


async def test_a_proposal_waits_and_moves_once_it_is_approved(world: World) -> None:
    opened = world.policies(PROPOSE)
    await world.run(opened)
    assert world.posts() == 0
    by_name = {one.items[0].account_name: one for one in waiting(world)}
    assert sorted(by_name) == ["bare", "poor"]
    approve(world, by_name["poor"])
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 0)
    assert [one.items[0].account_name for one in waiting(world)] == ["bare"]
    world.pass_time(minutes=20)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 0)
    world.check()


async def test_an_approval_bounds_what_moves_and_a_better_reading_moves_less(
    world: World,
) -> None:
    opened = world.policies(PROPOSE)
    await world.run(opened)
    for proposal in waiting(world):
        approve(world, proposal)
    world.book.spend(POOR, 10_00, world.now())
    world.book.accounts[BARE].cash.change(300_00, world.now())
    world.book.funded = {
        kind: world.book._held(kind, world.book.everyone()) + world.book.spent[kind]
        for kind in world.book.funded
    }
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 700_00)
    world.check()


async def test_a_proposal_of_an_interval_outlives_the_cycles_between_and_a_yes_is_heard_at_once(
    world: World,
) -> None:
    opened = world.policies(PROPOSE + "    schedule: {every: 2h}\n")
    await world.run(opened, is_daemon=True)
    asked = waiting(world)
    world.pass_time(minutes=15)
    await world.run(opened, is_daemon=True)
    assert waiting(world) == asked
    approve(world, next(one for one in asked if one.items[0].account_name == "poor"))
    world.pass_time(minutes=1)
    await world.run(opened, is_daemon=True)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 0)
    assert [one.items[0].account_name for one in waiting(world)] == ["bare"]
    world.check()


async def test_a_yes_between_two_ticks_is_about_its_account_and_brings_nobody_else_forward(
    world: World,
) -> None:
    opened = world.policies(
        TOP_UP + "    schedule: {every: 2h}\n", extra="limits: {approval_above: 995.00}"
    )
    await world.run(opened, is_daemon=True)
    [asked] = waiting(world)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 0)
    world.book.spend(POOR, 600_00, world.now())
    world.pass_time(minutes=15)
    approve(world, asked)
    await world.run(opened, is_daemon=True)
    assert (world.moved("bare"), waiting(world)) == (1000_00, [])
    world.pass_time(hours=2)
    await world.run(opened, is_daemon=True)
    assert [one.items[0].account_name for one in waiting(world)] == ["poor"]
    world.check()


async def test_a_proposal_is_replaced_as_readings_change_and_an_old_one_is_not_approved(
    world: World,
) -> None:
    opened = world.policies(PROPOSE)
    await world.run(opened)
    [old] = [one for one in waiting(world) if one.items[0].account_name == "poor"]
    world.book.spend(POOR, 5_00, world.now())
    world.pass_time(minutes=5)
    await world.run(opened)
    [new] = [one for one in waiting(world) if one.items[0].account_name == "poor"]
    assert (new.id, new.made_at) == (old.id, old.made_at)
    assert new.items[0].amount - old.items[0].amount == 5
    with pytest.raises(proposals.ProposalGoneError, match="changed"):
        approve(world, old)


async def test_a_proposal_ends_when_its_rule_would_not_act_or_its_time_is_over(
    world: World,
) -> None:
    opened = world.policies(PROPOSE)
    await world.run(opened)
    first = waiting(world)
    world.book.accounts[POOR].cash.change(600_00, world.now())
    world.pass_time(minutes=5)
    await world.run(opened)
    assert [one.items[0].account_name for one in waiting(world)] == ["bare"]
    world.pass_time(hours=24)
    await world.run(opened)
    [anew] = waiting(world)
    assert anew.made_at > first[0].made_at
    approve(world, anew)
    world.pass_time(hours=25)
    await world.run(opened)
    assert world.posts() == 0


async def test_what_was_rejected_is_not_asked_again_before_it_would_have_ended(
    world: World,
) -> None:
    opened = world.policies(PROPOSE)
    await world.run(opened)
    ledger = Ledger(world.state, may_write=True)
    for proposal in proposals.live(ledger):
        proposals.reject(ledger, proposal, "tester", "no", world.now())
    ledger.close()
    world.pass_time(hours=23)
    _, report = await world.run(opened)
    assert waiting(world) == []
    assert report is not None
    assert report.plan is not None
    assert report.plan.proposals == ()
    assert {one.reason for one in report.plan.held} == {Hold.AWAITING_APPROVAL}
    world.pass_time(hours=1, minutes=1)
    await world.run(opened)
    assert len(waiting(world)) == 2


async def test_a_paused_cycle_does_not_wait_for_what_it_may_not_send(world: World) -> None:
    def lose(_request: httpx.Request) -> None:
        pause(world)
        raise httpx.ReadError("lost")

    opened = world.policies(TOP_UP)
    world.transport = lambda: Wire(before=lose)
    await world.run(opened)
    world.slept.clear()
    world.transport = None
    await world.run(opened)
    assert sum(world.slept) == 0


async def test_a_restored_file_that_has_forgotten_a_pause_is_a_stranger(world: World) -> None:
    opened = world.policies(TOP_UP)
    await world.run(opened)
    ledger = Ledger(world.state, may_write=True)
    ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    copy = world.state.with_name("copy")
    shutil.copy(world.state, copy)
    pause(world)
    # In place, so that it is the same file with an older content.
    with copy.open("rb") as source, world.state.open("r+b") as target:
        for suffix in ("-wal", "-shm"):
            world.state.with_name(world.state.name + suffix).unlink(missing_ok=True)
        shutil.copyfileobj(source, target)
        target.truncate()
    with pytest.raises(ForeignStateError, match="restored from a backup"):
        await world.run(opened)


async def test_a_batch_a_limit_withheld_moves_past_it_once_a_person_agrees(
    world: World,
) -> None:
    opened: Opened = world.policies(TOP_UP, extra="limits: {per_cycle: {amount: 1500.00}}")
    code, _ = await world.run(opened)
    assert (code, world.posts()) == (5, 0)
    [batch] = waiting(world)
    assert (batch.limit, len(batch.items)) == ("per_cycle.amount", 2)
    approve(world, batch)
    code, _ = await world.run(opened)
    assert code == 0
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 1000_00)
    assert waiting(world) == []
    world.check()


@pytest.mark.parametrize("is_paused", [False, True])
async def test_what_is_left_of_an_approved_batch_does_not_keep_a_person_from_the_next(
    world: World, is_paused: bool
) -> None:
    opened = world.policies(TOP_UP, extra="limits: {per_cycle: {amount: 900.00}}")
    await world.run(opened)
    [batch] = waiting(world)
    if is_paused:
        pause(world, account_id=POOR)
    else:
        world.book.move(ALL_OF_IT, world.now())
    approve(world, batch)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (0 if is_paused else 990_00, 1000_00)
    assert [one.state for one in waiting(world)] == ["approved"]
    world.pass_time(minutes=20)
    world.book.spend(BARE, 1000_00, world.now())
    await world.run(opened)
    [anew] = waiting(world)
    assert (anew.state, [one.account_name for one in anew.items]) == ("open", ["bare"])
    approve(world, anew)
    await world.run(opened)
    assert world.moved("bare") == 2000_00
    world.check()


async def test_three_transfers_that_need_a_person_stop_everything(
    world_of: Callable[..., World],
) -> None:
    world = world_of(resend="never")
    opened = world.policies(TOP_UP + RULES["reclaim", "cash"])
    world.running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.LOST_BEFORE, method="POST", times=3)
    )
    await world.run(opened)
    world.pass_time(minutes=51)
    _code, report = await world.run(opened)
    assert world.states() == [State.NEEDS_HUMAN] * 3
    assert report is not None
    assert report.plan is not None
    assert world.resume()[0].startswith("3 transfers need a person")
    world.check()


async def test_no_record_of_ours_was_ever_found_so_nothing_is_called_void(
    world_of: Callable[..., World],
) -> None:
    world = world_of(resend="never")
    opened = world.policies(TOP_UP)
    world.running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.LOST_BEFORE, method="POST", times=2)
    )
    await world.run(opened)
    world.pass_time(minutes=46)
    code, _ = await world.run(opened)
    assert code == 7
    assert world.states() == [State.NEEDS_HUMAN] * 2
    assert not set(world.states()) & FINAL
    world.check()


@pytest.mark.parametrize("code", [401, 418])
async def test_an_answer_that_nobody_foresaw_stops_everything_until_a_person_resumes(
    world: World, code: int
) -> None:
    class Refusing(Wire):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "POST":
                return await super().handle_async_request(request)
            told = json.dumps({"error_code": "APIGW.0301" if code == 401 else "CBC.7777"})
            return httpx.Response(
                code,
                headers={"content-type": "application/json"},
                stream=httpx.ByteStream(told.encode()),
            )

    opened = world.policies(TOP_UP)
    world.transport = Refusing
    assert (await world.run(opened))[0] == 1
    world.transport = None
    world.pass_time(minutes=20)
    posts = world.posts()
    await world.run(opened)
    assert world.posts() == posts == 0
    [reason] = world.resume()
    assert ("refused our credential" if code == 401 else "418 CBC.7777") in reason
    await world.run(opened)
    assert world.posts() >= 1
    world.check()
