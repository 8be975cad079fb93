"""A daemon knows what accounts burn from the readings it kept, and acts on their runways."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from budgetd.clock import now
from budgetd.core.observation import Sample
from budgetd.ledger.readings import keep_readings, newest
from budgetd.ledger.store import Ledger

from .running import Running
from .site import Site

POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {name: acme_prod_web}
    top_up: {when: {runway_below: 20d}, to: {runway: 30d, at_most: 5000.00}}
"""
POLLING = "polling: {max_staleness: 4s, act_within: 2s}\n"
DAYS = 10
A_DAY = Decimal(24)

pytestmark = pytest.mark.usefixtures("operator")


def remember(site: Site) -> None:
    """Gives what was read a past: ten days in which a coin an hour was spent."""
    ledger = Ledger(site.state, may_write=True)
    at = now()
    try:
        for unit, sample in newest(ledger).items():
            hours = range(1, DAYS * 24)
            past = [
                Sample(at - timedelta(hours=hour), sample.value + A_DAY / 24 * hour)
                for hour in hours
            ]
            keep_readings(ledger, [(unit, one) for one in past])
    finally:
        ledger.close()


def forget(site: Site) -> None:
    """As if six hours had passed: a burn that was looked for just now is not looked for again."""
    ledger = Ledger(site.state, may_write=True)
    ledger.connection.execute("DELETE FROM forecast")
    ledger.close()


def test_a_daemon_tops_up_by_runway_once_it_knows_the_burn(site: Site) -> None:
    site.write(policy=POLICY)
    config = Path(site.config)
    config.write_text(config.read_text() + POLLING)
    with Running(config) as daemon:
        ended = daemon.wait_for("cycle_ended")
        assert ended["held"] == {"no_burn": 1}
        daemon.stop()
    remember(site)
    forget(site)
    with Running(config) as daemon:
        moved = daemon.wait_for("transfer_ended")
        daemon.stop()
    assert moved["rule"] == "p/up"
    assert moved["state"] == "settled"
    assert Decimal(700) < Decimal(moved["amount"]) < Decimal(750)
    told = json.loads(site.run("status", "--format", "json").stdout)
    worst = told["worst"][0]
    assert worst["account"]["name"].endswith("acme_prod_web")
    assert worst["kept_until"] == "master"
    # 100,000.00 at 24.00 a day: longer than is looked ahead.
    assert worst["kept_s"] == {"low": None, "middle": None, "high": None}
    assert "with the rules" in " ".join(site.run("status").stdout.split())


def test_where_no_daemon_runs_an_apply_finds_what_is_spent_for_the_next_one(site: Site) -> None:
    site.write(policy=POLICY)
    assert site.run("apply", "--yes").exit_code == 0
    assert site.states() == []
    remember(site)
    forget(site)
    assert site.run("apply", "--yes").exit_code == 0
    assert site.states() == []
    assert site.run("apply", "--yes").exit_code == 0
    assert site.states() == ["settled"]


def test_recorded_readings_decide_by_runway_what_live_ones_did(site: Site) -> None:
    site.write(policy=POLICY)
    assert site.run("apply", "--yes").exit_code == 0
    remember(site)
    forget(site)
    assert site.run("apply", "--yes").exit_code == 0
    live = decided(site)
    assert [one["rule"] for one in live[0]] == ["p/up"]
    snapshot = site.home / "fleet.json"
    snapshot.write_text(site.run("accounts", "--format", "json").stdout)
    # What is known here now is not what was known when the fleet was read.
    forget(site)
    assert decided(site, "--snapshot", str(snapshot)) == live
    assert decided(site) != live


def test_how_long_money_lasts_is_told_with_and_without_the_rules(site: Site) -> None:
    site.write(policy=POLICY)
    assert site.run("apply", "--yes").exit_code == 0
    remember(site)
    forget(site)
    assert site.run("apply", "--yes").exit_code == 0
    # 100,000.00 less a reserve of 10.00, at 24.00 a day.
    lasts = "The master's cash less the reserve lasts 4,1"
    for command in (("accounts",), ("plan",), ("plan", "--format", "markdown")):
        told = " ".join(site.run(*command).stdout.replace("&", " ").split())
        assert "at the burn of the account that it feeds" in told, command
        assert "for ever" in told or lasts in told, command
    (row,) = [
        one
        for one in json.loads(site.run("accounts", "--format", "json").stdout)["accounts"]
        if one["name"] == "acme_prod_web"
    ]
    alone, kept = row["ahead"]["runway_s"], row["ahead"]["kept_s"]
    assert row["ahead"]["kept_until"] == "master"
    assert kept["low"] is None or kept["low"] > alone["high"]
    one = site.run("accounts", "--account", "acme_prod_web").stdout
    assert "with rules" in one
    assert "with the rules for ever" in site.run("explain", "acme_prod_web").stdout
    explained = json.loads(site.run("explain", "acme_prod_web", "--format", "json").stdout)
    assert explained["burn"]["kept_until"] == "master"
    (site.home / "policies" / "p.yaml").write_text("version: 1\n")
    refused = site.run("accounts")
    assert refused.exit_code == 0
    assert "with rules" not in refused.stdout
    assert "the policies are refused" in refused.stderr


def decided(site: Site, *options: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What a plan moves and what it holds, less what tells one reading from the next."""
    result = site.run("plan", "--format", "json", *options)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    fleeting = ("id", "read_at")
    moved, held = (
        [{key: value for key, value in one.items() if key not in fleeting} for one in told[name]]
        for name in ("transfers", "held")
    )
    return moved, held
