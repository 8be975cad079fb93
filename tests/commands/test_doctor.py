"""`doctor`: what is well, what is not, and the cure."""

import json
import shutil

import pytest

from budgetd.ledger.home import witness_path
from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind
from budgetd.sandbox.running import RunningSandbox

from .site import Site
from .test_proofs import lose

pytestmark = pytest.mark.usefixtures("operator")


def ailing(site: Site) -> dict[str, str]:
    """What is not well, with its cure; the exit code and the text say the same."""
    result = site.run("doctor", "--format", "json")
    document = json.loads(result.stdout)
    found = document["findings"]
    ill = {one["name"]: f"{one['says']} -> {one['cure']}" for one in found if not one["well"]}
    assert (document["format"], document["well"]) == ("budgetd.doctor/1", not ill)
    told = site.run("doctor")
    assert result.exit_code == told.exit_code == (1 if ill else 0), result.output
    assert told.stdout.count("!!  ") == sum(not one["well"] for one in found)
    assert all(one["cure"] for one in found if not one["well"])
    return ill


def says(site: Site, name: str) -> str:
    found = json.loads(site.run("doctor", "--format", "json").stdout)["findings"]
    return "; ".join(one["says"] for one in found if one["name"] == name)


def test_a_healthy_site_is_well_before_and_after_its_first_cycle(site: Site) -> None:
    assert ailing(site) == {}
    assert "not there yet" in says(site, "ledger")
    site.run("apply", "--yes")
    assert ailing(site) == {}
    assert "WAL with FULL synchronization, schema 3" in says(site, "store")
    assert "all " in says(site, "ledger")
    assert says(site, "home") == "the state is at home here"
    assert says(site, "pauses") == "nothing is paused"


def test_a_pause_is_well_and_a_latched_one_is_not(site: Site, running: RunningSandbox) -> None:
    site.run("pause", "p/up", "--reason", "audit", "--until", "2199-01-01")
    assert ailing(site) == {}
    assert "p/up paused since" in says(site, "pauses")
    assert "by operator until 2199-01-01 00:00: audit" in says(site, "pauses")
    ledger = Ledger(site.state, may_write=True)
    with ledger.writing():
        ledger.latch("moved twice", running.sandbox.clock.now())
    ledger.close()
    ill = ailing(site)
    assert list(ill) == ["pauses"]
    assert "budgetd resume --reason" in ill["pauses"]


def test_waiting_proposals_are_told_and_well(site: Site) -> None:
    site.write(limits="approval_above: 1000.00")
    site.run("apply", "--yes")
    assert ailing(site) == {}
    assert says(site, "proposals") == "3 proposals wait: `budgetd approve` lists what"


def test_a_restored_state_and_a_lost_one_are_not_well(site: Site) -> None:
    site.run("apply", "--yes")
    backup = site.home / "backup.db"
    shutil.copy(site.state, backup)
    site.run("pause", "p/up")
    site.run("apply", "--yes")
    shutil.copy(backup, site.state)
    for suffix in ("-wal", "-shm"):
        site.state.with_name(site.state.name + suffix).unlink(missing_ok=True)
    assert "budgetd adopt --reason" in ailing(site)["home"]
    site.state.unlink()
    assert "gone -> restore the newest backup" in ailing(site)["ledger"]


def test_a_file_that_others_may_read_is_not_well(site: Site) -> None:
    site.run("apply", "--yes")
    for path in (site.state, witness_path(site.state)):
        path.chmod(0o644)
        assert f"chmod 600 {path}" in ailing(site)["permissions"]
        path.chmod(0o600)


def test_doubt_and_what_needs_a_person_are_not_well(site: Site, passing: RunningSandbox) -> None:
    site.write(resend="never")
    lose(passing, FaultKind.LOST_BEFORE)
    assert site.run("apply", "--yes").exit_code == 7
    assert "1 transfer is open -> the next cycle looks after it" in ailing(site)["doubt"]
    ledger = Ledger(site.state, may_write=True)
    (intent,) = ledger.open_intents()
    with ledger.writing():
        ledger.connection.execute(
            "UPDATE intent SET state = 'needs_human' WHERE id = ?", (intent.id,)
        )
    ledger.close()
    assert "budgetd transfers resolve ID" in ailing(site)["doubt"]
