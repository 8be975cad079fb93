"""budgetd as a process: signals, pipes, terminals, and another budgetd beside it."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import BUDGETD, Site
from .test_plan_and_apply import AFTER, BEFORE, cash, posts

PATIENCE_S = 30.0


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def moved_once(running: RunningSandbox) -> None:
    keys = Counter(moved.move.key for moved in running.sandbox.book.moves)
    assert all(count == 1 for count in keys.values())
    units = Counter(moved.move.customer_id for moved in running.sandbox.book.moves)
    assert all(count == 1 for count in units.values()), units


def test_two_processes_with_one_plan_carry_it_out_once(site: Site, running: RunningSandbox) -> None:
    path = str(site.saved())
    both = [site.start("apply", path, "--yes") for _ in range(2)]
    told = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert sorted(process.returncode for process in both) == [0, 6], told
    assert cash(running) == AFTER
    assert posts(running) == 3


def test_two_fresh_cycles_at_once_move_everything_once(site: Site, running: RunningSandbox) -> None:
    both = [site.start("apply", "--yes") for _ in range(2)]
    told = [process.communicate(timeout=PATIENCE_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert cash(running) == AFTER
    moved_once(running)


@pytest.mark.parametrize(
    ("kind", "nth"),
    [
        (signal.SIGINT, 1),
        (signal.SIGINT, 2),
        (signal.SIGTERM, 1),
        (signal.SIGHUP, 2),
        (signal.SIGKILL, 1),
        (signal.SIGKILL, 2),
    ],
)
def test_a_signal_in_the_middle_loses_nothing_and_doubles_nothing(
    site: Site, running: RunningSandbox, kind: signal.Signals, nth: int
) -> None:
    running.sandbox.slow_s = 1.0
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST", nth=nth))
    process = site.start("apply", "--yes")
    wait_for(lambda: len(running.sandbox.book.moves) >= nth)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    assert "Traceback" not in errors
    if kind is signal.SIGINT:
        assert process.returncode == 1
        assert "may be under way" in errors
    moved_once(running)
    running.sandbox.book.busy_until = None
    result = site.run("apply", "--yes")
    assert result.exit_code == 0, result.output
    assert cash(running) == AFTER
    moved_once(running)
    assert set(site.states()) <= {"settled", "cancelled"}


@pytest.mark.parametrize("arguments", [("plan",), ("plan", "--format", "json"), ("apply", "--yes")])
def test_a_closed_pipe_is_no_traceback(
    site: Site, running: RunningSandbox, arguments: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = site.start(*arguments, stdout=writing)
    os.close(writing)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    moved_once(running)
    assert cash(running) == BEFORE


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_who_closed_a_stream_is_told_nothing_there_and_gets_the_transfers(
    site: Site, running: RunningSandbox, closed: str
) -> None:
    ours = [sys.executable, str(BUDGETD), "--config", site.config, "apply", "--yes"]
    process = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *ours],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr
    assert cash(running) == AFTER
    moved_once(running)
    assert set(site.states()) == {"settled"}


def test_without_a_stdin_nothing_is_asked_or_moved(site: Site, running: RunningSandbox) -> None:
    ours = [sys.executable, str(BUDGETD), "--config", site.config, "apply"]
    process = subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&-', "sh", *ours],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert "no terminal to ask at" in process.stderr
    assert cash(running) == BEFORE


@pytest.mark.parametrize("arguments", [("plan",), ("apply", "--yes")])
def test_a_full_disk_behind_the_output_is_told_in_a_sentence(
    site: Site, running: RunningSandbox, arguments: tuple[str, ...]
) -> None:
    with open("/dev/full", "w") as full:
        process = site.start(*arguments, stdout=full)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "No space left on device" in errors
    assert "Traceback" not in errors
    assert cash(running) == BEFORE


def answered(
    site: Site, answer: str, meanwhile: Callable[[], None] = lambda: None
) -> tuple[int, str]:
    """One `apply` at a terminal, whose question gets this answer, once that was done."""
    ours, theirs = pty.openpty()
    process = site.start("apply", stdin=theirs, stdout=theirs, stderr=theirs, text=False)
    os.close(theirs)
    told = bytearray()

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                return
            if not piece:
                return
            told.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    wait_for(lambda: b"[yes/NO]" in told or process.poll() is not None)
    meanwhile()
    os.write(ours, answer.encode() + b"\n")
    code = process.wait(timeout=PATIENCE_S)
    reader.join(PATIENCE_S)
    os.close(ours)
    return code, told.decode(errors="replace")


@pytest.mark.parametrize(
    ("answer", "moves"), [("yes", True), ("no", False), ("", False), ("y", False)]
)
def test_at_a_terminal_only_a_whole_yes_moves_money(
    site: Site, running: RunningSandbox, answer: str, moves: bool
) -> None:
    code, told = answered(site, answer)
    assert code == 0, told
    assert "Carry out 3 transfers?" in told
    assert cash(running) == (AFTER if moves else BEFORE)
    assert moves or "nothing was moved" in told


def test_a_person_who_thinks_holds_up_nobody_and_moves_nothing_twice(
    site: Site, running: RunningSandbox
) -> None:
    def moved_meanwhile() -> None:
        result = site.run("apply", "--yes")
        assert result.exit_code == 0, result.output
        assert cash(running) == AFTER

    code, told = answered(site, "yes", moved_meanwhile)
    assert code == 0, told
    assert cash(running) == AFTER
    assert posts(running) == 3


def test_a_cycle_waits_for_another_one_and_then_goes_on(
    site: Site, running: RunningSandbox
) -> None:
    running.sandbox.slow_s = 1.0
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST", nth=1))
    first = site.start("apply", "--yes")
    wait_for(lambda: bool(running.sandbox.book.moves))
    second = subprocess.Popen.communicate(site.start("apply", "--yes"), timeout=PATIENCE_S)
    first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0
    assert "Traceback" not in second[1]
    assert cash(running) == AFTER
    moved_once(running)
