"""A process that is stopped and wakes up late: it is locked out or fenced, and doubles nothing."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.crashes.scene import TARGET, Scene, scene

PATIENCE_S = 20.0
LOCK_WAIT_S = 0.3


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Scene]:
    """A scene on which one cycle has passed, so that there are records to be seen."""
    with scene(tmp_path, is_relayed=True) as made:
        spend(made, 1100_00)
        assert one_cycle(made) == 0
        made.clock.advance(minutes=50)
        yield made


def spend(place: Scene, minor: int) -> None:
    """Everybody spends as much, and a little more than the one before."""
    for number, one in enumerate(list(place.spenders())):
        place.spend(one.id, minor + number * 100)


def one_cycle(place: Scene, **changes: object) -> int:
    return place.lives.end_of(place.lives.start(place.life(**changes)))


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def is_stopped(pid: int) -> bool:
    """Whether the process sleeps until it is told to go on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stopped_before_w2(place: Scene) -> int:
    """A process that was stopped with a promise made and nothing sent."""
    pid = place.lives.start(place.life(stops_at="prepared"))
    wait_for(lambda: is_stopped(pid))
    return pid


def stopped_under_way(place: Scene) -> int:
    """A process that was stopped when its movement had left and had not arrived."""
    place.relay.hold()
    pid = place.lives.start(place.life())
    assert place.relay.held.wait(PATIENCE_S)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: is_stopped(pid))
    return pid


def wake(place: Scene, pid: int) -> int:
    os.kill(pid, signal.SIGCONT)
    return place.lives.end_of(pid)


def replace_lock(place: Scene) -> None:
    """What a person does who believes that the process is gone, or a cleaner of old files."""
    place.site.state.with_name(place.site.state.name + ".lock").unlink()


def settle(place: Scene) -> None:
    """What never happened is void after the dead time, and its account rests a little then."""
    for _ in range(3):
        code = one_cycle(place)
        place.clock.advance(minutes=50)
    assert code == 0, place.log()[-3000:]


def goes_on(place: Scene) -> None:
    """Nothing of it stops the next cycles: they find what is spent, and move it."""
    place.clock.advance(minutes=20)
    spend(place, 500_00)
    assert one_cycle(place) == 0
    spend(place, 600_00)
    before = place.moves()
    assert one_cycle(place) == 0, place.log()[-3000:]
    all_is_well(place, moves=before + 10)


def all_is_well(place: Scene, moves: int) -> None:
    """The book's word: everybody at the target, by so many movements since the start."""
    place.look()
    assert place.wrong == []
    assert {one.cash.amount for one in place.spenders()} == {TARGET}
    assert place.moves() == moves
    assert "Traceback" not in place.log()


@pytest.mark.parametrize("stopped", [stopped_before_w2, stopped_under_way])
def test_a_stopped_process_keeps_its_lock_and_a_second_one_refuses(
    place: Scene, stopped: Callable[[Scene], int]
) -> None:
    spend(place, 1100_00)
    first = stopped(place)
    arrived = place.sandbox.arrived
    assert one_cycle(place, lock_wait_s=LOCK_WAIT_S) == 1
    assert "another cycle has held" in place.log()
    assert place.sandbox.arrived == arrived
    place.relay.released.set()
    assert wake(place, first) == 0
    all_is_well(place, moves=20)


def test_a_process_that_wakes_after_a_takeover_is_fenced_before_it_sends(place: Scene) -> None:
    spend(place, 1200_00)
    first = stopped_before_w2(place)
    place.clock.advance(minutes=50)
    replace_lock(place)
    assert one_cycle(place) == 0
    all_is_well(place, moves=20)
    arrived = place.sandbox.arrived
    assert wake(place, first) == 1
    assert "another budgetd has taken over this state" in place.log()
    assert place.sandbox.arrived == arrived
    all_is_well(place, moves=20)
    goes_on(place)


@pytest.mark.parametrize("minutes", [1, 50])
@pytest.mark.parametrize("is_delivered_first", [True, False])
def test_a_movement_that_arrives_after_a_takeover_moves_nothing_twice(
    place: Scene, minutes: int, is_delivered_first: bool
) -> None:
    """After a minute the second process sends the same key; after the dead time it finds that
    nothing moved and that what is under way cannot move any more."""
    spend(place, 1200_00)
    first = stopped_under_way(place)
    place.clock.advance(minutes=minutes)
    replace_lock(place)
    if is_delivered_first:
        place.relay.release()
        wait_for(lambda: place.sandbox.seen[-1].method == "POST")
    settle(place)
    all_is_well(place, moves=20)
    place.relay.release()
    assert wake(place, first) in (0, 1, 7)
    all_is_well(place, moves=20)
    goes_on(place)
