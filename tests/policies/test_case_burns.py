"""Cases of rules that ask what an account spends: written, or found from a series of readings."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from budgetd.cli import main

POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {name: "a*"}
    top_up: {when: {runway_below: 3d}, to: {runway: 14d, at_most: 5000.00}}
    guard: {burn_spike: 4, idle_for: 7d}
    caps: {account_per_day: 5000.00}
  - name: lend
    accounts: {name: "l*"}
    top_up:
      instrument: credit
      when: {runway_below: 3d}
      to: {runway: 14d, at_most: 5000.00}
    caps: {account_per_day: 5000.00}
  - name: grant
    accounts: {name: "g*"}
    grant_coupons: {when: {runway_below: 3d}, to: {runway: 14d, at_most: 5000.00}}
    caps: {account_per_day: 5000.00}
  - name: unused
    accounts: {name: "c*"}
    reclaim_coupons: {when: {expires_within: 35d, will_lapse: 10.00}}
"""
CASE = """\
version: 1
cases:
  - name: one
    at: "2026-11-30 22:00"
    timezone: Asia/Shanghai
    accounts:
      ACCOUNTS
    EXPECT
"""
STEADY = ", ".join(f'"-{day}d": {900 + 100 * day}.00' for day in range(1, 15))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUDGETD_CONFIG", raising=False)
    (tmp_path / "p.yaml").write_text(POLICY)
    return tmp_path


def run(folder: Path, accounts: str, expect: str, *options: str) -> Result:
    case = CASE.replace("ACCOUNTS", accounts.replace("\n", "\n      ")).replace("EXPECT", expect)
    (folder / "p_test.yaml").write_text(case)
    return CliRunner().invoke(main, ["test", str(folder), *options])


def test_a_written_burn_decides_a_runway_at_its_edge_and_to_the_cent(folder: Path) -> None:
    accounts = """\
a-low: {cash: 299.99, burn: 100.00}
a-fine: {cash: 300.00, burn: 100.00}
a-wide: {cash: 300.01, burn: {daily: 100.00, spread: 50%}}
a-unknown: {cash: 0.00}"""
    expect = """\
expect:
      transfers:
        - {account: a-low, amount: 1100.01, reason: runway}
        - {account: a-wide, after: 1400.00, reason: runway}
      held: [{account: a-fine, reason: not_triggered}, {account: a-unknown, reason: no_burn}]"""
    ran = run(folder, accounts, expect)
    assert ran.exit_code == 0, ran.output
    assert run(folder, accounts.replace("299.99", "300.00"), expect).exit_code == 1


def test_a_series_of_days_shows_the_burn_as_the_product_finds_it(folder: Path) -> None:
    near = 'a: {cash: {"-4d": 500.00, "-3d": 400.00, "-2d": 300.00, "-1d": 200.00, now: 100.00}}'
    for accounts, expect in (
        (f"a: {{cash: {{{STEADY}, now: 900.00}}}}", "held: [{account: a, reason: not_triggered}]"),
        (near, "transfers: [{account: a, reason: runway}]"),
        ('a: {cash: {"-1d": 200.00, now: 100.00}}', "held: [{account: a, reason: no_burn}]"),
    ):
        ran = run(folder, accounts, f"expect: {{{expect}}}")
        assert ran.exit_code == 0, ran.output


def test_credit_and_all_coupons_together_have_burns_of_their_own(folder: Path) -> None:
    accounts = """\
l-low: {credit: 299.99, credit_burn: 100.00, burn: 1.00}
l-fine: {credit: 300.00, credit_burn: 100.00}
l-unknown: {credit: 299.99, burn: 100.00}
g-low: {coupons: [], coupon_burn: 10.00}"""
    expect = """\
master: {credit: 100000.00, coupons: [{coupon: m, balance: 500.00, expires: 90d}]}
    expect:
      transfers:
        - {account: l-low, instrument: credit, amount: 1100.01}
        - {account: g-low, instrument: coupon, amount: 140.00}
      held: [{account: l-fine, reason: not_triggered}, {account: l-unknown, reason: no_burn}]"""
    ran = run(folder, accounts, expect)
    assert ran.exit_code == 0, ran.output


def test_a_guard_and_a_coupons_own_use_have_cases_and_coverage_sees_them(folder: Path) -> None:
    accounts = """\
a-spike: {cash: 20.00, burn: {daily: 10.00, last_day: 40.01}}
a-idle: {cash: 20.00, burn: {daily: 10.00, idle_for: 7d, last_day: 0.00}}
c-lapses: {coupons: [{coupon: k, balance: 50.00, expires: 10d, burn: 4.00}]}
c-used: {coupons: [{coupon: k, balance: 50.00, expires: 10d, burn: 4.01}]}"""
    expect = """\
expect:
      proposals: [{account: a-spike, asks: burn_spike}]
      transfers: [{account: c-lapses, of: k}]
      held: [{account: a-idle, reason: idle}, {account: c-used, reason: not_triggered}]"""
    ran = run(folder, accounts, expect, "--coverage")
    assert ran.exit_code == 0, ran.output
    of_guarded = ran.stdout.partition("p/up:")[2]
    assert "guard" in of_guarded.partition("reached: ")[2].partition("\n")[0]


def test_two_readings_of_one_instant_are_refused(folder: Path) -> None:
    ran = run(folder, 'a: {cash: {"-1h": 1.00, "-60m": 2.00}}', "expect: {nothing: true}")
    assert ran.exit_code == 2
    assert "two of these ages are the same" in ran.output
