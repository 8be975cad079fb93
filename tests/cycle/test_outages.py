"""Hours without the provider: no burst afterwards, nothing stale is sent, and every doubt ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from budgetd.core.intent import FINAL, State
from budgetd.core.intent import Move as OurMove
from budgetd.ledger.store import Ledger
from budgetd.provider.errors import ProviderError
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Instrument, Kind, Move
from budgetd.wiring import Opened

from .wires import Wire
from .world import BARE, FULL, PEOPLE, POOR, RICH, RULES, TOP_UP, World

EVERY = timedelta(minutes=5)


class Line(Wire):
    """A line that breaks down at a POST, and stays down until it is mended. `is_late` says
    whether that POST reached the provider."""

    is_down = False
    posts = 0
    breaks_at = 0
    is_late = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, as long as there is a line."""
        if type(self).is_down:
            raise httpx.ConnectError("no route")
        if request.method == "POST":
            type(self).posts += 1
            if type(self).posts == type(self).breaks_at:
                type(self).is_down = True
                if type(self).is_late:
                    await super().handle_async_request(request)
                raise httpx.ReadError("cut")
        return await super().handle_async_request(request)


async def cycles(world: World, opened: Opened, until: timedelta, every: timedelta = EVERY) -> None:
    """A cycle so often; one that cannot read the fleet ends as `apply` would."""
    end = world.now() + until
    while world.now() < end:
        try:
            await world.run(opened)
        except ProviderError:
            assert Line.is_down
        world.check()
        world.pass_time(minutes=every.total_seconds() / 60)


def moves(world: World) -> tuple[OurMove, ...]:
    """Every intent as the core sees it."""
    ledger = Ledger(world.state, may_write=False)
    found = ledger.moves(datetime(2000, 1, 1, tzinfo=UTC))
    ledger.close()
    return found


def sending_times(world: World) -> dict[str, list[timedelta]]:
    """How long after its promise each attempt of an intent was signed."""
    ledger = Ledger(world.state, may_write=False)
    found = {
        intent.id: [attempt.signed_at - intent.made_at for attempt in ledger.attempts(intent.id)]
        for intent, _ in world.ledger_rows()
    }
    ledger.close()
    return found


async def used(world: World, opened: Opened) -> None:
    """Yesterday all went well, both ways; today the four accounts want as much again."""
    await world.run(opened)
    assert set(world.states()) == {State.SETTLED}
    world.pass_time(hours=24)
    for who in (POOR, BARE):
        world.book.spend(who, 1000_00, world.now())
    for who, amount in ((RICH, 4800_00), (FULL, 2800_00)):
        by_hand = Move(
            kind=Kind.ALLOCATE,
            customer_id=who,
            instrument=Instrument.CASH,
            amount=amount,
            by_hand=True,
        )
        world.book.move(by_hand, world.now())


@pytest.mark.parametrize("resend", ["same_key", "never"])
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize(("breaks_at", "outage"), [(1, 24), (3, 6)])
async def test_after_an_outage_nothing_stale_is_sent_and_every_doubt_ends(
    world_of: Callable[..., World], breaks_at: int, outage: int, is_late: bool, resend: str
) -> None:
    world = world_of(resend=resend)
    opened = world.policies(TOP_UP + RULES["reclaim", "cash"])
    await used(world, opened)
    Line.is_down, Line.posts = False, 0
    Line.breaks_at, Line.is_late = breaks_at, is_late
    world.transport = Line
    begun = world.now()
    await world.run(opened)
    assert Line.is_down
    [doubtful] = [intent for intent, state in world.ledger_rows() if state not in FINAL]
    posts = Line.posts
    world.pass_time(minutes=5)
    left = begun + timedelta(hours=outage) - world.now()
    await cycles(world, opened, left, timedelta(hours=1))
    # Nothing left while the line was down, and what was in doubt still is.
    assert (Line.posts, world.intents()[doubtful.id]) == (posts, State.IN_DOUBT)

    Line.is_down, healed = False, world.now()
    await cycles(world, opened, timedelta(minutes=10))
    ended = {move.id: move for move in moves(world)}[doubtful.id]
    assert ended.state is (State.SETTLED if is_late else State.VOID)
    assert ended.ended_at is not None
    assert ended.ended_at - healed <= timedelta(minutes=10)
    # Four accounts want one transfer each, and no outage makes it more.
    assert Line.posts <= posts + 4
    await cycles(world, opened, timedelta(minutes=30))
    waits = [wait for found in sending_times(world).values() for wait in found]
    assert max(waits) <= timedelta(minutes=10)
    wanted = {"poor": 1990_00, "bare": 2000_00, "rich": -9600_00, "full": -5600_00}
    given_by_hand = {"rich": 4800_00, "full": 2800_00}
    for who, amount in wanted.items():
        assert world.moved(who) == amount + given_by_hand.get(who, 0)
    world.check()


async def test_an_account_whose_reading_fails_is_read_again_before_the_sweep_ends(
    world: World,
) -> None:
    opened = world.policies(TOP_UP)
    three = FaultOrder(kind=FaultKind.ERROR_500_BEFORE, method="GET", contains=POOR, times=3)
    world.running.sandbox.faults.order(three)
    await world.run(opened)
    assert (world.moved("poor"), world.moved("bare")) == (990_00, 1000_00)


async def test_a_provider_that_fails_for_many_is_not_asked_twice_as_often(world: World) -> None:
    opened = world.policies(TOP_UP + RULES["reclaim", "cash"])
    amounts = "/retrieve-amount"
    world.running.sandbox.faults.order(
        FaultOrder(kind=FaultKind.ERROR_500_BEFORE, path=amounts, times=1_000_000)
    )
    _, report = await world.run(opened)
    assert report is not None
    assert report.plan is not None
    assert len(report.plan.unreadable) == len(PEOPLE)
    asked = sum(seen.path.endswith(amounts) for seen in world.running.sandbox.seen)
    # Each account's three attempts, and three more of one.
    assert asked == 3 * len(PEOPLE) + 3
