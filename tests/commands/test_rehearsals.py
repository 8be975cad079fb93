"""Backup, restore, another host, upgrade: what docs/operations.md says, done as it is written."""

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from budgetd.ledger.chain import link
from budgetd.ledger.home import witness_path
from budgetd.ledger.schema import APPLICATION_ID, STEPS, VERSION
from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import Site
from .test_people import pauses
from .test_plan_and_apply import AFTER, BEFORE, cash, posts, refused
from .test_processes import wait_for

pytestmark = pytest.mark.usefixtures("operator")
DEAD = timedelta(minutes=46)
WHILE_WRITTEN = (".db", ".db-wal", ".db-shm")


def back_up(site: Site, to: Path) -> None:
    """The command of the page: it reads alone, beside whatever is running."""
    if shutil.which("sqlite3"):
        command = ["sqlite3", "-readonly", str(site.state), f".backup '{to}'"]
        subprocess.run(command, check=True, capture_output=True)
        return
    # A bare machine has no such program; this is what it does.
    source, target = sqlite3.connect(f"file:{site.state}?mode=ro", uri=True), sqlite3.connect(to)
    source.backup(target)
    source.close()
    target.close()


def restore(site: Site, backup: Path) -> None:
    """The steps of the page: the file, without what belongs to the one before."""
    for suffix in ("-wal", "-shm"):
        site.state.with_name(site.state.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, site.state)


def moved_once(running: RunningSandbox) -> None:
    """Nothing moved twice, by the provider's own book."""
    units = Counter(moved.move.customer_id for moved in running.sandbox.book.moves)
    assert set(units.values()) <= {1}, units


def states(site: Site) -> list[str]:
    return site.states()


def test_a_backup_of_a_running_cycle_is_restored_adopted_and_moves_nothing_twice(
    site: Site, passing: RunningSandbox
) -> None:
    site.write(resend="never")
    passing.sandbox.slow_s = 0.8
    passing.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST", nth=2))
    process = site.start("apply", "--yes")
    wait_for(lambda: len(passing.sandbox.book.moves) == 2)
    backup = site.home / "backup.db"
    back_up(site, backup)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert cash(passing) == AFTER
    site.run("pause", "p/home")

    restore(site, backup)
    # The backup knows one move, one that is being sent, and nothing of the third or the pause.
    assert states(site) == ["sending", "settled"]
    assert site.run("plan").exit_code == 0
    refused(site.run("apply", "--yes"), 1, "it was restored from a backup")
    refused(site.run("apply", "--yes"), 1, "budgetd adopt --reason")
    assert pauses(site) == []

    refused(site.run("adopt", "--reason", "disk died"), 2, "say --yes")
    told = site.run("adopt", "--reason", "disk died", "--yes")
    assert told.exit_code == 0, told.output
    assert "1 transfer is open in it." in told.stdout
    assert "Adopted by operator. Everything is paused until" in told.stdout
    assert [one["rule"] for one in pauses(site)] == [None]
    assert site.run("apply", "--yes").exit_code == 7
    assert site.run("reconcile").exit_code == 7
    passing.sandbox.clock.advance(DEAD)
    assert site.run("apply", "--yes").exit_code == 0
    assert states(site) == ["settled", "settled"]
    assert site.run("reconcile").exit_code == 0
    assert cash(passing) == AFTER
    assert posts(passing) == 3
    moved_once(passing)


def test_a_restore_of_a_state_from_before_every_move_waits_until_readings_show_them(
    site: Site, passing: RunningSandbox
) -> None:
    site.run("pause")
    site.run("apply", "--yes")
    backup = site.home / "backup.db"
    back_up(site, backup)
    site.run("resume")
    site.run("apply", "--yes")
    assert cash(passing) == AFTER
    restore(site, backup)
    assert site.run("adopt", "--reason", "wrong disk", "--yes").exit_code == 0
    site.run("resume")
    # Every account is where its rule wants it: there is nothing to do again.
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing) == AFTER
    assert posts(passing) == 3
    assert "by hand" in site.run("reconcile").stdout


def test_a_state_that_was_copied_to_another_host_moves_nothing_until_it_is_adopted(
    site: Site, passing: RunningSandbox, tmp_path: Path
) -> None:
    site.run("apply", "--yes")
    other = Site(tmp_path / "other", site.endpoint)
    other.home.mkdir()
    other.write()
    for path in site.state.parent.iterdir():
        if path.suffix != ".lock":
            shutil.copy(path, other.state.parent)
    passing.sandbox.clock.advance(timedelta(hours=1))
    book = passing.sandbox.book
    web = next(one for one in book.accounts.values() if one.display_name == "prod-web")
    book.spend(web.id, 1990_00, passing.sandbox.clock.now())
    refused(other.run("apply", "--yes"), 1, "copied, or moved here from another host")
    assert other.run("adopt", "--reason", "new host", "--yes").exit_code == 0
    assert "is at home here" in other.run("adopt", "--reason", "again", "--yes").stdout
    other.run("apply", "--yes")
    assert cash(passing)["prod-web"] == 10_00
    passing.sandbox.clock.advance(DEAD)
    assert other.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 2000_00
    assert len(other.states()) == 4
    assert other.run("doctor").exit_code == 0


DAILY = """\
version: 1
policy: p
rules:
  - name: allowance
    accounts: {name: acme_prod_web}
    top_up: {add: 100.00}
    schedule: {daily: {at: "12:00"}, catch_up: 6h}
"""


def test_a_calendar_slot_that_a_restored_state_has_forgotten_is_not_served_twice(
    site: Site, passing: RunningSandbox
) -> None:
    site.write(policy=DAILY)
    clock = passing.sandbox.clock
    clock.set((clock.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0))
    assert site.run("apply", "--yes").exit_code == 0
    backup = site.home / "backup.db"
    back_up(site, backup)
    clock.advance(timedelta(hours=4))
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 110_00
    restore(site, backup)
    assert site.run("adopt", "--reason", "disk died", "--yes").exit_code == 0
    clock.advance(DEAD)
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 110_00
    clock.advance(timedelta(hours=24))
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 210_00


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_has_restored_belongs_to_the_owner_of_the_folder_after_an_adoption(
    site: Site,
) -> None:
    site.run("apply", "--yes")
    witness_path(site.state).unlink()
    os.chown(site.state.parent, 4321, 4321)
    assert site.run("adopt", "--reason", "restored", "--yes").exit_code == 0
    left = {path.name for path in site.state.parent.iterdir() if path.stat().st_uid != 4321}
    assert left == set()


def test_a_lost_state_is_not_begun_anew_unseen(site: Site, running: RunningSandbox) -> None:
    site.run("apply", "--yes")
    for suffix in WHILE_WRITTEN:
        site.state.with_suffix(suffix).unlink(missing_ok=True)
    refused(site.run("adopt", "--reason", "lost", "--yes"), 2, "restore a backup there first")
    refused(site.run("apply", "--yes"), 1, "is gone, and this one is new")
    assert posts(running) == 3
    assert site.run("adopt", "--reason", "no backup", "--yes").exit_code == 0
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(running) == AFTER


def test_a_damaged_witness_is_made_anew_by_an_adoption(site: Site) -> None:
    site.run("apply", "--yes")
    witness_path(site.state).write_text("x " * 200)
    refused(site.run("apply", "--yes"), 1, "missing or damaged")
    assert site.run("adopt", "--reason", "a bad disk", "--yes").exit_code == 0
    assert site.run("apply", "--yes").exit_code == 0


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_an_adoption_needs_a_reason(site: Site, reason: tuple[str, ...]) -> None:
    site.run("apply", "--yes")
    assert site.run("adopt", "--yes", *reason).exit_code == 2


def first_version(path: Path, **fields: object) -> None:
    """A state file as the first version wrote it, with one settled transfer."""
    made = f"{datetime(2026, 1, 1, tzinfo=UTC):%Y-%m-%dT%H:%M:%S}.000000Z"
    row: dict[str, object] = {
        "id": "aaaaaaaaaaaaaaaa",
        "key": "a" * 32,
        "rule": "p/up",
        "policy_digest": "sha256:0",
        "account_id": "a",
        "account_name": "acme_a",
        "instrument": "cash",
        "part": "",
        "direction": "allocate",
        "coupon_id": "",
        "amount": 100_00,
        "currency": "CNY",
        "operation": "UpdateSubEnterpriseAmount",
        "body": b"{}",
        "body_hash": "0",
        "why": "below_trigger",
        "period": "",
        "reading": 0,
        "unit_reading": 0,
        "read_at": made,
        "master_read_at": made,
        "made_at": made,
        "expires_at": made,
        "epoch": 3,
        "state": "settled",
        "booked": 100_00,
        "ended_at": made,
        **fields,
    }
    _write_first(path, row)


def _write_first(path: Path, row: dict[str, object]) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(STEPS[1])
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO intent ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - our own columns
        tuple(row.values()),
    )
    event = (str(row["made_at"]), str(row["id"]), "prepared", '{"amount":"100.00","children":[]}')
    connection.execute(
        "INSERT INTO event (at, intent_id, kind, data, hash) VALUES (?, ?, ?, ?, ?)",
        (*event, link("", *event)),
    )
    connection.execute("INSERT INTO meta VALUES ('epoch', '3')")
    connection.close()
    path.chmod(0o600)


@pytest.mark.parametrize("command", [("apply", "--yes"), ("pause", "p/up"), ("transfer",)])
def test_a_state_of_the_first_version_is_walked_up_by_the_first_command_that_writes(
    site: Site, running: RunningSandbox, command: tuple[str, ...]
) -> None:
    first_version(site.state)
    refused(site.run("plan"), 1, f"`budgetd apply` brings it to {VERSION}")
    refused(site.run("transfers"), 1, "schema 1 of an older budgetd")
    if command == ("transfer",):
        command = ("transfer", "acme_prod_web", "10.00", "--reason", "a test", "--yes")
    assert site.run(*command).exit_code == 0
    assert "acme_a" in site.run("transfers").stdout
    told = site.run("transfers", "prove", "aaaa")
    assert told.exit_code == 0
    assert "!!" not in told.stdout
    site.run("resume")
    site.run("apply", "--yes")
    assert cash(running)["prod-db"] == 2000_00
    ledger = Ledger(site.state, may_write=False)
    assert ledger.connection.execute("SELECT value FROM meta WHERE name = 'epoch'").get > "3"
    ledger.close()


def test_an_older_budgetd_refuses_a_newer_state(site: Site, running: RunningSandbox) -> None:
    site.run("pause")
    connection = apsw.Connection(str(site.state))
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    for command in (("plan",), ("apply", "--yes"), ("pause",), ("transfers",)):
        refused(site.run(*command), 1, "run the newer version")
    assert cash(running) == BEFORE
