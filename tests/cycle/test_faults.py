"""Whatever befalls a POST, the book moves each transfer once at most and the ledger agrees."""

from collections.abc import Callable

import pytest

from budgetd.core.intent import FINAL, State
from budgetd.sandbox.faults import FaultKind, FaultOrder

from .world import RULES, World

FAULTS = [kind for kind in FaultKind if kind is not FaultKind.STALE_READ]
WANTED = {
    ("allocate", "cash"): {"poor": 990_00, "bare": 1000_00},
    ("allocate", "credit"): {"poor": 990_00, "bare": 1000_00},
    ("allocate", "coupon"): {"poor": 700_00, "bare": 700_00},
    ("reclaim", "cash"): {"rich": -4800_00, "full": -2800_00},
    ("reclaim", "credit"): {"rich": -4800_00, "full": -2800_00},
    ("reclaim", "coupon"): {"rich": -5000_00, "full": -3000_00},
}


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(("direction", "instrument"), list(RULES))
async def test_a_fault_moves_nothing_twice_and_no_state_lies(
    world_of: Callable[..., World], direction: str, instrument: str, kind: FaultKind, nth: int
) -> None:
    world = world_of(timeout_s=0.25 if kind is FaultKind.SLOW else 5.0)
    world.running.sandbox.slow_s = 0.4
    opened = world.policies(RULES[direction, instrument])
    wanted = WANTED[direction, instrument]
    order = FaultOrder(kind=kind, method="POST", nth=nth)
    world.running.sandbox.faults.order(order)

    code, report = await world.run(opened)
    world.check()
    assert report is not None
    for who, amount in wanted.items():
        assert world.moved(who) in (0, amount)
    states = world.states()
    if report.stopped:
        assert code == 1
    elif set(states) <= {State.SETTLED}:
        assert code == 0
        assert {who: world.moved(who) for who in wanted} == wanted
    else:
        assert State.IN_DOUBT in states
        assert code == 7

    # Later cycles meet no fault: they end every doubt they can, and nothing moves twice.
    for minutes in (5, 20):
        if {who: world.moved(who) for who in wanted} == wanted and set(world.states()) <= FINAL:
            break
        world.pass_time(minutes=minutes)
        world.resume()
        code, _ = await world.run(opened)
        world.check()
        assert code == (0 if set(world.states()) <= FINAL else 7)
    if set(world.states()) <= FINAL:
        assert {who: world.moved(who) for who in wanted} == wanted
