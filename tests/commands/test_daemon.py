"""`budgetd run` as people live with it: their commands beside it, its slots, its clock, its end.

The sandbox's book is the judge.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from budgetd.clock import now
from budgetd.ledger.locks import daemon_lock
from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox
from budgetd.service.daemon import Daemon
from budgetd.service.reloading import InForce
from budgetd.service.systemd import ServiceManager
from budgetd.wiring import open_documents

from .running import Running
from .site import Site
from .test_plan_and_apply import AFTER, BEFORE, cash, posts

POLLING = "polling: {max_staleness: 4s, act_within: 2s}\n"
DAILY = """\
version: 1
policy: p
rules:
  - name: home
    accounts: {name: acme_idle}
    reclaim: {when: {above: 1000.00}, keep: 200.00}
    schedule: {daily: {at: "12:00"}}
"""
HOME = {"idle": 200_00, "master": 107_800_00}
PATIENCE_S = 30.0

pytestmark = pytest.mark.usefixtures("operator")


def quick(site: Site, polling: str = POLLING) -> Path:
    """The config, with readings that grow old within seconds."""
    path = Path(site.config)
    path.write_text(path.read_text() + polling)
    return path


@pytest.fixture
def daemon(site: Site) -> Iterator[Running]:
    with Running(quick(site)) as started:
        started.wait_for("daemon_started")
        yield started


@asynccontextmanager
async def inside(site: Site) -> AsyncIterator[Daemon]:
    """The daemon in this process, whose clock a test may move."""
    option = Path(site.config)
    opened = open_documents(str(option))
    with daemon_lock(opened.config.state) as lock:
        ledger = Ledger(opened.config.state, may_write=True)
        made = Daemon(
            in_force=InForce(option, opened, now),
            ledger=ledger,
            lock=lock,
            clock=now,
            manager=ServiceManager(),
        )
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            made.ask_to_stop()
            await task
            ledger.close()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


# Beside it


def test_it_moves_what_the_policies_say_and_stops_when_asked(
    daemon: Running, running: RunningSandbox
) -> None:
    daemon.wait_for("cycle_ended", count=2)
    assert cash(running) == AFTER
    assert posts(running) == 3
    assert daemon.stop() < 10
    assert daemon.process.returncode == 0
    assert daemon.log[-1]["event"] == "daemon_stopped"
    cycles = {event["cycle"] for event in daemon.events("cycle_ended")}
    assert {event["cycle"] for event in daemon.events("transfer_ended")} <= cycles


def test_what_is_approved_beside_it_moves_soon(site: Site, running: RunningSandbox) -> None:
    site.write(limits="approval_above: 1000.00")
    # The next reading of the fleet is half an hour away: nothing else moves it.
    with Running(quick(site, "polling: {max_staleness: 60m}\n")) as daemon:
        daemon.wait_for("cycle_ended")
        assert cash(running) == BEFORE
        known = json.loads(site.run("approve", "--format", "json").stdout)["proposals"]
        ids = [one["id"] for one in known]
        assert len(ids) == 3
        since = len(daemon.log)
        assert [site.run("approve", one, "--yes").exit_code for one in ids] == [0, 0, 0]
        while cash(running) != AFTER:
            daemon.wait_for("cycle_ended", since=since)
            since = len(daemon.log)
        assert any("approved" in event["why"] for event in daemon.events("cycle_began"))
        assert daemon.stop() < 10


def test_a_pause_beside_it_holds_the_next_cycle_until_it_is_resumed(
    site: Site, running: RunningSandbox
) -> None:
    assert site.run("pause", "--reason", "audit").exit_code == 0
    with Running(quick(site)) as daemon:
        daemon.wait_for("cycle_ended", count=2)
        assert cash(running) == BEFORE
        assert daemon.events("cycle_ended")[-1]["held"]["paused"] == 3
        assert site.run("resume").exit_code == 0
        daemon.wait_for("cycle_ended", since=len(daemon.log), count=2)
        assert cash(running) == AFTER


def test_apply_and_a_move_by_hand_beside_it_move_nothing_twice(
    daemon: Running, site: Site, running: RunningSandbox
) -> None:
    for _ in range(3):
        assert site.run("apply", "--yes").exit_code == 0
    told = site.run("transfer", "acme_prod_web", "7.00", "--reason", "asked for", "--yes")
    assert told.exit_code == 0, told.output
    daemon.wait_for("cycle_ended", since=len(daemon.log), count=2)
    moved = {"prod-web": 2007_00, "master": AFTER["master"] - 7_00}
    assert cash(running) == AFTER | moved
    assert posts(running) == 4
    assert not [one["stopped"] for one in daemon.events("cycle_ended") if one["stopped"]]


def test_a_second_daemon_on_the_state_is_refused(daemon: Running, site: Site) -> None:
    daemon.wait_for("cycle_ended")
    with Running(Path(site.config)) as second:
        assert second.end() == 1
        assert "another budgetd runs on" in second.errors
        assert second.events("cycle_began") == []
    daemon.wait_for("cycle_ended", since=len(daemon.log))


def test_a_daemon_whose_lock_was_replaced_ends(daemon: Running, site: Site) -> None:
    lock = site.state.with_name(site.state.name + ".daemon")
    lock.rename(lock.with_suffix(".gone"))
    lock.touch()
    assert daemon.end() == 1
    assert "was replaced" in daemon.errors


# What goes wrong


def test_a_provider_that_is_away_is_waited_for(site: Site, running: RunningSandbox) -> None:
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.ERROR_500_BEFORE, times=12))
    with Running(quick(site)) as daemon:
        assert daemon.wait_for("cycle_ended")["stopped"]
        while cash(running) != AFTER:
            daemon.wait_for("cycle_ended", since=len(daemon.log))
        assert daemon.process.poll() is None


def test_a_restored_state_moves_nothing_until_it_is_adopted(
    site: Site, running: RunningSandbox
) -> None:
    site.run("apply", "--yes")
    restored = site.state.with_suffix(".restored")
    restored.write_bytes(site.state.read_bytes())
    restored.rename(site.state)
    book = running.sandbox.book
    web = next(one for one in book.accounts.values() if one.display_name == "prod-web")
    book.spend(web.id, 1900_00, running.sandbox.clock.now())
    with Running(quick(site)) as daemon:
        assert "adopt" in daemon.wait_for("cycle_ended")["stopped"]
        daemon.wait_for("cycle_ended", count=2)
        assert cash(running)["prod-web"] == 100_00


def test_under_dry_run_it_plans_keeps_readings_and_moves_nothing(
    site: Site, running: RunningSandbox
) -> None:
    site.write(mode="dry_run")
    with Running(quick(site)) as daemon:
        assert daemon.wait_for("planned")["transfers"] == 3
        daemon.wait_for("cycle_ended", count=2)
        daemon.stop()
    assert cash(running) == BEFORE
    ledger = Ledger(site.state, may_write=False)
    assert ledger.connection.execute("SELECT count(*) FROM reading").get >= 3
    assert ledger.last_seq() == 0
    ledger.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_what_is_under_way_and_loses_nothing(
    site: Site, running: RunningSandbox, number: signal.Signals
) -> None:
    running.sandbox.slow_s = 0.8
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST"))
    with Running(quick(site)) as daemon:
        while cash(running) == BEFORE:
            time.sleep(0.01)
        daemon.signal(number)
        assert daemon.end() == 0, daemon.errors
        assert len(daemon.events("attempt_answered")) == 1
        assert daemon.events("cycle_ended")[-1]["stopped"]
    with Running(Path(site.config)) as daemon:
        daemon.wait_for("cycle_ended", count=2)
    assert cash(running) == AFTER
    assert posts(running) == 3


def test_a_name_that_is_still_being_resolved_does_not_hold_up_the_stop(
    site: Site, tmp_path: Path
) -> None:
    resolver = tmp_path / "resolver"
    resolver.mkdir()
    (resolver / "sitecustomize.py").write_text(
        "import socket, time\n"
        "def slow(*arguments, **options):\n"
        "    time.sleep(60)\n"
        "socket.getaddrinfo = slow\n"
    )
    path = Path(site.config)
    path.write_text(path.read_text().replace(site.endpoint, "https://bss.example"))
    known = os.environ.get("PYTHONPATH", "")
    with Running(path, {"PYTHONPATH": f"{resolver}:{known}"}) as daemon:
        daemon.wait_for("cycle_began")
        assert daemon.stop() < 10
        assert daemon.process.returncode == 0, daemon.errors


# Time


async def test_a_slot_is_served_when_it_comes_and_once(site: Site, running: RunningSandbox) -> None:
    site.write(policy=DAILY)
    with time_machine.travel(datetime(2026, 11, 30, 11, 59, 57, tzinfo=UTC), tick=True):
        running.sandbox.clock.set(now())
        async with inside(site) as daemon:
            await until(lambda: daemon.last is not None)
            assert cash(running) == BEFORE
            await until(lambda: cash(running) == BEFORE | HOME)
            assert now() < datetime(2026, 11, 30, 12, 0, 5, tzinfo=UTC)
            first = daemon.last
            daemon.wake("a test")
            await until(lambda: daemon.last is not first)
            assert posts(running) == 1


@pytest.mark.parametrize("hours", [25, -25])
async def test_a_clock_that_steps_neither_stops_the_scheduler_nor_repeats_a_slot(
    site: Site, running: RunningSandbox, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("budgetd.service.agenda.CLOCK_LOOK_S", 0.1)
    site.write(policy=DAILY)
    start = datetime(2026, 11, 30, 11, 59, 58, tzinfo=UTC)
    with time_machine.travel(start, tick=True) as machine:
        running.sandbox.clock.set(now())
        async with inside(site) as daemon:
            await until(lambda: cash(running) == BEFORE | HOME)
            machine.shift(timedelta(hours=hours))
            running.sandbox.clock.set(now())
            before = daemon.last
            await until(lambda: daemon.last is not before)
            await until(lambda: all(one.at > now() for one in daemon.agenda.next()))
            await until(lambda: abs(daemon.agenda.next()[0].at - now()) < timedelta(minutes=15))
            assert posts(running) == 1


async def test_a_clock_that_is_set_while_a_cycle_runs_makes_none_long(site: Site) -> None:
    looks: list[datetime] = []

    def stepping() -> datetime:
        looks.append(now())
        return looks[-1] + timedelta(minutes=10 if len(looks) > 10 else 0)

    async with inside(site) as daemon:
        daemon.clock = stepping
        await until(lambda: daemon.last is not None)
        assert daemon.last.ended_at - daemon.last.began_at >= timedelta(minutes=10)
        known = daemon._known
    assert known is not None
    assert timedelta(0) < known.took < known.lasted < timedelta(minutes=5)
