"""What is read: for the rules that are due, and now and then for those that will ask for a burn."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from budgetd.core.decisions.needs import WATCHED_EVERY, needs
from budgetd.core.intent import Instrument
from budgetd.core.observation import Observation

from .cases import Case, GivenLimits, read_case

LIMITS = GivenLimits().limits()
RULES = """about: rules of a calendar
rules:
  - name: plain
    accounts: {name: a}
    reclaim: {when: {above: 10.00}, keep: 0.00}
    schedule: {monthly: {day: 4, at: "10:00"}}
  - name: burns
    accounts: {name: b}
    reclaim: {when: {above: 10.00}, keep: {runway: 3d}}
    schedule: {monthly: {day: 4, at: "10:00"}}
accounts: {a: {cash: 1.00}, b: {cash: 1.00}}
expect: {}
"""


def _case(folder: Path) -> tuple[Case, Observation]:
    path = folder / "case.yaml"
    path.write_text(RULES)
    case = read_case(path)
    return case, case.observation()


def _read(case: Case, blank: Observation) -> dict[str, frozenset[Instrument]]:
    return needs(case.policy_set(), blank, LIMITS).of(blank.accounts)


def test_what_only_a_burn_wants_is_read_every_six_hours_by_the_daemon_alone(
    tmp_path: Path,
) -> None:
    case, blank = _case(tmp_path)
    key, cash = ("b", Instrument.CASH), {"b": frozenset({Instrument.CASH})}
    daemons = replace(blank, served={})
    assert _read(case, blank) == {}
    assert _read(case, daemons) == cash
    for age, wanted in ((WATCHED_EVERY, cash), (WATCHED_EVERY - timedelta(seconds=1), {})):
        read = replace(daemons, last_read={key: blank.taken_at - age})
        assert _read(case, read) == wanted
