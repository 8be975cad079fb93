"""How long money lasts: the master's at the burn of all that it feeds, and who ends first."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from budgetd.core.burn import Burn
from budgetd.core.decisions.funding import summed
from budgetd.core.decisions.lasting import Lasting, lasting
from budgetd.core.standing import Lasts

from .cases import NOW, GivenLimits, read_case

DAY_S = 86400
LIMITS = replace(GivenLimits().limits(), reserve=Decimal("400.00"))
FED = """about: a master that feeds two accounts
rules:
  - {name: r, accounts: {name: ["a", "b"]}, top_up: {when: {below: 5.00}, to: 10.00}}
  - {name: s, accounts: {name: "c"}, reclaim: {when: {above: 5.00}, keep: 0.00}}
accounts: {a: {cash: 50.00}, b: {cash: 30.00}, c: {cash: 1000.00}, d: {cash: 7.00}}
master: {cash: 1000.00}
burns:
  - {account: a, level: 20.00}
  - {account: b, level: 40.00}
  - {account: c, level: 500.00}
expect: {}
"""


def _lasting(folder: Path, text: str) -> Lasting:
    path = folder / "case.yaml"
    path.write_text(text)
    case = read_case(path)
    return lasting(case.observation(), case.policy_set(), LIMITS)


def test_the_master_lasts_at_the_burn_of_what_it_feeds_down_to_the_reserve(
    tmp_path: Path,
) -> None:
    found = _lasting(tmp_path, FED)
    ten_days = 10 * DAY_S
    assert found.master == Lasts(low_s=ten_days, middle_s=ten_days, high_s=ten_days)
    assert (found.known, found.fed) == (2, 2)
    assert [one.id for one in found.worst] == ["b", "c", "a"]


def test_a_master_is_not_known_while_one_of_two_accounts_is_not(tmp_path: Path) -> None:
    found = _lasting(tmp_path, FED.replace("  - {account: b, level: 40.00}\n", ""))
    assert (found.master, found.known, found.fed) == (None, 1, 2)


def test_accounts_together_are_surer_than_each() -> None:
    one = Burn(at=NOW, value=Decimal(1), level=Decimal(100), spread=Decimal("0.16"))
    many = summed([one] * 16)
    assert many.level == 1600
    assert many.spread == Decimal("0.01")
    assert many.spends(NOW, timedelta(days=1), LIMITS.zone).middle == Decimal("1600.00")
