"""What is judged across fields and rules, where a bad file alone would not show it."""

from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.core.documents.placing import Written, read_written
from budgetd.core.lints.fleet_check import judge_fleet
from budgetd.core.observation import Account, Organization, Status
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.policy import Policy
from budgetd.core.policies.schedule import Schedule
from budgetd.core.policies.selector import Match
from budgetd.core.policies.sharing import Sharing, meet_in_time, share_accounts, share_texts

ZONE = ZoneInfo("Asia/Shanghai")
SURELY, POSSIBLY, NEVER = Sharing.SURELY, Sharing.POSSIBLY, Sharing.NEVER


def written(rules: str, name: str = "p") -> Written[Policy]:
    read = read_written(f"version: 1\npolicy: {name}\nrules:\n{rules}", f"{name}.yaml", Policy)
    assert isinstance(read, Written), read
    return read


def said(*policies: Written[Policy]) -> list[str]:
    return [problem.headline() for problem in judge(policies, ZONE)]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("all", "all", SURELY),
        ("all", {"org": "/A/**"}, SURELY),
        ("all", {"status": "closing"}, NEVER),
        ({"id": ["a", "b"]}, {"id": ["b", "c"]}, SURELY),
        ({"id": ["a"]}, {"id": ["b"]}, NEVER),
        ({"id": ["a"]}, {"name": "x"}, POSSIBLY),
        ({"name": "prod-*"}, {"name": "test-*"}, NEVER),
        ({"name": "prod-*"}, {"name": "prod-web"}, SURELY),
        ({"name": "prod-*"}, {"name": "prod-web-*"}, SURELY),
        ({"name": "*-web"}, {"name": "*-db"}, NEVER),
        ({"name": "prod-*"}, {"name": "*-web"}, POSSIBLY),
        ({"name": "prod-?"}, {"name": "prod-10"}, NEVER),
        ({"name": "*"}, {"org": "/A"}, SURELY),
        ({"org": "/A"}, {"org": "/A"}, SURELY),
        ({"org": "/A"}, {"org": "/B"}, NEVER),
        ({"org": "/A"}, {"org": "/A/*"}, NEVER),
        ({"org": "/A/*"}, {"org": "/A/B"}, SURELY),
        ({"org": "/A/*"}, {"org": "/A/B/C"}, NEVER),
        ({"org": "/A/**"}, {"org": "/A/B/C"}, SURELY),
        ({"org": "/A/**"}, {"org": "/B/**"}, NEVER),
        ({"org": "/A/B/**"}, {"org": "/A"}, NEVER),
        ({"org": "/A/B/**"}, {"org": "/A/*"}, POSSIBLY),
        ({"org": "/**"}, {"org": "/A/*"}, SURELY),
        ({"org": ["/A", "/B"]}, {"org": ["/B", "/C"]}, POSSIBLY),
        ({"org": {"id": ["1"]}}, {"org": {"id": ["2"]}}, NEVER),
        ({"org": {"id": ["1"]}}, {"org": "/A"}, POSSIBLY),
        ({"org": "/A/**"}, {"org": "/A/**", "not": {"name": "x"}}, SURELY),
        ({"org": "/A/**"}, {"not": {"org": "/A/**"}}, NEVER),
        ({"not": {"org": "/A/**"}}, {"org": "/B"}, SURELY),
        ({"any": [{"org": "/A"}, {"org": "/B"}]}, {"org": "/C"}, NEVER),
        ({"any": [{"org": "/A"}, {"org": "/B"}]}, {"org": "/A"}, SURELY),
        ({"any": [{"org": "/A"}, {"org": "/B"}]}, {"org": ["/A", "/C"]}, POSSIBLY),
        ({"display_name": "X*"}, {"display_name": "Y*"}, NEVER),
        ({"status": ["normal", "closing"]}, {"status": "closing"}, SURELY),
    ],
)
def test_selectors_share_accounts_surely_possibly_or_never(
    first: object, second: object, expected: Sharing
) -> None:
    left, right = (
        one if isinstance(one, str) else Match.model_validate(one) for one in (first, second)
    )
    assert share_accounts(left, right) is expected
    assert share_accounts(right, left) is expected


def test_texts_without_globs_are_any_text() -> None:
    assert share_texts(None, ("a",)) is SURELY
    assert share_texts(("a*",), ("b",)) is NEVER


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, {"daily": {"at": "10:00"}}, True),
        ({"every": "1h"}, {"daily": {"at": "10:00"}}, True),
        ({"daily": {"at": "01:00"}}, {"daily": {"at": "13:00"}}, False),
        ({"daily": {"at": "10:00"}}, {"daily": {"at": "13:00"}}, True),
        (
            {"weekly": {"day": "monday", "at": "10:00"}},
            {"weekly": {"day": "thursday", "at": "10:00"}},
            False,
        ),
        (
            {"monthly": {"day": "31", "at": "10:00"}},
            {"monthly": {"day": "28", "at": "12:00"}},
            True,
        ),
        (
            {"monthly": {"day": "4", "at": "10:00"}},
            {"monthly": {"day": "last", "at": "12:00"}},
            False,
        ),
        ({"cron": "*/5 * * * *"}, {"monthly": {"day": "4", "at": "10:00"}}, True),
        ({"cron": "0 9 29 feb *"}, {"monthly": {"day": "last", "at": "09:30"}}, True),
        ({"cron": "0 9 * * mon"}, {"cron": "0 9 * * tue-sun"}, False),
        ({"dates": ["2030-05-01"], "at": "10:00"}, {"monthly": {"day": "1", "at": "12:00"}}, True),
        ({"monthly": {"day": "2", "at": "12:00"}}, {"dates": ["2030-05-01"], "at": "10:00"}, False),
    ],
)
def test_schedules_meet_or_not(first: object, second: object, *, expected: bool) -> None:
    left, right = (None if one is None else Schedule.model_validate(one) for one in (first, second))
    assert meet_in_time(left, ZONE, right, ZONE) is expected


PAIR = """\
  - name: a
    accounts: all
    top_up: {{when: {{below: 100.00}}, to: 200.00}}
    caps: {{account_per_day: 500.00}}
    {first}
  - name: b
    accounts: all
    top_up: {{when: {{below: 50.00}}, to: 200.00}}
    caps: {{account_per_day: 500.00}}
    {second}
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("priority: 2", "priority: 1"),
        ("mode: observe", "mode: enforce"),
        ("valid: {until: 2026-11-30}", "valid: {from: 2026-12-01}"),
        (
            'schedule: {weekly: {day: monday, at: "10:00"}}',
            'schedule: {weekly: {day: friday, at: "10:00"}}',
        ),
    ],
)
def test_rules_that_cannot_meet_may_have_one_priority(first: str, second: str) -> None:
    assert said(written(PAIR.format(first=first, second=second))) == []


def test_rules_of_two_files_meet_too() -> None:
    rule = "  - name: a\n    accounts: all\n    reclaim: {when: {above: 100.00}, keep: 50.00}\n"
    problems = judge([written(rule, "one"), written(rule, "two")], ZONE)
    assert [problem.headline() for problem in problems] == [
        "two.yaml:4:11: rules[0].name: it surely meets one/a at priority 100"
    ]
    assert "one.yaml:4" in problems[0].hint


def test_another_instrument_is_another_matter() -> None:
    rules = (
        "  - {name: a, accounts: all, reclaim: {when: {above: 9.00}, keep: 5.00}}\n"
        "  - name: b\n    accounts: all\n"
        "    reclaim: {instrument: credit, when: {above: 9.00}, keep: 5.00}\n"
    )
    assert said(written(rules)) == []


def test_a_runway_keep_below_a_trigger_is_a_warning() -> None:
    rules = (
        "  - name: up\n    accounts: all\n    caps: {account_per_day: 500.00}\n"
        "    top_up: {when: {below: 100.00}, to: 200.00}\n"
        "  - name: down\n    accounts: all\n"
        "    reclaim: {when: {above: 300.00}, keep: {runway: 3d, at_least: 50.00}}\n"
    )
    problems = judge([written(rules)], ZONE)
    assert [problem.is_warning for problem in problems] == [True]
    assert problems[0].where == "rules[1].reclaim.keep"


def test_a_grant_that_outlives_the_reclaim_is_fine() -> None:
    rules = (
        "  - name: give\n    accounts: all\n    caps: {account_per_day: 500.00}\n"
        "    grant_coupons: {when: {below: 100.00}, to: 200.00,"
        " coupons: {lives_at_least: 36d}}\n"
        "  - name: take\n    accounts: all\n"
        "    reclaim_coupons: {when: {expires_within: 35d}}\n"
    )
    assert said(written(rules)) == []
    possibly = said(
        written(
            rules.replace("lives_at_least: 36d", "plan_name: a*").replace(
                "expires_within: 35d", "balance_at_least: 5.00, plan_name: '*b'"
            )
        )
    )
    assert possibly == [
        "p.yaml:7:5: warning: rules[0].grant_coupons: p/take possibly takes back what this grants"
    ]
    apart = rules.replace("lives_at_least: 36d", "plan_name: a*").replace(
        "expires_within: 35d", "plan_name: b*"
    )
    assert said(written(apart)) == []


def account(name: str, unit: str, status: Status = Status.NORMAL) -> Account:
    organization = Organization(id=unit, name=unit, path=(unit,))
    return Account(
        id=f"id-{name}", name=name, display_name=name, status=status, organization=organization
    )


FLEET = (
    account("web", "A"),
    account("db", "A"),
    account("old", "B", Status.CLOSED),
)


def fleet_says(rules: str, cash: str = "1000000.00") -> list[str]:
    problems = judge_fleet(
        [written(rules)], ZONE, FLEET, master_id="id-master", master_cash=Decimal(cash)
    )
    return [problem.headline() for problem in problems]


def test_the_fleet_shows_selectors_that_match_nobody() -> None:
    rules = "  - {name: a, accounts: {org: /B}, alert: {when: {below: 1.00}}}\n"
    assert fleet_says(rules) == ["p.yaml:4:15: warning: rules[0].accounts: it matches no account"]
    assert fleet_says(rules.replace("org: /B", "status: closed")) == []


def test_the_fleet_shows_the_master_unknown_and_closed_ids() -> None:
    rules = (
        "  - name: a\n    accounts: {id: [id-web, id-master, id-old, id-nobody]}\n"
        "    alert: {when: {below: 1.00}}\n"
    )
    assert fleet_says(rules) == [
        "p.yaml:5:29: rules[0].accounts.id[1]: the master itself is no account a rule may be about",
        "p.yaml:5:40: warning: rules[0].accounts.id[2]: the account B/old is closed",
        "p.yaml:5:48: warning: rules[0].accounts.id[3]: no account has the id 'id-nobody'",
    ]


def test_the_fleet_shows_targets_above_what_the_master_has() -> None:
    rules = (
        "  - {name: a, accounts: all, top_up: {when: {below: 1.00}, to: 500.00}}\n"
        "  - {name: b, accounts: {name: web}, top_up: {when: {below: 1.00}, to: 700.00}}\n"
    )
    assert fleet_says(rules, "1200.00") == []
    assert fleet_says(rules, "1199.99") == [
        "p.yaml:4:64: warning: rules[0].top_up.to: the targets of all rules together are 1,200.00,"
        " above the 1,199.99 the master has"
    ]


def test_the_shipped_policies_are_valid_together_without_a_warning() -> None:
    folder = Path(__file__).parents[2] / "policies"
    policies = []
    for file in sorted(folder.glob("*.yaml")):
        read = read_written(file.read_bytes(), file.name, Policy)
        assert isinstance(read, Written), read
        policies.append(read)
    assert len(policies) >= 4
    assert said(*policies) == []
