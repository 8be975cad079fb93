"""`budgetd test` as a person or a script meets it: what passes, what differs, and why."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from budgetd.cli import main

POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {org: "/A/**"}
    top_up: {when: {below: 500.00}, to: 2000.00, multiple_of: 100.00}
    cooldown: 1h
    caps: {account_per_day: 3000.00}
  - name: low
    accounts: all
    alert: {when: {below: 100.00}}
"""
CASES = """\
version: 1
cases:
  - name: one
    at: "2026-11-30 22:00"
    accounts:
      a: {org: /A, cash: {"-2h": 900.00, now: 499.99}}
      b: {org: /B, cash: 50.00}
      c: {org: /A/B, cash: 50.00}
    moves: [{account: c, rule: up, amount: 100.00, ago: 40m}]
    expect:
      transfers: [{account: a, amount: AMOUNT}]
      held: [{account: c, reason: cooldown, until: 20m}]
      alerts: [{account: b}, {account: c, severity: warning}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUDGETD_CONFIG", raising=False)
    (tmp_path / "policies" / "tests").mkdir(parents=True)
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    return tmp_path / "policies"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", *arguments])


def write(folder: Path, text: str, name: str = "tests/p_test.yaml") -> None:
    (folder / name).write_text(text)


def test_cases_pass_where_everything_that_moves_is_expected(folder: Path) -> None:
    write(folder, CASES.replace("AMOUNT", "1600.00"))
    write(folder, CASES.replace("AMOUNT", "1600.00"), "beside_test.yaml")
    for paths in (["policies"], ["policies/tests/p_test.yaml", "policies/beside_test.yaml"]):
        ran = run(*paths)
        assert (ran.exit_code, ran.stdout) == (0, "2 cases in 2 files: all pass\n")


def test_a_difference_is_told_at_its_line_with_the_steps_that_led_to_it(folder: Path) -> None:
    write(folder, CASES.replace("AMOUNT", "1500.00"))
    ran = run("policies")
    assert ran.exit_code == 1
    first, *rest = ran.stdout.splitlines()
    assert first == (
        "policies/tests/p_test.yaml:11:40: cases[0].expect.transfers[0].amount:"
        " case 'one': expected amount 1,500.00, came 1,600.00"
    )
    assert "multiple_of 1600.00  (up to whole 100.00)" in ran.stdout
    assert rest[-1] == "1 case in 1 file: 1 failed"


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("nothing: true", "not expected, and came: a transfer of p/up on a: amount 1,600.00"),
        ("transfers: [{account: a}, {account: b}]", "org is /B, the rule wants /A/**"),
        (
            "transfers: [{account: a}, {account: c}]",
            "held: p/up on c: cooldown until 2026-11-30 22:20:00",
        ),
        ("held: [{account: c, reason: cap}]", "expected reason cap, came cooldown"),
        ("transfers: [{account: a}], alerts: []", "an alert of p/low on b"),
        ("proposals: [{account: a}]", "came: a transfer of p/up on a"),
    ],
)
def test_what_came_instead_is_told(folder: Path, expected: str, told: str) -> None:
    head = CASES.partition("    expect:")[0]
    write(folder, f"{head}    expect: {{{expected}}}\n")
    ran = run("policies")
    assert ran.exit_code == 1, ran.output
    assert told in ran.stdout


def test_no_case_is_a_failure(folder: Path) -> None:
    ran = run("policies")
    assert ran.exit_code == 1
    assert "no case was run" in ran.stdout
    write(folder, "version: 1\ncases: []\n")
    assert run("policies").exit_code == 1


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("cahs: 1.00", "unknown key 'cahs'; did you mean 'cash'?"),
        ("cash: 1e3", "exponents are not accepted"),
        ('cash: {"2h": 1.00}', "expected `now` or a time ago like -2d, found '2h'"),
        ("org_id: x, status: closd", "expected 'normal'"),
    ],
)
def test_a_bad_case_is_refused_at_its_place(folder: Path, bad: str, told: str) -> None:
    text = CASES.replace("AMOUNT", "1600.00").replace("org: /B, cash: 50.00", f"org: /B, {bad}")
    write(folder, text)
    ran = run("policies")
    assert ran.exit_code == 2
    assert "policies/tests/p_test.yaml:7:" in ran.stderr
    assert told in ran.stderr


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9001-01-01"])
def test_a_case_lies_in_the_years_that_every_zone_has(folder: Path, at: str) -> None:
    write(folder, CASES.replace("2026-11-30 22:00", at))
    ran = run("policies")
    assert ran.exit_code == 2
    assert "policies/tests/p_test.yaml:4:9: cases[0].at: expected a time like" in ran.stderr
    assert f"of the years 1970 to 9000, found '{at}'" in ran.stderr


def test_names_that_mean_nobody_are_refused_with_the_nearest(folder: Path) -> None:
    text = CASES.replace("account: a, ", "account: aa, ").replace("rule: up", "rule: upp")
    write(folder, text.replace("AMOUNT", "1600.00"))
    ran = run("policies")
    assert ran.exit_code == 2
    assert "there is no rule 'upp'; did you mean 'up'?" in ran.stderr
    assert "the case has no account 'aa'; did you mean 'a'?" in ran.stderr
    write(folder, CASES.replace("AMOUNT", "1600.00").replace("      b: {", "      master: {"))
    assert "give the account another name" in run("policies").stderr
    write(folder, "version: 1\npolicies: [q.yaml]\ncases: []\n")
    assert run("policies").exit_code == 2


def test_coverage_names_what_no_case_reaches(folder: Path) -> None:
    write(folder, CASES.replace("AMOUNT", "1600.00"))
    rows = json.loads(run("policies", "--coverage", "--format", "json").stdout)["coverage"]
    assert rows == [
        {
            "rule": "p/low",
            "exercised": True,
            "fired": 2,
            "held": {"not_triggered": 1},
            "rails": {"when": True},
        },
        {
            "rule": "p/up",
            "exercised": True,
            "fired": 1,
            "held": {"cooldown": 1},
            "rails": {
                "accounts": True,
                "when": False,
                "multiple_of": True,
                "cooldown": True,
                "account_per_day": False,
            },
        },
    ]
    assert "never reached: when, account_per_day" in run("policies", "--coverage").stdout
