"""`backtest` as a person meets it: recorded days, replayed through other policies."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from budgetd.clock import now
from budgetd.core.decisions.deciding import MASTER
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import from_minor
from budgetd.core.observation import Sample
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger
from budgetd.ledger.thinning import Retention, thin
from budgetd.sandbox.running import RunningSandbox

from .site import POLICY, Site
from .test_diff import folder
from .test_plan_and_apply import BEFORE, cash, refused

DAYS = 10
LATER = POLICY.replace("below: 500.00}, to: 2000.00", "below: 300.00}, to: 2000.00")


def recorded(
    site: Site, *, is_packed: bool = True, ago: timedelta = timedelta(days=DAYS, hours=8)
) -> datetime:
    """Ten days of one account that spends 100.00 a day from 1,150.00 on; when they began."""
    fleet = site.home / "fleet.json"
    fleet.write_text(site.run("accounts", "--format", "json").stdout)
    ids = {one["name"]: one["id"] for one in json.loads(fleet.read_text())["accounts"]}
    unit = Unit(account_id=ids["acme_prod_web"], instrument=Instrument.CASH)
    begins = now().replace(minute=0, second=0, microsecond=0) - ago
    ledger = Ledger(site.state, may_write=True)
    quarter, spent = timedelta(minutes=15), 10_000
    found = (
        (unit, Sample(begins + quarter * n, from_minor(115_000 - n * spent // 96)))
        for n in range(DAYS * 96)
    )
    keep_readings(ledger, found)
    while is_packed and thin(ledger, now(), Retention()):
        pass
    ledger.close()
    return begins


def test_other_policies_are_shown_beside_what_happened(site: Site, running: RunningSandbox) -> None:
    recorded(site)
    old, new = str(site.home / "policies"), folder(site, LATER)
    result = site.run("backtest", "--policies", old, "--policies", new, "--format", "json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["name"] for one in told["results"]] == ["recorded", old, new]
    happened, first, second = told["results"]
    assert (happened["transfers"], happened["asked"]) == (0, None)
    # It falls below 500.00 after 6.5 days, and below 300.00 after 8.5.
    assert happened["below_trigger"] == {
        "seconds": pytest.approx(3.5 * 86400, abs=2000),
        "accounts": 1,
    }
    moved = [{"instrument": "cash", "direction": "allocate", "transfers": 1}]
    for one, least in ((first, Decimal("1500.00")), (second, Decimal("1700.00"))):
        amount = Decimal(one["moved"][0].pop("amount"))
        assert least < amount < least + 2
        assert one["moved"] == moved
        assert one["peak_draw"] == f"{amount:.2f}"
    assert first["below_trigger"] == {"seconds": 0, "accounts": 0}
    assert first["days"][-1]["draw"] == first["peak_draw"]
    assert cash(running) == BEFORE


def test_packed_readings_and_rows_are_replayed_alike(site: Site) -> None:
    recorded(site, is_packed=False)
    before = site.run("backtest", "--format", "json").stdout
    ledger = Ledger(site.state, may_write=True)
    while thin(ledger, now(), Retention()):
        pass
    ledger.close()
    assert json.loads(before) == json.loads(site.run("backtest", "--format", "json").stdout)


def test_readings_that_were_thinned_are_replayed_as_rarely_as_they_are_kept(site: Site) -> None:
    begins = recorded(site, ago=timedelta(days=40))
    window = ("--from", str(begins.date()), "--to", str((begins + timedelta(days=DAYS)).date()))
    told = json.loads(site.run("backtest", *window, "--format", "json").stdout)
    assert told["cycles"] == told["readings"] == DAYS * 24
    configured = told["results"][1]
    assert [one["transfers"] for one in configured["moved"]] == [1]
    assert Decimal("1500.00") < Decimal(configured["moved"][0]["amount"]) < Decimal("1505.00")


def test_the_window_is_what_was_asked_for_as_far_as_anything_was_read(site: Site) -> None:
    begins = recorded(site)
    day = (begins + timedelta(days=5)).date()
    result = site.run("backtest", "--from", f"{day}", "--to", f"{day}", "--format", "json")
    told = json.loads(result.stdout)
    assert told["from"] == f"{day}T00:00:00Z"
    assert told["to"] == f"{day}T23:45:00Z"
    assert told["readings"] == 96
    whole = json.loads(site.run("backtest", "--format", "json").stdout)
    assert whole["from"] == begins.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_fleet_in_a_file_needs_no_provider(site: Site, running: RunningSandbox) -> None:
    recorded(site)
    seen = len(running.sandbox.seen)
    result = site.run("backtest", "--snapshot", str(site.home / "fleet.json"))
    assert result.exit_code == 0, result.output
    assert "configured" in result.stdout
    assert len(running.sandbox.seen) == seen


def test_text_can_be_written_to_a_file(site: Site) -> None:
    recorded(site)
    out = site.home / "told.txt"
    result = site.run("backtest", "--out", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "below trigger" in out.read_text()


def test_a_cycle_keeps_what_the_master_had_and_a_replay_gives_no_more(
    site: Site, running: RunningSandbox
) -> None:
    begins = recorded(site)
    assert site.run("apply", "--yes").exit_code == 0
    told = json.loads(site.run("backtest", "--format", "json").stdout)
    # It was read in the last cycle alone; before that it has what is asked.
    assert told["master_recorded_since"] > told["from"]
    assert Decimal(told["results"][1]["peak_draw"]) > 1500
    master = Unit(account_id=MASTER.id, instrument=Instrument.CASH)
    ledger = Ledger(site.state, may_write=True)
    keep_readings(ledger, [(master, Sample(begins, from_minor(21_000)))])
    ledger.close()
    told = json.loads(site.run("backtest", "--format", "json").stdout)
    # 10.00 are in reserve.
    assert told["results"][1]["peak_draw"] == "200.00"
    assert told["results"][1]["asked"]["holds"]["master_short"] >= 1


def test_what_cannot_be_replayed_is_said_and_nothing_is_made_up(site: Site) -> None:
    refused(site.run("backtest"), 2, "nothing was ever recorded")
    recorded(site)
    refused(site.run("backtest", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "--from must be")
    refused(site.run("backtest", "--from", "soon"), 2, "--from: expected a time")
    refused(site.run("backtest", "--to", "2020-01-31"), 2, "no reading of an account")
    refused(site.run("backtest", "--policies", "nowhere"), 2, "no such folder or file")
    wrong = folder(site, POLICY.replace("500.00", "5e2"))
    good = str(site.home / "policies")
    refused(site.run("backtest", "--policies", good, "--policies", wrong), 2, "exponents are not")
