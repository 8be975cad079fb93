"""Why a selector leaves an account out, how far a trigger is, and when the span of a cap ends."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.config.limits import LimitsSection, Polling
from budgetd.core.burn import Burn
from budgetd.core.decisions.due import is_valid
from budgetd.core.decisions.explaining import misses
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Instrument, Unit
from budgetd.core.moment import day_of, month_of, week_of
from budgetd.core.observation import Account, Observation, Ok, Organization, Readings, Status
from budgetd.core.plans.explaining import (
    Explanation,
    alerts_of,
    explain,
    holds_of,
    moves_of,
    span_end,
)
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.core.policies.selector import Match, selects
from budgetd.report.explain_json import explain_json
from budgetd.report.explain_text import explain_text
from budgetd.report.screen import Screen

from .worlds import world_of

LABELS = {"day": day_of, "week": week_of, "month": month_of}
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"]


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2)


LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "id": some("1", "2"),
        "name": some("a*", "*b", "ab", "?"),
        "display_name": some("a*", "b"),
        "org": st.one_of(some("/A", "/A/*", "/**"), st.just({"id": ["u1"]})),
        "status": some("normal", "closing"),
    },
).filter(bool)
SELECTORS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda leaf, parts: {**leaf, "any": parts}, LEAVES, st.lists(inner, min_size=1)),
        st.builds(lambda leaf, part: {**leaf, "not": part}, LEAVES, inner),
    ),
    max_leaves=4,
).map(Match.model_validate)
UNITS = st.one_of(
    st.none(),
    st.builds(
        Organization,
        id=st.sampled_from(["u1", "u2"]),
        name=st.just("x"),
        path=st.sampled_from([(), ("A",), ("A", "B"), ("B",)]),
    ),
)
ACCOUNTS = st.builds(
    Account,
    id=st.sampled_from(["1", "2", "3"]),
    name=st.sampled_from(["a", "b", "ab", "ba"]),
    display_name=st.sampled_from(["", "a", "b"]),
    status=st.sampled_from([Status.NORMAL, Status.CLOSING]),
    organization=UNITS,
)


@given(selector=SELECTORS, account=ACCOUNTS)
@settings(max_examples=300)
def test_a_key_is_named_exactly_where_the_selector_leaves_the_account_out(
    selector: Match, account: Account
) -> None:
    assert bool(misses(selector, account)) is (selects(selector, account) is not True)


@given(
    at=st.integers(0, 4 * 365 * 24 * 3600).map(lambda s: BEGINS + timedelta(seconds=s)),
    span=st.sampled_from(sorted(LABELS)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_span_ends_with_its_last_local_instant(at: datetime, span: str, zone: ZoneInfo) -> None:
    end, label = span_end(span, at, zone), LABELS[span]
    assert end is not None
    assert end > at
    assert label(end, zone) != label(at, zone)
    assert label(end - timedelta(microseconds=1), zone) == label(at, zone)


@pytest.mark.parametrize("word", ["ever", ""])
def test_what_has_no_end_has_none(word: str) -> None:
    assert span_end(word, datetime(2026, 11, 30, tzinfo=UTC), ZoneInfo("UTC")) is None


WEB = Account(id="web", name="web", display_name="", status=Status.NORMAL, organization=None)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SCREEN = Screen(width=100, zone=ZoneInfo("UTC"))
RULES = """\
version: 1
policy: p
rules:
  - name: low
    accounts: all
    top_up: {when: {any: [{below: 500.00}, {runway_below: 3d}]}, to: 2000.00}
  - name: rich
    accounts: all
    alert: {when: {above: 5000.00}}
"""


def explained(cash: str, burn: Burn | None) -> tuple[Explanation, Observation]:
    """What the rules say of an account with that much cash, which spends so."""
    policy = read_model(RULES, "p.yaml", Policy)
    assert isinstance(policy, Policy)
    unit = Unit(account_id="web", instrument=Instrument.CASH)
    observation = Observation(
        taken_at=NOW,
        currency="CNY",
        accounts=(WEB,),
        readings={"web": Readings(cash=Ok(Decimal(cash), NOW))},
        master=Readings(cash=Ok(Decimal("100000.00"), NOW)),
        burns={} if burn is None else {unit: burn},
    )
    limits = LimitsSection().for_core(ZoneInfo("UTC"), Polling())
    frame = Frame(enterprise="acme", mode="enforce", policies=PolicySet((policy,), "sha256:0"))
    return explain(frame, observation, limits), observation


def test_the_crossing_is_told_where_the_burn_is_known_and_spending_leads_there() -> None:
    burn = Burn(at=NOW, value=Decimal("1000.00"), level=Decimal("100.00"))
    low, rich = explained("1000.00", burn)[0].rules
    by_amount, by_runway = low.distances
    assert by_amount.crossing is not None
    assert by_amount.crossing.middle == timedelta(days=5)
    assert (by_runway.length, by_runway.bound) == (timedelta(days=3), Decimal("300.00"))
    assert by_runway.crossing is not None
    assert by_runway.crossing.middle == timedelta(days=7)
    (above,) = rich.distances
    assert above.crossing is None, "who spends gets no richer"
    text = explain_text(*explained("1000.00", burn), NOW, SCREEN)
    assert (
        "spends 100.00 (100.00 to 100.00) in the next 24 hours, lasts 10 d (10 d to 10 d)" in text
    )
    assert "gets there about 2026-12-05 12:00" in text
    assert "below a runway of 3d, at its burn 300.00; 1,000.00 is 700.00 away" in text


def test_at_the_told_instant_the_reading_is_at_the_trigger_and_a_cent_later_it_acts() -> None:
    burn = Burn(at=NOW, value=Decimal("1000.00"), level=Decimal("100.00"))
    low = explained("1000.00", burn)[0].rules[0]
    takes = low.distances[0].crossing
    assert takes is not None
    left = Decimal("1000.00") - burn.spends(NOW, takes.middle, ZoneInfo("UTC")).middle
    assert not explained(str(left), None)[0].plan.transfers
    assert explained(str(left - Decimal("0.01")), None)[0].plan.transfers


def test_without_a_burn_no_crossing_is_told_and_an_idle_account_never_gets_there() -> None:
    unknown = explained("1000.00", None)[0].rules[0]
    assert [(one.key, one.crossing) for one in unknown.distances] == [("below", None)]
    idle = Burn(at=NOW, value=Decimal("1000.00"), level=Decimal(0))
    told, observation = explained("1000.00", idle)
    assert "at its burn it does not get there" in explain_text(told, observation, NOW, SCREEN)
    document = json.loads(explain_json(told, observation, NOW, SCREEN.zone))
    assert document["burn"]["lasts_s"] == {"low": None, "middle": None, "high": None}
    assert document["rules"][0]["triggers"][0]["crossing"] == {
        "early": None,
        "middle": None,
        "late": None,
    }


@given(number=st.integers(0, 10**9), which=st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_whatever_the_world_every_rule_is_told_once_as_the_engine_says_it(
    number: int, which: int
) -> None:
    world = world_of(number)
    account = world.observation.accounts[which % len(world.observation.accounts)]
    alone = replace(world.observation, accounts=(account,))
    told = explain(world.frame, alone, world.limits)
    assert {one.named.name for one in told.rules} == {name for name, _ in world.policies.rules()}
    engine = replace(world, observation=alone).plan()
    assert told.plan == engine
    for one in told.rules:
        is_valid_now = is_valid(one.named.rule, world.limits.zone, alone.taken_at)
        assert one.is_live is is_valid_now
        if one.is_live and not one.misses:
            assert _told(engine, one.named.name), "the engine leaves no rule without a word"
        if one.then is not None:
            later = replace(alone, taken_at=one.then.taken_at, began_at=None, is_preview=True)
            assert one.then == replace(world, observation=later).plan()
        assert all(distance.is_met is (distance.gap < 0) for distance in one.distances)
    text = explain_text(told, alone, alone.taken_at, SCREEN)
    assert all(one.named.name in text for one in told.rules)
    document = json.loads(explain_json(told, alone, alone.taken_at, SCREEN.zone))
    assert len(document["held"]) == sum(len(one["held"]) for one in document["rules"])


def _told(plan: Plan, rule: str) -> list[object]:
    """All that a plan says of a rule."""
    return [*moves_of(plan, rule), *alerts_of(plan, rule), *holds_of(plan, rule)]
