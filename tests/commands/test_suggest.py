"""`suggest` as a person meets it: a history, a patch, and policies that nobody touched."""

import json
import subprocess
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from budgetd.clock import now
from budgetd.core.observation import Sample
from budgetd.ledger.readings import keep_readings, newest
from budgetd.ledger.store import Ledger
from budgetd.sandbox.running import RunningSandbox

from .site import Site
from .test_plan_and_apply import refused

POLICY = """\
version: 1
policy: p
rules:
  - name: up   # a comment: 500.00
    accounts: {name: [acme_prod_web, acme_prod_db]}
    top_up: {when: {below: 40.00}, to: "90.00", multiple_of: 10}   # below 40.00
"""
DAYS = 20
A_DAY = Decimal(24)


@pytest.fixture(autouse=True)
def _known(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty days in which each account spent a coin an hour, and a policy that knows nothing of
    it; commands run in the site's folder."""
    site.write(policy=POLICY)
    assert site.run("apply", "--yes").exit_code == 0
    ledger = Ledger(site.state, may_write=True)
    at = now()
    for unit, sample in newest(ledger).items():
        past = [
            Sample(at - timedelta(hours=hour), sample.value + A_DAY / 24 * hour)
            for hour in range(1, DAYS * 24)
        ]
        keep_readings(ledger, [(unit, one) for one in past])
    # As if six hours had passed: a burn that was looked for just now is not looked for again.
    ledger.connection.execute("DELETE FROM forecast")
    ledger.close()
    monkeypatch.chdir(site.home)


def test_a_suggestion_is_a_patch_that_check_passes_and_only_people_apply(site: Site) -> None:
    file = site.home / "policies" / "p.yaml"
    told = site.run("suggest", "--detailed-exitcode")
    assert told.exit_code == 3, told.output
    assert "top_up.when.below 40.00 → 30.00 policies/p.yaml:6:28" not in told.stdout
    assert "top_up.to 90.00 → 210.00 policies/p.yaml:6:40" in told.stdout
    assert "2 of 2 accounts known" in told.stdout
    patch = site.home / "suggested.patch"
    assert site.run("suggest", "p/up", "--format", "patch", "--out", str(patch)).exit_code == 0
    assert file.read_text() == POLICY
    subprocess.run(["git", "apply", str(patch)], cwd=site.home, check=True)
    assert file.read_text() == POLICY.replace('"90.00"', '"210.00"')
    assert site.run("check").exit_code == 0
    again = site.run("suggest", "--detailed-exitcode")
    assert again.exit_code == 0
    assert "Its numbers fit what is spent." in again.stdout


def test_from_elsewhere_a_patch_is_applied_at_the_root(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = site.run("suggest", "--format", "patch")
    assert "with `patch -p1 -d /`" in result.stderr
    file = site.home / "policies" / "p.yaml"
    command = ["patch", "-p1", "-d", "/", "--quiet"]
    subprocess.run(command, input=result.stdout, text=True, check=True)
    assert file.read_text() == POLICY.replace('"90.00"', '"210.00"')


@pytest.mark.parametrize("way", ["above", "a link"])
def test_a_patch_names_files_where_they_really_lie(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file = (site.home / "policies" / "p.yaml").rename(site.home / "real.yaml")
    if way == "a link":
        (site.home / "policies" / "p.yaml").symlink_to(file)
        command, cwd = ["git", "apply"], site.home
    else:
        config = site.home / "config.yaml"
        config.write_text(config.read_text() + "policies: sub/../kept\n")
        (site.home / "sub").mkdir()
        (site.home / "kept").mkdir()
        file = file.rename(site.home / "kept" / "p.yaml")
        monkeypatch.chdir(site.home / "sub")
        command, cwd = ["patch", "-p1", "-d", "/", "--quiet"], site.home / "sub"
    patch = site.run("suggest", "--format", "patch").stdout
    subprocess.run(command, cwd=cwd, input=patch, text=True, check=True)
    assert file.read_text() == POLICY.replace('"90.00"', '"210.00"')


def test_machines_get_every_number_with_its_data(site: Site) -> None:
    result = site.run("suggest", "--format", "json", "--days", "14")
    document = json.loads(result.stdout)
    assert (document["format"], document["suggested"]) == ("budgetd.suggest/1", 1)
    assert (document["enterprise"], document["currency"]) == ("acme", "CNY")
    assert document["policy_digest"].startswith("sha256:")
    (rule,) = document["rules"]
    assert (rule["rule"], rule["outcome"]) == ("p/up", "suggested")
    assert rule["basis"]["known"] == 2
    assert Decimal(rule["basis"]["days_observed"]["most"]) <= 14
    (number,) = rule["numbers"]
    assert (number["old"], number["new"], number["review"]) == ("90.00", "210.00", False)
    assert Decimal(number["middle"]) == 7 * A_DAY


def test_a_recorded_fleet_serves_without_a_provider(site: Site, running: RunningSandbox) -> None:
    assert site.run("apply", "--yes").exit_code == 0
    snapshot = site.home / "fleet.json"
    snapshot.write_text(site.run("accounts", "--format", "json").stdout)
    site.state.unlink()
    seen = len(running.sandbox.seen)
    offline = site.run("suggest", "--snapshot", str(snapshot), "--format", "patch")
    assert '+    top_up: {when: {below: 40.00}, to: "210.00"' in offline.stdout, offline.output
    assert len(running.sandbox.seen) == seen
    live = site.run("suggest")
    assert "The history is too short" in live.stdout
    nothing = site.run("suggest", "--format", "patch")
    assert (nothing.exit_code, nothing.stdout) == (0, "")


def test_what_cannot_be_meant_is_refused(site: Site) -> None:
    refused(site.run("suggest", "nobody"), 2, "no policy and no rule 'nobody'; there are p, p/up")
    policy = Path("policies") / "p.yaml"
    refused(site.run("suggest", "--out", str(policy)), 2, "that is a policy, which `suggest` never")
    refused(site.run("suggest", "--days", "9"), 2, "10<=x<=28")
    assert policy.read_text() == POLICY
