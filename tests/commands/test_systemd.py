"""The daemon and the manager that started it: what it is told on its socket, and how it ends."""

import fcntl
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest

from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox
from budgetd.service.systemd import ServiceManager

from .manager import Manager, at_a_path
from .running import Running
from .site import POLICY, Site

WATCHED_S = 1.5
STALLING = """\
import os
from apscheduler.jobstores.memory import MemoryJobStore

sound = MemoryJobStore.update_job

def update_job(self, job):
    if os.path.exists(os.environ["STALLED"]):
        raise RuntimeError("this store fails")
    sound(self, job)

MemoryJobStore.update_job = update_job
"""


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with Manager(at_a_path(tmp_path)) as listening:
        yield listening


def gaps(manager: Manager) -> list[float]:
    """How long the watchdog waited, each time, for its food."""
    return [after.at_s - before.at_s for before, after in pairwise(manager.told("WATCHDOG"))]


def states(manager: Manager) -> list[str]:
    """The changes of state it was told, in order."""
    told = [name for one in manager.heard for name in one.said]
    return [name for name in told if name in ("READY", "RELOADING", "STOPPING")]


@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_whole_life_is_told(site: Site, tmp_path: Path, is_abstract: bool) -> None:
    address = f"@budgetd-{uuid4().hex}" if is_abstract else at_a_path(tmp_path)
    with Manager(address) as manager, Running(Path(site.config), manager.environment()) as daemon:
        ready = manager.wait_for("READY")
        assert site.state.exists()
        assert re.fullmatch(r"enforcing, policies [0-9a-f]{6}; .*", ready.said["STATUS"])
        daemon.wait_for("cycle_ended")
        manager.wait_until(
            lambda: "3 transfers" in manager.told("STATUS")[-1].said["STATUS"], "the cycle"
        )
        assert daemon.stop() < 8.0
        assert daemon.process.returncode == 0
        assert states(manager) == ["READY", "STOPPING"]


def test_a_reload_is_told_as_it_begins_and_ends_taken_or_refused(
    site: Site, manager: Manager
) -> None:
    with Running(Path(site.config), manager.environment()) as daemon:
        manager.wait_for("READY")
        (site.home / "policies" / "p.yaml").write_text(POLICY.replace("500.00", "5e2"))
        begun_us = time.monotonic_ns() // 1000
        daemon.signal(signal.SIGHUP)
        refused = manager.wait_for("READY", count=2).said["STATUS"]
        assert "a reload was refused: policies/p.yaml:6:28: " in refused
        began = manager.told("RELOADING")[0]
        assert begun_us <= int(began.said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        (site.home / "policies" / "p.yaml").write_text(POLICY.replace("500.00", "400.00"))
        daemon.signal(signal.SIGHUP)
        taken = manager.wait_for("READY", count=3).said["STATUS"]
        assert "refused" not in taken
        assert states(manager) == ["READY", "RELOADING", "READY", "RELOADING", "READY"]


def test_nothing_a_stranger_wrote_begins_a_line_of_its_own(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in manager.environment().items():
        monkeypatch.setenv(name, value)
    ours = ServiceManager()
    ours.status("a\nWATCHDOG=trigger\r\u2028\udcff\x00" + "b" * 100_000)
    said = manager.wait_for("STATUS").said
    ours.close()
    assert set(said) == {"STATUS"}
    assert said["STATUS"].startswith("a WATCHDOG=trigger    b")
    assert len(said["STATUS"]) == 200


def test_the_watchdog_is_fed_in_time_also_while_a_cycle_waits(
    site: Site, running: RunningSandbox, manager: Manager
) -> None:
    running.sandbox.slow_s = 4.0
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="GET", times=3))
    with Running(Path(site.config), manager.environment(WATCHED_S)) as daemon:
        manager.wait_for("WATCHDOG", count=8)
        assert not daemon.events("cycle_ended")
        assert max(gaps(manager)) < WATCHED_S / 2


def test_a_scheduler_that_stalls_feeds_nothing_more(
    site: Site, tmp_path: Path, manager: Manager
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(STALLING)
    environment = manager.environment(WATCHED_S) | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(tmp_path / "lib"), os.environ.get("PYTHONPATH")])
        ),
        "STALLED": str(tmp_path / "stalled"),
    }
    with Running(Path(site.config), environment) as daemon:
        manager.wait_for("WATCHDOG", count=3)
        (tmp_path / "stalled").touch()
        time.sleep(WATCHED_S)
        (tmp_path / "stalled").unlink()
        fed = len(manager.told("WATCHDOG"))
        time.sleep(WATCHED_S * 2)
        assert len(manager.told("WATCHDOG")) == fed
        assert daemon.process.poll() is None
        assert daemon.stop() < 8.0


def test_a_process_that_is_stopped_feeds_nothing(site: Site, manager: Manager) -> None:
    with Running(Path(site.config), manager.environment(WATCHED_S)) as daemon:
        manager.wait_for("WATCHDOG", count=2)
        daemon.signal(signal.SIGSTOP)
        time.sleep(0.1)
        fed = len(manager.told("WATCHDOG"))
        time.sleep(WATCHED_S)
        assert len(manager.told("WATCHDOG")) == fed
        daemon.signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG", count=fed + 1)


def test_a_manager_that_does_not_listen_holds_nothing_up_and_hears_of_the_start_later(
    site: Site, tmp_path: Path
) -> None:
    with Manager(at_a_path(tmp_path), is_deaf=True) as manager:
        assert manager.fill() > 0
        with Running(Path(site.config), manager.environment(WATCHED_S)) as daemon:
            assert daemon.wait_for("cycle_ended")["transfers"] == {"settled": 3}
            daemon.signal(signal.SIGHUP)
            daemon.wait_for("policies_loaded", count=2)
            manager.hear()
            manager.wait_for("READY")
            assert daemon.stop() < 8.0
            assert daemon.process.returncode == 0


def test_nothing_is_told_where_nobody_listens(site: Site, tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        with Running(Path(site.config), environment) as daemon:
            daemon.wait_for("cycle_ended")
            daemon.stop()
            assert daemon.process.returncode == 0


def test_invalid_documents_are_told_and_end_it_with_2(site: Site, manager: Manager) -> None:
    (site.home / "policies" / "p.yaml").write_text(POLICY.replace("500.00", "5e2"))
    with Running(Path(site.config), manager.environment()) as daemon:
        assert daemon.end() == 2
        assert "p.yaml:6:" in daemon.errors
    (site.home / "policies" / "p.yaml").write_text(POLICY)
    (site.home / "keys" / "ak").unlink()
    with Running(Path(site.config), manager.environment()) as daemon:
        assert daemon.end() == 2
        assert "access_key" in daemon.errors
    assert manager.heard == []


def test_a_second_daemon_leaves_and_says_why(site: Site, manager: Manager) -> None:
    with Running(Path(site.config)) as first:
        first.wait_for("daemon_started")
        with Running(Path(site.config), manager.environment()) as second:
            assert second.end() == 1
            assert "another budgetd runs" in second.errors
            assert "Traceback" not in second.errors
        assert manager.heard == []
        assert first.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_what_is_under_way_and_a_second_one_does_not(
    site: Site, running: RunningSandbox, number: signal.Signals
) -> None:
    running.sandbox.slow_s = 0.8
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST"))
    with Running(Path(site.config)) as daemon:
        _until_moving(running)
        daemon.signal(number)
        assert daemon.end() == 0
        assert daemon.events("daemon_stopped")
    assert site.states() == ["settled"]
    running.sandbox.book.busy_until = None
    running.sandbox.slow_s = 6.0
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST"))
    with Running(Path(site.config)) as daemon:
        _until_moving(running, count=2)
        daemon.signal(number)
        daemon.wait_for("stop_asked")
        asked_s = time.monotonic()
        daemon.signal(number)
        assert daemon.end() != 0
        assert time.monotonic() - asked_s < 0.8
        assert not daemon.events("daemon_stopped")
    running.sandbox.book.busy_until = None
    with Running(Path(site.config)) as daemon:
        daemon.wait_for("cycle_ended")
        daemon.stop()
    moves = Counter(moved.move.customer_id for moved in running.sandbox.book.moves)
    assert all(count == 1 for count in moves.values()), moves


def test_a_reload_asked_for_before_the_start_is_over_is_made_after_it(
    site: Site, manager: Manager
) -> None:
    lock = os.open(f"{site.state}.daemon", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with Running(Path(site.config), manager.environment()) as daemon:
        manager.wait_until(lambda: _holds_reloads(daemon.process.pid), "it starts")
        daemon.signal(signal.SIGHUP)
        os.close(lock)
        daemon.wait_for("policies_loaded", count=2)
        manager.wait_for("READY", count=2)
        assert states(manager) == ["READY", "RELOADING", "READY"]
        daemon.stop()
        assert daemon.process.returncode == 0


def _until_moving(running: RunningSandbox, count: int = 1) -> None:
    deadline = time.monotonic() + 30
    while len(running.sandbox.book.moves) < count:
        assert time.monotonic() < deadline, "nothing moved"
        time.sleep(0.01)


def _holds_reloads(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    blocked = re.search(r"^SigBlk:\s*([0-9a-f]+)$", status, re.MULTILINE)
    assert blocked is not None
    return bool(int(blocked[1], 16) & 1 << (signal.SIGHUP - 1))
