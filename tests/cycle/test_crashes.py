"""A process may die at any line: after the restart nothing moves twice and nothing is lost."""

from collections.abc import Callable

import pytest

from budgetd.core.intent import State
from budgetd.ledger.store import Ledger

from .test_faults import WANTED
from .wires import Killed, Wire, kill
from .world import RULES, World


def at_first_item(number: int) -> None:
    if number == 0:
        raise Killed


def at_second_item(number: int) -> None:
    if number == 1:
        raise Killed


def arm_before_w1(world: World) -> None:
    world.before_item = at_first_item


def arm_between_w1_and_w2(world: World) -> None:
    """The clock is asked again as soon as the promise is durable: it is the next line."""
    path = world.state

    def look() -> None:
        if not path.exists():
            return
        ledger = Ledger(path, may_write=False)
        is_promised = any(
            ledger.state_of(intent.id) is State.PREPARED for intent in ledger.open_intents()
        )
        ledger.close()
        if is_promised:
            world.on_clock = lambda: None
            raise Killed

    world.on_clock = look


def arm_after_w2(world: World) -> None:
    world.transport = lambda: Wire(before=kill)


def arm_before_w3(world: World) -> None:
    world.transport = lambda: Wire(after=kill)


def arm_after_w3(world: World) -> None:
    world.after_item = at_first_item


def arm_between_items(world: World) -> None:
    world.before_item = at_second_item


POINTS = {
    "before W1": arm_before_w1,
    "between W1 and W2": arm_between_w1_and_w2,
    "after W2": arm_after_w2,
    "before W3": arm_before_w3,
    "after W3": arm_after_w3,
    "between items": arm_between_items,
}


def disarm(world: World) -> None:
    world.before_item = world.after_item = lambda _number: None
    world.on_clock = lambda: None
    world.transport = None


@pytest.mark.parametrize("point", list(POINTS))
@pytest.mark.parametrize(("direction", "instrument"), list(RULES))
async def test_a_restart_after_a_crash_moves_the_rest_and_nothing_twice(
    world: World, direction: str, instrument: str, point: str
) -> None:
    opened = world.policies(RULES[direction, instrument])
    POINTS[point](world)
    with pytest.raises(Killed):
        await world.run(opened)
    world.check()
    disarm(world)
    world.pass_time(minutes=1)
    code, _ = await world.run(opened)
    world.check()
    assert code == 0
    wanted = WANTED[direction, instrument]
    assert {who: world.moved(who) for who in wanted} == wanted
    assert set(world.states()) <= {State.SETTLED, State.CANCELLED}


async def test_a_promise_that_was_never_sent_is_withdrawn_and_never_leaves(world: World) -> None:
    opened = world.policies(RULES["allocate", "cash"])
    arm_between_w1_and_w2(world)
    with pytest.raises(Killed):
        await world.run(opened)
    assert world.states() == [State.PREPARED]
    assert world.posts() == 0
    (stale,) = world.intents()
    disarm(world)
    world.pass_time(minutes=1)
    await world.run(opened)
    assert world.intents()[stale] is State.CANCELLED
    assert world.posts() == 2


@pytest.mark.parametrize("arm", [arm_after_w2, arm_before_w3])
async def test_an_interrupted_sending_too_old_to_repeat_stays_in_doubt(
    world: World, arm: Callable[[World], None]
) -> None:
    opened = world.policies(RULES["allocate", "cash"])
    arm(world)
    with pytest.raises(Killed):
        await world.run(opened)
    disarm(world)
    posts = world.posts()
    world.pass_time(minutes=11)
    code, report = await world.run(opened)
    assert code == 7
    world.check()
    assert report is not None
    assert [intent.account_name for intent in report.still_open] == ["bare"]
    # The other account was served; the unit in doubt was not touched again.
    assert world.moved("poor") == 990_00
    assert world.posts() == posts + 1


async def test_crash_after_crash_moves_nothing_twice(world: World) -> None:
    opened = world.policies(RULES["allocate", "cash"])
    for arm in (arm_before_w3, arm_after_w2, arm_before_w3, arm_between_w1_and_w2, arm_before_w3):
        disarm(world)
        arm(world)
        try:
            await world.run(opened)
        except Killed:
            world.check()
        world.pass_time(minutes=1)
    disarm(world)
    await world.run(opened)
    world.check()
    assert world.moved("bare") == 1000_00
    assert world.moved("poor") == 990_00
