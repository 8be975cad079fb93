"""`budgetd status`: from the state file alone, what the daemon does and whether it does it."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.web.scene import HOSTILE, NOW, filled, fleet, observation_of, standing

from budgetd.core.standing import Standing
from budgetd.ledger.locks import daemon_lock
from budgetd.ledger.standing import keep
from budgetd.ledger.store import Ledger
from budgetd.service.account import cut_short

from .site import Site


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose provider does not answer, a minute after the scene."""
    monkeypatch.setattr("budgetd.clock.now", lambda: NOW + timedelta(minutes=1))
    made = Site(tmp_path, "http://127.0.0.1:9")
    made.write()
    return made


@pytest.fixture
def said(silent: Site) -> Iterator[Ledger]:
    """The state of a fleet of hostile names, and a daemon that has said what it does."""
    accounts = fleet(12, HOSTILE)
    ledger = filled(silent.state, accounts)
    keep(ledger, standing(observation_of(accounts)))
    yield ledger
    ledger.close()


def say(ledger: Ledger, **changes: object) -> Standing:
    """A standing like the one in the state, with changes."""
    told = standing(observation_of(fleet(12)))
    changed = replace(told, **changes)  # type: ignore[arg-type]  # any field may be changed
    keep(ledger, changed)
    return changed


def test_a_daemon_that_works_is_told_with_what_waits(silent: Site, said: Ledger) -> None:
    with daemon_lock(silent.state):
        result = silent.run("status")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for expected in (
        "acme · enforce · policies 3f9c1e, 3 rules · process 4711 since 14:05",
        "The daemon runs.",
        "last cycle ended 14:44, 1 min ago, in 4.0 s; 11 of 12 accounts read, 1 unread",
        "unread 500 CBC.0999, 3 times",
        "transfers: 3 settled, 1 in doubt, 1 not sent; allocate cash 3,600.00",
        "held cap reached 2, cooldown 1 nothing to do 30",
        "next 14:54 the whole fleet, in 8 min 15:00 production/running-low, in 14 min",
        "master cash 100,000.00 CNY, read 1 min ago · credit unknown (not read)",
        "runway master cash less the reserve: unknown until burn is known",
        "paused trial: month's end (by ops at 14:45)",
        "waiting +40,000.00 in 1 transfer by production/keep-alive, above approval_above",
        "`budgetd approve p-0123456789abcdef`",
    ):
        assert expected in text, expected
    assert "doubt" in text
    assert text.count("settled") == 3


def test_a_daemon_that_is_gone_or_hangs_is_said_plainly(silent: Site, said: Ledger) -> None:
    killed = silent.run("status")
    assert killed.exit_code == 1
    assert "The daemon does not run, and it did not say that it stops" in killed.stdout
    assert "systemctl start budgetd" in killed.stdout
    assert "last word 1 min ago" in killed.stdout

    say(said, is_stopping=True)
    stopped = silent.run("status")
    assert stopped.exit_code == 1
    assert "The daemon does not run: it was stopped." in stopped.stdout

    told = say(said)
    assert told.last
    old = timedelta(hours=2)
    say(said, at=NOW - old, last=replace(told.last, ended_at=NOW - old))
    with daemon_lock(silent.state):
        hung = silent.run("status")
    assert hung.exit_code == 1
    assert "The daemon runs, but no cycle has done its work for too long." in hung.stdout


def test_where_nothing_ever_ran_it_says_so(silent: Site) -> None:
    for style in ("text", "json"):
        result = silent.run("status", "--format", style)
        assert result.exit_code == 1
        assert "none ever said anything here" in result.stdout
    assert not silent.state.exists()


def test_a_standing_that_cannot_be_read_is_said_and_the_rest_is_shown(
    silent: Site, said: Ledger
) -> None:
    with said.writing():
        said.connection.execute("UPDATE standing SET value = '{}'")
    result = silent.run("status")
    assert result.exit_code == 1
    assert "What it last said cannot be read: enterprise: Field required." in result.stdout
    assert "p-0123456789abcdef" in result.stdout


def test_a_refused_reload_and_a_stopped_cycle_stand_out(silent: Site, said: Ledger) -> None:
    told = say(said)
    assert told.last
    say(
        said,
        policies=replace(told.policies, problems=("p.yaml:7:21: expected 500.00, found '5e2'",)),
        last=replace(told.last, stopped="the credential is refused\x1b[2J"),
    )
    with daemon_lock(silent.state):
        text = silent.run("status").stdout
    assert "reload    refused at 14:05; the policies from before stay in force" in text
    assert "p.yaml:7:21: expected 500.00, found '5e2'" in text
    assert r"stopped   the credential is refused\x1b[2J" in text


def test_of_a_cycle_that_was_cut_short_no_fleet_of_nobody_is_told(
    silent: Site, said: Ledger
) -> None:
    began = NOW - timedelta(seconds=4)
    last = cut_short("c1", began, NOW, "the provider does not answer")
    say(said, last=last)
    with daemon_lock(silent.state):
        text = " ".join(silent.run("status").stdout.split())
        told = json.loads(silent.run("status", "--format", "json").stdout)["last_cycle"]
    assert "last cycle cut short 14:45, 1 min ago, after 4.0 s; it did not come as far as" in text
    assert "stopped the provider does not answer" in text
    assert "accounts read" not in text
    assert "transfers: none" not in text
    assert (told["accounts"], told["accounts_read"], told["unreadable"]) == (None, None, None)


def test_a_daemon_whose_cycles_are_all_cut_short_does_not_do_its_work(
    silent: Site, said: Ledger
) -> None:
    last = standing(observation_of(fleet(12))).last
    assert last is not None
    for hours, code in ((0, 0), (9, 1)):
        ended = NOW - timedelta(hours=hours)
        before = replace(last, ended_at=ended).after(None)
        refused = cut_short("c2", NOW, NOW, "the credential is refused").after(before)
        say(said, last=cut_short("c3", NOW, NOW, "the credential is refused").after(refused))
        with daemon_lock(silent.state):
            result = silent.run("status")
        assert result.exit_code == code
        assert ("has done its work for too long" in result.stdout) is bool(code)


def test_machines_get_the_same(silent: Site, said: Ledger) -> None:
    with daemon_lock(silent.state):
        result = silent.run("status", "--format", "json")
    told = json.loads(result.stdout)
    assert told["format"] == "budgetd.status/1"
    assert (told["running"], told["late"], told["well"]) == (True, False, True)
    assert told["policies"]["refused"] is False
    assert told["last_cycle"]["moved"] == {"allocate cash": "3600.00", "reclaim cash": "4800.00"}
    assert [funds["available"] for funds in told["master"]] == ["100000.00", None, None]
    assert [one["id"] for one in told["proposals"]] == ["p-0123456789abcdef"]
    assert [one["state"] for one in told["doubts"]] == ["in_doubt"]
    assert len(told["transfers"]) == 4
    assert told["next"][0] == {"what": "production/running-low", "at": "2026-11-30T15:00:00Z"}


def test_hostile_names_do_nothing_to_the_terminal(silent: Site, said: Ledger) -> None:
    text = silent.run("status").stdout
    assert not [one for one in text if (not one.isprintable() and one != "\n")]
    assert r"x\x1b[31m" in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_the_screen(
    silent: Site, said: Ledger, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoneinfo import ZoneInfo

    from budgetd.report.screen import Screen

    narrow = Screen(width=width, zone=ZoneInfo("UTC"))
    monkeypatch.setattr("budgetd.cli.status.screen_of", lambda _zone: narrow)
    lines = silent.run("status").stdout.splitlines()
    assert max(map(cell_len, lines)) <= width


def test_it_answers_within_a_second_beside_a_writer(silent: Site, said: Ledger) -> None:
    with daemon_lock(silent.state), said.writing():
        begun = time.monotonic()
        process = silent.start("status", "--format", "json")
        out, _ = process.communicate(timeout=30)
        took_s = time.monotonic() - begun
    assert json.loads(out)["running"] is True
    # A fifth of it here; two cores may be busy with other tests.
    assert took_s < 5
