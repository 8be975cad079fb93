"""What a person says to budgetd: pause and resume, approve and reject, as scripts meet them."""

import json
import os
import pty
import threading
from datetime import timedelta
from typing import Any

import pytest

from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import POLICY, Site
from .test_plan_and_apply import AFTER, BEFORE, cash, posts, refused
from .test_processes import wait_for

ASKING = "approval_above: 1000.00"


pytestmark = pytest.mark.usefixtures("operator")


def pauses(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        site.run("resume", "nobody/at-all", "--format", "json").stdout
    )["pauses"]
    return found


def proposals(site: Site) -> list[dict[str, Any]]:
    result = site.run("approve", "--format", "json")
    assert result.exit_code == 0
    found: list[dict[str, Any]] = json.loads(result.stdout)["proposals"]
    return found


# Pauses


def test_a_pause_holds_everything_until_it_is_resumed(site: Site, running: RunningSandbox) -> None:
    told = site.run("pause", "--reason", "month-end audit")
    assert told.exit_code == 0, told.output
    assert "paused   everything" in told.stdout
    assert "by operator, until it is resumed" in told.stdout
    assert site.run("apply", "--yes").exit_code == 0
    assert "paused: month-end audit" in site.run("plan").stdout
    assert cash(running) == BEFORE
    assert "resumed  everything" in site.run("resume").stdout
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(running) == AFTER


@pytest.mark.parametrize("name", ["p", "p/up"])
def test_a_policy_or_a_rule_can_be_paused_alone(
    site: Site, running: RunningSandbox, name: str
) -> None:
    assert site.run("pause", name).exit_code == 0
    site.run("apply", "--yes")
    moved = BEFORE if name == "p" else BEFORE | {"idle": 200_00, "master": 107_800_00}
    assert cash(running) == moved
    assert site.run("resume", "p").exit_code == 0
    site.run("apply", "--yes")
    assert cash(running) == AFTER


def test_an_account_can_be_paused_by_its_id_and_once_it_was_moved_by_its_name(
    site: Site, running: RunningSandbox
) -> None:
    found = {one.display_name: one for one in running.sandbox.book.accounts.values()}
    web = found["prod-web"]
    refused(site.run("pause", "--account", web.name), 2, "give its id of 32 hex digits")
    assert site.run("pause", "--account", web.id).exit_code == 0
    site.run("apply", "--yes")
    assert cash(running)["prod-web"] == 10_00
    assert cash(running)["prod-db"] == 2000_00
    refused(site.run("pause", "--account", "acme_prod_dbb"), 2, "did you mean acme_prod_db?")
    told = site.run("pause", "--account", "acme_prod_db")
    assert "account acme_prod_db (" in told.stdout
    assert site.run("resume", "--account", web.id).exit_code == 0
    assert [one["account_id"] for one in pauses(site)] == [found["prod-db"].id]
    site.run("apply", "--yes")
    assert cash(running)["prod-web"] == 2000_00


def test_an_account_that_was_only_proposed_for_is_known_by_its_name(site: Site) -> None:
    site.write(limits=ASKING)
    site.run("apply", "--yes")
    assert "account acme_prod_web (" in site.run("pause", "--account", "acme_prod_web").stdout


def test_names_and_reasons_are_kept_harmless(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "op\x1b[31mer")
    site.run("pause", "--reason", "a\n\x1b[31mb\u202ec")
    (pause,) = pauses(site)
    assert (pause["by"], pause["reason"]) == ("op\\x1b[31mer", "a \\x1b[31mb\\u202ec")


def test_a_pause_ends_by_itself_when_its_time_is_over(site: Site, passing: RunningSandbox) -> None:
    until = passing.sandbox.clock.now() + timedelta(hours=2)
    told = site.run("pause", "--until", f"{until:%Y-%m-%d %H:%M}")
    assert f"until {until:%Y-%m-%d %H:%M}" in told.stdout
    site.run("apply", "--yes")
    assert f"paused until {until:%H:%M}" in site.run("plan").stdout or until.hour < 2
    assert cash(passing) == BEFORE
    passing.sandbox.clock.advance(timedelta(hours=2))
    assert pauses(site) == []
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing) == AFTER


def test_a_pause_stops_a_cycle_that_is_under_way_before_its_next_sending(
    site: Site, running: RunningSandbox
) -> None:
    running.sandbox.slow_s = 0.9
    running.sandbox.faults.order(FaultOrder(kind=FaultKind.SLOW, method="POST"))
    process = site.start("apply", "--yes")
    wait_for(lambda: len(running.sandbox.book.moves) == 1)
    assert site.run("pause", "--reason", "stop").exit_code == 0
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert posts(running) == 1
    assert told.count("held: paused; stop") == 2
    assert site.states() == ["settled"]


def test_a_shorter_pause_says_that_a_longer_one_is_in_force(site: Site) -> None:
    site.run("pause")
    told = site.run("pause", "p/up", "--until", "2199-01-01")
    assert "an earlier pause holds the same for longer" in told.stderr
    assert len(pauses(site)) == 2
    assert "paused already" in site.run("pause").stderr
    assert len(pauses(site)) == 2
    assert "still in force" in site.run("resume", "p").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pause", "p/ups"), "did you mean p/up"),
        (("pause", "zzzzzzz"), "there are p, p/up, p/home"),
        (("pause", "--until", "soon"), "--until: expected a time like"),
        (("pause", "--until", "2020-01-01"), "is over"),
        (("pause", "--reason", "x" * 501), "at most 500"),
        (("pause", "--account", "web"), "the ledger knows no account"),
    ],
)
def test_a_pause_of_what_is_not_there_exits_2(
    site: Site, arguments: tuple[str, ...], words: str
) -> None:
    refused(site.run(*arguments), 2, words)
    assert pauses(site) == []


def test_broken_policies_stop_no_pause(site: Site) -> None:
    site.write(policy=POLICY.replace("500.00", "5e2"))
    assert site.run("pause").exit_code == 0
    told = site.run("pause", "p/up")
    assert told.exit_code == 0
    assert "the name was not checked" in told.stderr


def test_a_latched_pause_ends_by_a_reason_alone(site: Site, running: RunningSandbox) -> None:
    site.run("pause", "p/up")
    with_ledger = Ledger(site.state, may_write=True)
    with with_ledger.writing():
        with_ledger.latch("transfer ffff moved twice", running.sandbox.clock.now())
    with_ledger.close()
    refused(site.run("resume"), 2, "nothing was resumed")
    told = site.run("resume", "--reason", " ")
    assert told.exit_code == 2
    assert "transfer ffff moved twice" in told.stdout
    assert "p/up" not in told.stdout
    assert len(pauses(site)) == 2
    site.run("apply", "--yes")
    assert cash(running) == BEFORE
    assert site.run("resume", "--reason", "looked: a person's own move").exit_code == 0
    assert pauses(site) == []
    site.run("apply", "--yes")
    assert cash(running) == AFTER


def test_with_nothing_paused_resume_says_so(site: Site) -> None:
    assert site.run("resume").stdout == "Nothing is paused.\n"
    assert not site.state.exists()
    site.run("pause", "p/up")
    assert "No such pause is in force." in site.run("resume", "p/home").stdout


def test_a_pause_under_dry_run_is_kept(site: Site) -> None:
    site.write(mode="dry_run")
    assert "nothing moves anyway" in site.run("pause").stderr
    assert len(pauses(site)) == 1


# Proposals


def test_an_approved_proposal_is_carried_out_once_by_the_next_cycle(
    site: Site, running: RunningSandbox
) -> None:
    site.write(limits=ASKING)
    assert site.run("approve").stdout == "No proposal waits.\n"
    assert site.run("apply", "--yes").exit_code == 5
    assert cash(running) == BEFORE
    waiting = proposals(site)
    assert [one["state"] for one in waiting] == ["open"] * 3
    listed = site.run("approve").stdout
    assert "asked because: above approval_above" in listed
    assert "acme_prod_web" in listed
    one = next(one for one in waiting if "1990.00" in json.dumps(one))
    name = str(one["id"])
    refused(site.run("approve", name), 2, "say --yes")
    told = site.run("approve", name[:9], "--yes", "--reason", "looked at it")
    assert told.exit_code == 0, told.output
    assert "+1,990.00" in told.stdout
    assert "approved by operator" in told.stderr
    assert cash(running) == BEFORE
    assert "approved by operator" in site.run("approve", name, "--yes").stderr
    assert site.run("apply", "--yes").exit_code == 5
    assert cash(running) == BEFORE | {"prod-web": 2000_00, "master": 101_010_00}
    assert "carried out" in site.run("approve", name, "--yes").stderr
    site.run("apply", "--yes")
    assert posts(running) == 1
    (transfer,) = json.loads(site.run("transfers", "list", "--format", "json").stdout)["transfers"]
    life = site.run("transfers", "show", transfer["id"]).stdout
    assert f"approved by operator (proposal {name})" in life


def test_an_approval_never_moves_more_than_was_shown(site: Site, running: RunningSandbox) -> None:
    site.write(limits=ASKING)
    site.run("apply", "--yes")
    name = next(str(one["id"]) for one in proposals(site) if "1500.01" in json.dumps(one))
    assert site.run("approve", name, "--yes", "--format", "json").exit_code == 0
    book = running.sandbox.book
    found = {one.display_name: one for one in book.accounts.values()}
    book.spend(found["prod-db"].id, 400_00, running.sandbox.clock.now())
    site.run("apply", "--yes")
    assert cash(running)["prod-db"] == 499_99 - 400_00 + 1500_01


def test_a_proposal_that_changed_since_it_was_shown_is_not_approved(
    site: Site, running: RunningSandbox
) -> None:
    site.write(limits=ASKING)
    site.run("apply", "--yes")
    name = next(str(one["id"]) for one in proposals(site) if "1500.01" in json.dumps(one))
    ours, theirs = pty.openpty()
    process = site.start("approve", name, stdin=theirs)
    try:
        assert process.stderr is not None
        asked = process.stderr.read(len("Approve it? [yes/NO] "))
        assert asked == "Approve it? [yes/NO] "
        book = running.sandbox.book
        found = {one.display_name: one for one in book.accounts.values()}
        book.spend(found["prod-db"].id, 100_00, running.sandbox.clock.now())
        site.run("apply", "--yes")
        threading.Timer(0.1, os.write, (ours, b"yes\n")).start()
        assert process.wait(timeout=30) == 1
        assert "has changed since it was shown" in process.stderr.read()
    finally:
        os.close(ours)
        os.close(theirs)
        process.kill()
        process.communicate()
    assert {one["state"] for one in proposals(site)} == {"open"}


def test_a_rejected_proposal_moves_nothing(site: Site, running: RunningSandbox) -> None:
    site.write(limits=ASKING)
    site.run("apply", "--yes")
    names = [str(one["id"]) for one in proposals(site)]
    for name in names:
        told = site.run("reject", name, "--reason", "not now")
        assert told.exit_code == 0
        assert "rejected by operator" in told.stderr
    assert proposals(site) == []
    refused(site.run("approve", names[0], "--yes"), 2, "not open any more: rejected by operator")
    assert cash(running) == BEFORE


def test_a_proposal_expires(site: Site, passing: RunningSandbox) -> None:
    site.write(limits=ASKING)
    site.run("apply", "--yes")
    name = str(proposals(site)[0]["id"])
    assert site.run("approve", name, "--yes").exit_code == 0
    passing.sandbox.clock.advance(timedelta(hours=25))
    assert proposals(site) == []
    refused(site.run("reject", "p-0000"), 2, "no proposal p-0000 waits")
    site.run("apply", "--yes")
    assert cash(passing) == BEFORE


def test_a_withheld_batch_is_one_proposal_and_a_pause_holds_it(
    site: Site, running: RunningSandbox
) -> None:
    site.write(limits="per_cycle: {amount: 3000.00}")
    assert site.run("apply", "--yes").exit_code == 5
    batch = next(one for one in proposals(site) if one["rule"] == "p/up")
    assert sorted(one["amount"] for one in batch["transfers"]) == ["1500.01", "1990.00"]
    site.run("pause", "p/up", "--reason", "a look first")
    told = site.run("approve", str(batch["id"]), "--yes")
    assert "over limits.per_cycle.amount" in told.stdout
    assert "paused: p/up: a look first" in told.stdout
    site.run("apply", "--yes")
    assert cash(running)["prod-web"] == 10_00
    site.run("resume")
    site.run("apply", "--yes")
    assert cash(running) == BEFORE | {
        "prod-web": 2000_00,
        "prod-db": 2000_00,
        "master": 99_509_99,
    }


def test_what_only_a_plan_shows_cannot_be_approved_and_nothing_proposed_is_said(
    site: Site,
) -> None:
    refused(site.run("approve", "p-1", "--yes"), 2, "nothing was ever proposed")
    refused(site.run("reject", "p-1"), 2, "nothing was ever proposed")
    site.run("pause")
    refused(site.run("approve", "p-1", "--yes"), 2, "kept by the next `budgetd apply`")
