"""`explain` on the sandbox: every rule and one account, and what becomes of its holds."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from budgetd.sandbox.running import RunningSandbox

from .site import Site

RULES = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {{org: "/R&D/**", name: "acme_prod_*"}}
    top_up: {{when: {{below: 500.00}}, to: 2000.00, multiple_of: 100.00}}
    {rails}
    caps: {{account_per_day: 2500.00}}
    priority: 10
  - name: home
    accounts: {{name: acme_idle}}
    reclaim: {{when: {{above: 1000.00}}, keep: 200.00}}
    schedule: {{monthly: {{day: 4, at: "10:00"}}}}
  - name: low
    accounts: {{not: {{name: acme_idle}}}}
    alert: {{when: {{any: [{{below: 100.00}}, {{above: 3000.00}}]}}}}
  - name: gone
    accounts: all
    alert: {{when: {{below: 100.00}}}}
    valid: {{until: 2026-01-01}}
"""
WEB = "acme_prod_web"
CLOSING = 3
"""As the provider writes the status of an account that is being closed."""


@pytest.fixture
def home(site: Site, passing: RunningSandbox) -> Site:
    """A morning in the middle of a month, far from every slot and midnight."""
    now = passing.sandbox.clock.now()
    following = (now.replace(day=1) + timedelta(days=32)).replace(day=10, hour=9)
    passing.sandbox.clock.set(following)
    site.write(policy=RULES.format(rails="cooldown: 1h"))
    return site


def told(site: Site, *arguments: str) -> dict[str, Any]:
    """The document, and each rule of it under its name."""
    result = site.run("explain", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["format"] == "budgetd.explain/1"
    document["by_rule"] = {one["rule"].removeprefix("p/"): one for one in document["rules"]}
    return document


def spend(running: RunningSandbox, name: str, left: int) -> None:
    """The account spends all but so many cents, and time passes until every reading shows it."""
    account = next(one for one in running.sandbox.book.accounts.values() if one.name == name)
    account.cash.amount = left
    running.sandbox.clock.advance(timedelta(minutes=20))


def test_every_rule_is_told_with_its_distance_or_the_key_that_leaves_the_account_out(
    home: Site,
) -> None:
    text = home.run("explain", WEB).stdout
    assert re.search(r"^  reclaimable cash 10.00, read \d+ s ago$", text, re.MULTILINE)
    for line in (
        "p/up  top_up, priority 10, asked with every fresh reading\n  moves 2,000.00: below 500.00",
        "multiple_of         2000.00  up to whole 100.00",
        "it acts below 500.00; 10.00 is 490.00 beyond that",
        "it alerts below 100.00; 10.00 is 90.00 beyond that",
        "it would alert above 3,000.00; 10.00 is 2,990.00 away from that",
        "p/gone  alert, priority 100, asked with every fresh reading\n  not in force any more",
        "Not selected by:\n  p/home: name is acme_prod_web, the rule wants acme_idle\n",
    ):
        assert line in text
    idle = told(home, "acme_idle")["by_rule"]
    assert idle["up"]["not_selected"] == [
        "name is acme_idle, the rule wants acme_prod_*",
        "org is /Projects, the rule wants /R&D/**",
    ]
    assert idle["low"]["not_selected"] == ["left out by `not`: name acme_idle"]
    assert [idle[name]["selected"] for name in ("up", "home", "low", "gone")] == [
        False,
        True,
        False,
        True,
    ]
    assert not idle["gone"]["in_force"]


def test_a_rule_before_its_slot_says_when_it_comes_and_what_it_would_move_then(home: Site) -> None:
    waiting = told(home, "acme_idle")["by_rule"]["home"]
    (held,) = waiting["held"]
    assert held["reason"] == "not_due"
    assert held["until"] == waiting["next_due"] == waiting["then"]["at"]
    (moved,) = waiting["then"]["transfers"]
    preview = json.loads(home.run("plan", "--at", held["until"], "--format", "json").stdout)
    (same,) = [one for one in preview["transfers"] if one["rule"] == "p/home"]
    assert (moved["amount"], moved["steps"]) == (same["amount"], same["steps"])
    assert moved["amount"] == "4800.00"
    at_slot = told(home, "acme_idle", "--at", held["until"])
    assert at_slot["preview"]
    assert at_slot["readings"]["cash"]["age_s"] == 0
    assert [one["amount"] for one in at_slot["transfers"]] == ["4800.00"]


def test_a_rule_that_is_asked_for_by_name_is_told_alone_due_or_not(home: Site) -> None:
    alone = told(home, "acme_idle", "--rule", "p/home")
    (rule,) = alone["rules"]
    assert [one["amount"] for one in rule["transfers"]] == ["4800.00"]
    assert rule["next_due"] is not None


def test_a_cooldown_says_until_when_and_that_is_when_the_rule_moves_again(
    home: Site, passing: RunningSandbox
) -> None:
    assert home.run("apply", "--yes", "--rule", "p/up").exit_code == 0
    spend(passing, WEB, 40_00)
    cooling = told(home, WEB)["by_rule"]["up"]
    (held,) = cooling["held"]
    assert (held["reason"], held["until"]) == ("cooldown", cooling["then"]["at"])
    assert [one["amount"] for one in cooling["then"]["transfers"]] == ["500.00"]
    assert "at " in home.run("explain", WEB).stdout
    passing.sandbox.clock.advance(timedelta(minutes=39, seconds=50))
    assert told(home, WEB)["by_rule"]["up"]["transfers"] == []
    passing.sandbox.clock.advance(timedelta(seconds=20))
    (moved,) = told(home, WEB)["by_rule"]["up"]["transfers"]
    assert moved["amount"] == cooling["then"]["transfers"][0]["amount"]


def test_a_cap_that_is_used_up_says_which_and_holds_until_its_day_is_over(
    home: Site, passing: RunningSandbox
) -> None:
    home.write(policy=RULES.format(rails="mode: enforce"))
    for _ in range(2):
        assert home.run("apply", "--yes", "--rule", "p/up").exit_code == 0
        spend(passing, WEB, 40_00)
    spent = told(home, WEB)
    (held,) = spent["by_rule"]["up"]["held"]
    assert held["reason"] == "cap"
    assert "account_per_day leaves 0.00" in held["detail"]
    day = spent["taken_at"][:10]
    assert held["until"] > spent["taken_at"]
    assert held["until"].endswith("T00:00:00Z")
    assert spent["by_rule"]["up"]["then"]["transfers"], f"the day after {day} the cap is free"


def test_an_account_that_no_rule_selects_is_told_so(home: Site) -> None:
    home.write(policy=RULES.format(rails="cooldown: 1h").partition("  - name: home")[0])
    text = home.run("explain", "acme_idle").stdout
    assert "No rule selects this account.\n\nNot selected by:\n  p/up: name is" in text


def test_a_rule_that_names_the_status_of_an_account_is_told_on_its_reading(
    home: Site, passing: RunningSandbox
) -> None:
    home.write(
        policy="version: 1\npolicy: p\nrules:\n"
        "  - {name: all, accounts: all, reclaim: {when: {above: 1000.00}, keep: 500.00}}\n"
        "  - name: named\n    accounts: {any: [{status: closing}, {name: none}]}\n"
        "    priority: 5\n    reclaim: {when: {above: 1000.00}, keep: 200.00}\n"
    )
    account = next(one for one in passing.sandbox.book.accounts.values() if one.name == "acme_idle")
    account.status = CLOSING
    passing.sandbox.clock.advance(timedelta(minutes=20))
    rules = told(home, "acme_idle")["by_rule"]
    assert [one["amount"] for one in rules["named"]["transfers"]] == ["4800.00"]
    assert [one["reason"] for one in rules["all"]["held"]] == ["not_normal"]
    plan = json.loads(home.run("plan", "--format", "json").stdout)
    (moved,) = [one for one in plan["transfers"] if one["account"]["name"] == "acme_idle"]
    assert (moved["rule"], moved["amount"]) == ("p/named", "4800.00")
