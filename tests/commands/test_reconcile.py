"""`reconcile`: the ledger, the provider's records and the readings, compared."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox

from .site import Site
from .test_plan_and_apply import AFTER, cash, posts
from .test_proofs import DEAD, WEB_ONLY, by_hand, ids, lose, seen_working

MINUTE = timedelta(minutes=1)


def reconciled(site: Site, *options: str, code: int = 0) -> dict[str, Any]:
    """The comparison for machines; the one for people ends alike."""
    result = site.run("reconcile", "--format", "json", *options)
    assert result.exit_code == code, result.output
    told = site.run("reconcile", *options)
    assert told.exit_code == code
    assert "\x1b" not in told.stdout
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def findings(found: dict[str, Any]) -> list[str]:
    return sorted(str(one["finding"]) for one in found["discrepancies"])


def test_without_a_ledger_every_record_is_external_and_nothing_is_written(
    site: Site, running: RunningSandbox
) -> None:
    site.write(mode="dry_run")
    assert reconciled(site)["discrepancies"] == []
    by_hand(running, 300_00)
    found = reconciled(site)
    assert findings(found) == ["external"]
    record = found["discrepancies"][0]["record"]
    assert (record["amount"], record["direction"], record["instrument"]) == (
        "300.00",
        "allocate",
        "cash",
    )
    assert not site.state.exists()


def test_our_own_moves_are_confirmed_and_a_hand_in_the_console_is_told(
    site: Site, passing: RunningSandbox
) -> None:
    site.run("apply", "--yes")
    by_hand(passing, 77_00)
    found = reconciled(site)
    assert (found["confirmed"], found["awaited"], found["records"]["cash"]) == (3, 0, 4)
    assert findings(found) == ["external"]
    told = site.run("reconcile").stdout
    assert "3 transfers confirmed by a record each" in told
    assert "77.00 of cash to an account" in told
    assert "Nothing contradicts the ledger." in told
    assert posts(passing) == 3
    assert cash(passing) == AFTER | {"idle": 277_00, "master": 104_309_99 - 77_00}


def test_money_from_elsewhere_shows_in_the_readings(site: Site, passing: RunningSandbox) -> None:
    site.run("apply", "--yes")
    passing.sandbox.clock.advance(60 * MINUTE)
    site.run("apply", "--yes")
    by_hand(passing, 77_00)
    passing.sandbox.clock.advance(15 * MINUTE)
    site.run("apply", "--yes")
    (rise,) = reconciled(site)["rises"]
    assert (rise["account"]["name"], rise["amount"]) == ("acme_idle", "77.00")
    assert "acme_idle got 77.00 of cash between" in site.run("reconcile").stdout


def test_doubt_exits_7_and_says_until_when(site: Site, running: RunningSandbox) -> None:
    site.write(policy=WEB_ONLY, resend="never")
    lose(running, FaultKind.LOST_AFTER)
    site.run("apply", "--yes")
    found = reconciled(site, code=7)
    assert [one["transfer"] for one in found["in_doubt"]] == ids(site, "--open")
    assert findings(found) == []


def test_a_record_that_fits_a_settled_transfer_a_second_time_exits_1(
    site: Site, running: RunningSandbox
) -> None:
    site.write(policy=WEB_ONLY)
    site.run("apply", "--yes")
    by_hand(running, 1990_00)
    found = reconciled(site, code=1)
    assert findings(found) == ["doubled"]
    assert found["discrepancies"][0]["transfer"] == ids(site)[0]
    assert "Say `budgetd pause` now" in site.run("reconcile").stdout


def test_a_record_that_fits_a_void_transfer_exits_1(site: Site, passing: RunningSandbox) -> None:
    seen_working(site, passing)
    site.write(policy=WEB_ONLY, resend="never")
    lose(passing, FaultKind.LOST_BEFORE)
    begun = passing.sandbox.clock.now()
    site.run("apply", "--yes")
    (name,) = ids(site, "--open")
    passing.sandbox.clock.advance(DEAD)
    site.run("apply", "--yes")
    book = passing.sandbox.book
    ours = next(one for one in book.records if one.owner_id == book.master.id)
    late = replace(ours, serial=book.next_serial(), at=begun + MINUTE, amount=-1990_00)
    book.records.append(late)
    found = reconciled(site, code=1)
    assert findings(found) == ["contradicted"]
    assert found["discrepancies"][0]["transfer"] == name


def test_a_settled_transfer_whose_record_is_missing_is_told_once_records_work(
    site: Site, passing: RunningSandbox
) -> None:
    site.run("apply", "--yes")
    passing.sandbox.clock.advance(46 * MINUTE)
    records = passing.sandbox.book.records
    del records[:2]
    found = reconciled(site)
    assert findings(found) == ["unrecorded"]
    assert found["confirmed"] == 2
    told = site.run("reconcile").stdout
    assert "without a record: " in told
    assert "should have its record by now" in told


def test_the_window_is_what_was_asked_for(site: Site, passing: RunningSandbox) -> None:
    by_hand(passing, 50_00)
    passing.sandbox.clock.advance(timedelta(days=2))
    assert findings(reconciled(site)) == []
    assert findings(reconciled(site, "--days", "3")) == ["external"]


def test_records_that_cannot_be_read_exit_1(site: Site, running: RunningSandbox) -> None:
    path = "/account-change-records"
    order = FaultOrder(kind=FaultKind.MALFORMED, method="GET", path=path, times=99)
    running.sandbox.faults.order(order)
    told = site.run("reconcile")
    assert told.exit_code == 1
    assert "unread: records of cash: " in told.stdout
    assert "What could not be read was not compared." in told.stdout


@pytest.mark.parametrize("days", ["0", "91", "x"])
def test_a_window_that_is_none_exits_2(site: Site, days: str) -> None:
    assert site.run("reconcile", "--days", days).exit_code == 2
