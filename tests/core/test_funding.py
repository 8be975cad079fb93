"""How long rules keep an account funded, and what lets it run dry first."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgetd.core.burn import Burn
from budgetd.core.decisions.funding import Funding
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Observation, Ok, Readings
from budgetd.core.pause import Pause
from budgetd.core.policies.policy import PolicySet
from budgetd.core.standing import End, Kept, Lasts

from .cases import NOW, GivenLimits, read_case

DAY_S = 86400
LIMITS = replace(GivenLimits().limits(), reserve=Decimal("400.00"))
CASE = """about: what feeds accounts that burn
rules:
  - {name: r, accounts: {name: ["a", "b"]}, top_up: {when: {below: 5.00}, to: 10.00}%s}
accounts: {a: {cash: 50.00}, b: {cash: 30.00}, c: {cash: 1000.00}}
master: {cash: 1000.00}
burns:
  - {account: a, level: 20.00}
  - {account: b, level: 40.00}
expect: {}
"""


def world(folder: Path, more: str = "", text: str = CASE) -> tuple[Observation, PolicySet]:
    path = folder / "case.yaml"
    path.write_text(text % more)
    case = read_case(path)
    return case.observation(), case.policy_set()


def kept(folder: Path, more: str = "", account: str = "a") -> Kept | None:
    observation, policies = world(folder, more)
    return Funding(observation, policies, LIMITS).of(account)


def days(length: float) -> Lasts:
    length_s = int(length * DAY_S)
    return Lasts(low_s=length_s, middle_s=length_s, high_s=length_s)


def capped(length: float, cap: str) -> Kept:
    return Kept(lasts=days(length), end=End.CAP, cap=cap)


def test_an_account_is_funded_as_long_as_the_master_lasts_for_all_that_it_feeds(
    tmp_path: Path,
) -> None:
    assert kept(tmp_path) == Kept(lasts=days(10), end=End.MASTER)
    assert kept(tmp_path, account="b") == Kept(lasts=days(10), end=End.MASTER)
    assert kept(tmp_path, account="c") is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # 50.00 and 100.00 more at 20.00 a day; a cap of a day begins anew at each midnight.
        (", caps: {account_ever: 100.00}", capped(7.5, "account_ever")),
        (", caps: {account_per_day: 20.00}", Kept(lasts=days(10), end=End.MASTER)),
        # It is Monday: 10.00 more, and no other 10.00 before it is spent.
        (", caps: {account_per_week: 10.00}", capped(3, "account_per_week")),
        # Both have 80.00, 40.00 may come today and 40.00 in the month that begins at midnight.
        (", caps: {rule_per_month: 40.00}", capped(8 / 3, "rule_per_month")),
        (', valid: {until: "2026-12-03 22:00"}', Kept(lasts=days(3), end=End.VALID)),
        # What it has is spent before Friday; what it is lifted to lasts no week.
        (', schedule: {weekly: {day: friday, at: "22:00"}}', Kept(lasts=days(2.5), end=End.SLOT)),
        (', schedule: {daily: {at: "23:00"}}', Kept(lasts=days(2.5), end=End.SLOT)),
        (", mode: observe", None),
    ],
)
def test_whatever_comes_first_lets_it_run_dry(
    tmp_path: Path, more: str, expected: Kept | None
) -> None:
    assert kept(tmp_path, more) == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        # 10.00 come at 23:00 of each day, and 20.00 are spent.
        ("{add: 10.00}", Kept(lasts=days(5), end=End.SLOT)),
        ("{add: 20.00}", Kept(lasts=days(10), end=End.MASTER)),
        ("{to: 200.00}", Kept(lasts=days(10), end=End.MASTER)),
        # 30.00 last 36 hours, and the next slot comes after 24.
        ("{to: 30.00}", Kept(lasts=days(10), end=End.MASTER)),
        ("{to: {runway: 3d, at_most: 90.00}}", Kept(lasts=days(10), end=End.MASTER)),
        ("{to: 15.00}", Kept(lasts=days(2.5), end=End.SLOT)),
    ],
)
def test_what_comes_at_slots_alone_must_reach_the_next_one(
    tmp_path: Path, action: str, expected: Kept
) -> None:
    text = CASE.replace("{when: {below: 5.00}, to: 10.00}", action)
    observation, policies = world(tmp_path, ', schedule: {daily: {at: "23:00"}}', text)
    assert Funding(observation, policies, LIMITS).of("a") == expected


def test_a_paused_rule_feeds_nobody(tmp_path: Path) -> None:
    observation, policies = world(tmp_path)
    for about, expected in (("a", None), ("b", days(10))):
        pause = Pause(id="1", rule="", account_id=about, reason="", by="", at=NOW)
        found = Funding(replace(observation, pauses=(pause,)), policies, LIMITS).of("a")
        assert (found and found.lasts) == expected


def test_of_an_account_that_was_not_read_counts_what_its_burn_last_saw(tmp_path: Path) -> None:
    observation, policies = world(tmp_path, ", caps: {rule_per_month: 40.00}")
    alone = replace(observation, readings={"a": observation.readings["a"]})
    assert Funding(observation, policies, LIMITS).of("a") == capped(8 / 3, "rule_per_month")
    seen = {
        unit: replace(known, value=Decimal("30.00")) for unit, known in observation.burns.items()
    }
    found = Funding(replace(alone, burns=seen), policies, LIMITS).of("a")
    assert found == capped(8 / 3, "rule_per_month")


def test_what_is_not_known_is_not_told(tmp_path: Path) -> None:
    observation, policies = world(tmp_path)
    for other in (
        replace(observation, master=Readings()),
        replace(observation, burns={}),
        replace(observation, burns=dict(list(observation.burns.items())[:1])),
        replace(observation, readings={}),
    ):
        assert Funding(other, policies, LIMITS).of("a") is None


def test_a_band_stays_a_band(tmp_path: Path) -> None:
    observation, policies = world(tmp_path, ", caps: {account_ever: 100.00}")
    unsure = {
        unit: replace(known, spread=Decimal("0.04"), doubt=Decimal("0.01"))
        for unit, known in observation.burns.items()
    }
    found = Funding(replace(observation, burns=unsure), policies, LIMITS).of("a")
    assert found is not None
    assert found.lasts.low_s is not None
    assert found.lasts.middle_s is not None
    assert found.lasts.high_s is not None
    assert found.lasts.low_s < found.lasts.middle_s < found.lasts.high_s


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    span=st.sampled_from(["day", "week"]),
    cash=st.integers(1, 400),
    level=st.integers(1, 60),
    cap=st.integers(2, 300),
)
def test_a_cap_lets_it_run_dry_when_a_walk_through_the_hours_does(
    tmp_path: Path, span: str, cash: int, level: int, cap: int
) -> None:
    observation, policies = world(tmp_path, f", caps: {{account_per_{span}: {cap}.00}}")
    alone = Unit(account_id="a", instrument=Instrument.CASH)
    rich = Readings(cash=Ok(Decimal(10**9), NOW))
    burns = {alone: Burn(at=NOW, value=Decimal(1), level=Decimal(level))}
    burns[Unit(account_id="b", instrument=Instrument.CASH)] = burns[alone]
    readings = {**observation.readings, "a": Readings(cash=Ok(Decimal(cash), NOW))}
    seen = replace(observation, master=rich, burns=burns, readings=readings)
    found = Funding(seen, policies, LIMITS).of("a")
    assert found is not None
    dry = _walked(span, Decimal(cash), Decimal(level), Decimal(cap))
    if dry is None:
        assert found.lasts.middle_s is None or found.lasts.middle_s > 300 * DAY_S
    else:
        assert found.lasts.middle_s is not None
        assert abs(found.lasts.middle_s - dry.total_seconds()) <= 3600


def _walked(span: str, cash: Decimal, level: Decimal, cap: Decimal) -> timedelta | None:
    """When an account that gets all its cap lets through first has nothing, hour by hour."""
    local: datetime = NOW.astimezone(LIMITS.zone)
    came = cap
    for hours in range(1, 300 * 24):
        if cash + came < level * hours / 24:
            return timedelta(hours=hours)
        at = local + timedelta(hours=hours)
        if at.hour == 0 and (span == "day" or at.weekday() == 0):
            came += cap
    return None
