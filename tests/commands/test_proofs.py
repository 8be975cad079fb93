"""`transfers prove` and `resolve`: what is known of a transfer, by each way of knowing it."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Instrument, Kind, Move
from budgetd.sandbox.running import RunningSandbox

from .site import Site
from .test_plan_and_apply import AFTER, BEFORE, CREDIT, cash, refused

pytestmark = pytest.mark.usefixtures("operator")
DEAD = timedelta(minutes=46)
WEB_ONLY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {name: acme_prod_web}
    top_up: {when: {below: 500.00}, to: 2000.00}
"""
DB_ONLY = WEB_ONLY.replace("prod_web", "prod_db").replace("name: up", "name: db")


def ids(site: Site, *options: str) -> list[str]:
    listed = site.run("transfers", "list", "--format", "json", *options).stdout
    return [str(one["id"]) for one in json.loads(listed)["transfers"]]


def proof(site: Site, name: str) -> dict[str, Any]:
    """The proof for machines; the one for people says the same, its times in the zone of the
    config, which is UTC here."""
    result = site.run("transfers", "prove", name, "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    told = " ".join(site.run("transfers", "prove", name).stdout.split())
    for text in (found["proves"], found["leaves_open"]):
        assert re.sub(r"(:\d\d)Z", r"\1", " ".join(text.split())) in told
    assert all(one["holds"] for one in found["checks"])
    return found


def lose(running: RunningSandbox, kind: FaultKind, **fields: Any) -> None:
    running.sandbox.faults.order(FaultOrder(kind=kind, method="POST", **fields))


def by_hand(running: RunningSandbox, minor: int) -> None:
    """Somebody moves so much to another account in the console."""
    book = running.sandbox.book
    idle = next(one for one in book.accounts.values() if one.display_name == "idle")
    move = Move(
        kind=Kind.ALLOCATE,
        customer_id=idle.id,
        instrument=Instrument.CASH,
        amount=minor,
        by_hand=True,
    )
    book.move(move, running.sandbox.clock.now())


def test_an_answered_transfer_is_proven_by_its_answer(site: Site) -> None:
    site.write(policy=WEB_ONLY)
    site.run("apply", "--yes")
    (name,) = ids(site)
    found = proof(site, name)
    assert found["basis"] == "answer"
    assert found["transfer"]["attempts"][0]["body_sha256"] == found["body_sha256"]
    assert found["reading_before"]["value"] == "10.00"
    assert found["reading_after"]["value"] == "2000.00"
    assert found["alike"] == []
    assert "Attempt 1 was answered 204" in found["proves"]


def test_a_lost_answer_is_proven_by_the_key_and_a_reading(
    site: Site, running: RunningSandbox
) -> None:
    site.write(policy=WEB_ONLY)
    lose(running, FaultKind.LOST_AFTER)
    assert site.run("apply", "--yes").exit_code == 0
    found = proof(site, ids(site)[0])
    assert found["basis"] == "key_and_reading"
    assert "went from 10.00 to 2000.00" in found["proves"]


def test_a_refused_transfer_is_proven_by_its_refusal(site: Site) -> None:
    site.write(policy=CREDIT)
    assert site.run("apply", "--yes").exit_code == 4
    assert proof(site, ids(site)[0])["basis"] == "refusal"


def seen_working(site: Site, passing: RunningSandbox) -> None:
    """One settled transfer of another amount, whose record was found."""
    site.write(policy=DB_ONLY, resend="never")
    assert site.run("apply", "--yes").exit_code == 0
    passing.sandbox.clock.advance(DEAD)
    assert site.run("apply", "--yes").exit_code == 0
    assert proof(site, ids(site)[0])["transfer"]["record"] is not None


@pytest.mark.parametrize(
    ("kind", "state", "basis"),
    [
        (FaultKind.LOST_AFTER, "settled", "count"),
        (FaultKind.LOST_BEFORE, "void", "no_record"),
    ],
)
def test_what_nobody_answered_is_proven_by_the_records_after_the_dead_time(
    site: Site, passing: RunningSandbox, kind: FaultKind, state: str, basis: str
) -> None:
    seen_working(site, passing)
    site.write(policy=WEB_ONLY, resend="never")
    lose(passing, kind)
    assert site.run("apply", "--yes").exit_code == 7
    (name,) = ids(site, "--open")
    assert proof(site, name)["basis"] == "doubt"
    early = site.run("transfers", "resolve", name, "--void", "--reason", "I think so", "--yes")
    refused(early, 2, "may still move: the next cycle after")
    passing.sandbox.clock.advance(DEAD)
    site.run("apply", "--yes")
    found = proof(site, name)
    assert (found["transfer"]["state"], found["basis"]) == (state, basis)
    assert "No transfer is open." in site.run("transfers", "list", "--open").stdout


def test_a_person_decides_what_no_evidence_can(site: Site, passing: RunningSandbox) -> None:
    site.write(policy=WEB_ONLY, resend="never")
    lose(passing, FaultKind.LOST_BEFORE)
    by_hand(passing, 1990_00)
    assert site.run("apply", "--yes").exit_code == 7
    by_hand(passing, 1990_00)
    (name,) = ids(site, "--open")
    passing.sandbox.clock.advance(DEAD)
    site.run("apply", "--yes")
    passing.sandbox.clock.advance(timedelta(minutes=6))
    assert site.run("apply", "--yes").exit_code == 7
    found = proof(site, name)
    assert (found["transfer"]["state"], found["basis"]) == ("needs_human", "needs_human")
    told = ("transfers", "resolve", name, "--void", "--reason", "the member says that nothing came")
    refused(site.run(*told), 2, "say --yes")
    site.write(policy=WEB_ONLY, resend="never", mode="dry_run")
    refused(site.run(*told, "--yes"), 5, "no transfer is changed")
    site.write(policy=WEB_ONLY, resend="never")
    result = site.run(*told, "--yes")
    assert result.exit_code == 0, result.output
    assert "is void, by the word of operator" in result.stdout
    assert proof(site, name)["basis"] == "person"
    assert "(decided by operator)" in site.run("transfers", "show", name).stdout
    refused(site.run(*told, "--yes"), 2, "that is final")
    assert cash(passing)["prod-web"] == 10_00
    passing.sandbox.clock.advance(timedelta(hours=1))
    # The records made by hand fit what is void: a person has to say that they are no move of ours.
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 10_00
    assert site.run("resume", "--reason", "both were made by hand").exit_code == 0
    assert site.run("apply", "--yes").exit_code == 0
    assert cash(passing)["prod-web"] == 2000_00


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("prove", "ffff"), "there is no transfer ffff"),
        (("resolve", "ffff", "--void", "--reason", "x"), "there is no transfer ffff"),
        (("resolve", "ffff", "--reason", "x"), "say --settled"),
        (("resolve", "ffff", "--void"), "--reason"),
        (("resolve", "ffff", "--void", "--reason", " "), "say how that is known"),
    ],
)
@pytest.mark.parametrize("has_state", [False, True])
def test_what_is_not_there_exits_2(
    site: Site, running: RunningSandbox, arguments: tuple[str, ...], words: str, has_state: bool
) -> None:
    if has_state:
        site.run("apply", "--yes")
    refused(site.run("transfers", *arguments), 2, words)
    assert cash(running) == (AFTER if has_state else BEFORE)
