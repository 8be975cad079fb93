"""What is suggested for a rule, why, and where nothing is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.core.documents.placing import read_model
from budgetd.core.observation import Observation
from budgetd.core.policies.calendar import Calendar
from budgetd.core.policies.policy import Policy
from budgetd.core.policies.schedule import Schedule, longest_gap, next_slot
from budgetd.core.suggesting.suggestion import Advice, Cause, Outcome, Role, Setting
from budgetd.core.suggesting.waiting import together, without_a_person
from budgetd.report.screen import Screen
from budgetd.report.suggest_text import suggest_text
from budgetd.report.suggest_words import outcome_words, runway_yaml

from .histories import HEAD_OF, LIMITS, NOW, SETTING, WORKDAYS, ZONE, burn, files_of, observed

HEAD = "version: 1\npolicy: p\nrules:\n"
UP = "  - {name: up, accounts: all, top_up: {when: {below: 500.00}, to: 2000.00%s}%s}\n"
TOP_UP = "  - {name: up, accounts: all, top_up: {when: %s, to: %s}}\n"
HOME = "  - {name: home, accounts: all, reclaim: {when: {above: %s}, keep: %s}%s}\n"
ALIKE = observed({"a": burn("600"), "b": burn("500"), "c": burn("400")})
DAY = timedelta(days=1)


def advised(
    folder: Path, rules: str, seen: Observation = ALIKE, setting: Setting = SETTING
) -> Advice:
    """What stands of the advice for the first rule."""
    _, proven = files_of(folder, {"p.yaml": HEAD + rules}).proven(seen, setting)
    return proven.advice[0]


def numbers(advice: Advice) -> dict[Role, Decimal]:
    assert advice.outcome is Outcome.SUGGESTED, advice
    return {number.role: number.new for number in advice.numbers}


def test_a_trigger_outlasts_a_day_at_the_upper_edge_of_the_account_that_spends_most(
    tmp_path: Path,
) -> None:
    advice = advised(tmp_path, UP % (", multiple_of: 50.00", ""))
    edge = burn("600").spends(NOW, DAY, ZONE).high
    trigger, target = advice.numbers
    assert trigger.spends == edge
    assert (trigger.account.name, trigger.is_edge, trigger.length) == ("a", True, DAY)
    assert trigger.new == Decimal("800.00") >= edge > trigger.new - 50
    assert (target.base, target.spends) == (trigger.new, Decimal("4200.00"))
    assert target.new == Decimal("5000.00")
    assert advice.basis is not None
    assert (advice.basis.selected, advice.basis.known) == (3, 3)


def test_the_worst_weekdays_decide_and_not_those_of_today(tmp_path: Path) -> None:
    saturday = replace(SETTING, now=datetime(2026, 11, 28, 6, tzinfo=UTC))
    seen = observed({"a": burn("600", weekdays=WORKDAYS)})
    assert numbers(advised(tmp_path, UP % ("", ""), seen, saturday))[Role.TRIGGER] > 900


@pytest.mark.parametrize(
    ("more", "cause", "length"),
    [
        ("schedule: {every: 12h}", Cause.SLOT, timedelta(hours=12)),
        ('schedule: {daily: {at: "09:00"}}', Cause.SLOT, DAY),
        ('schedule: {weekly: {day: monday, at: "09:00"}}', Cause.SLOT, 7 * DAY),
        ('schedule: {monthly: {day: 1, at: "09:00"}}', Cause.SLOT, 31 * DAY),
        ('schedule: {cron: "0 9 * * mon-fri"}', Cause.SLOT, 3 * DAY),
        ("cooldown: 36h", Cause.COOLDOWN, 1.5 * DAY),
        ("mode: propose", Cause.PERSON, 3 * DAY),
    ],
)
def test_a_trigger_outlasts_what_money_may_have_to_wait_for(
    tmp_path: Path, more: str, cause: Cause, length: timedelta
) -> None:
    advice = advised(tmp_path, UP % ("", f", {more}"))
    waits = {wait.cause: wait.length for wait in advice.waits}
    assert waits[cause] == length
    assert waits[Cause.READING] == timedelta(minutes=30)
    trigger = advice.numbers[0]
    assert trigger.length == together(advice.waits) == max(sum(waits.values(), timedelta()), DAY)
    assert trigger.new >= burn("600").spends(NOW, trigger.length, ZONE).high


def test_a_transfer_that_somebody_must_approve_waits_over_the_longest_holidays(
    tmp_path: Path,
) -> None:
    week = frozenset(date(2027, 2, day) for day in range(5, 13))
    calendar = Calendar(name="cn", years=frozenset({2026, 2027}), holidays=week)
    limits = replace(LIMITS, approval_above=Decimal("3000.00"))
    setting = replace(SETTING, limits=limits, calendar=calendar)
    waits = {
        wait.cause: wait.length for wait in advised(tmp_path, UP % ("", ""), setting=setting).waits
    }
    # Friday the 5th to Friday the 12th, and the weekend after: ten days, decided on the eleventh.
    assert waits[Cause.PERSON] == 11 * DAY
    assert without_a_person(None, date(2026, 11, 30)) == 3 * DAY
    small = replace(setting, limits=replace(limits, approval_above=Decimal("20000.00")))
    assert Cause.PERSON not in {
        w.cause for w in advised(tmp_path, UP % ("", ""), setting=small).waits
    }


def test_too_short_a_history_is_told_and_nothing_is_suggested(tmp_path: Path) -> None:
    for other in (None, burn("500", days="6.9"), replace(burn("500"), at=NOW - 8 * DAY)):
        seen = observed({"a": burn("600"), "b": other})
        advice = advised(tmp_path, UP % ("", ""), seen)
        assert (advice.outcome, advice.numbers) == (Outcome.SHORT_HISTORY, ())
        assert advice.basis is not None
        assert (advice.basis.selected, advice.basis.known) == (2, 1)
    many = {f"n{number}": burn("600") for number in range(9)}
    assert numbers(advised(tmp_path, UP % ("", ""), observed({**many, "new": None})))


def test_accounts_of_very_different_burn_get_days_instead_of_one_number(tmp_path: Path) -> None:
    seen = observed({"a": burn("20"), "b": burn("25"), "huge": burn("4000")})
    advice = advised(tmp_path, UP % ("", ""), seen)
    assert (advice.outcome, advice.numbers) == (Outcome.UNEVEN, ())
    told = outcome_words(advice)
    assert "R&D/huge needs" in told
    assert advice.by_runway is not None
    when, to = runway_yaml(advice.by_runway)
    assert f"`{when}`, `{to}`" in told
    rule = f"  - name: up\n    accounts: all\n    top_up:\n      {when}\n      {to}\n"
    assert isinstance(read_model(HEAD + rule, "p.yaml", Policy), Policy)
    home = advised(tmp_path, HOME % ("9000.00", "500.00", ""), seen)
    assert home.by_runway is not None
    when, keep = runway_yaml(home.by_runway)
    rule = f"  - name: home\n    accounts: all\n    reclaim:\n      {when}\n      {keep}\n"
    assert isinstance(read_model(HEAD + rule, "p.yaml", Policy), Policy)


@pytest.mark.parametrize(
    ("rules", "seen", "outcome"),
    [
        (UP % ("", ""), observed({"a": burn("0")}), Outcome.IDLE),
        (UP % ("", ""), observed({}), Outcome.NOBODY),
        (TOP_UP % ("{below: 750.00}", "5000.00"), ALIKE, Outcome.FITS),
        (TOP_UP % ("{runway_below: 3d}", "{runway: 9d, at_most: 9.00}"), ALIKE, Outcome.NO_NUMBER),
        (TOP_UP % ("{below: 5.00, any: [{below: 9.00}]}", "99.00"), ALIKE, Outcome.NO_NUMBER),
    ],
)
def test_where_nothing_is_suggested_it_is_told_why(
    tmp_path: Path, rules: str, seen: Observation, outcome: Outcome
) -> None:
    advice = advised(tmp_path, rules, seen)
    assert (advice.outcome, advice.numbers) == (outcome, ())
    assert outcome_words(advice)
    assert outcome_words(advice) in " ".join(
        suggest_text([advice], 28, Screen(width=200, zone=ZONE), **HEAD_OF).split()
    )


def test_the_rails_of_a_rule_are_peoples_and_bound_what_is_suggested(tmp_path: Path) -> None:
    advice = advised(tmp_path, UP % (", max: 1500.00", ", caps: {account_per_day: 1200.00}"))
    found = numbers(advice)
    assert found[Role.TARGET] <= found[Role.TRIGGER] + 1200
    assert advice.numbers[1].bound == "`account_per_day` of the rule"


@pytest.mark.parametrize(
    ("rails", "what"),
    [
        (", min: 50.00", "`min` of the rule, more than is spent in 7d,"),
        (", min: 50.00, max: 60.00, multiple_of: 40.00", "`max` of the rule"),
    ],
)
def test_what_leaves_no_room_for_a_target_is_named(tmp_path: Path, rails: str, what: str) -> None:
    level = "0.05" if "max" not in rails else "600"
    advice = advised(tmp_path, UP % (rails, ""), observed({"a": burn(level)}))
    assert advice.outcome is Outcome.BOUNDED
    assert outcome_words(advice) == (
        f"Nothing is suggested: {what} leaves no room for a target above its trigger."
    )


def test_a_cap_below_what_is_spent_is_told_and_not_raised(tmp_path: Path) -> None:
    caps = ", caps: {account_per_day: 550.00, account_per_week: 5000.00, rule_per_day: 1400.00}"
    advice = advised(tmp_path, UP % ("", caps))
    told = [(cap.name, cap.spends, cap.account and cap.account.name) for cap in advice.short_caps]
    assert told == [
        ("account_per_day", Decimal("600.00"), "a"),
        ("rule_per_day", Decimal("1500.00"), None),
    ]
    text = " ".join(suggest_text([advice], 28, Screen(width=100, zone=ZONE), **HEAD_OF).split())
    assert "account_per_day lets through 550.00, and R&D/a spends 600.00 in 1d" in text
    assert {number.role for number in advice.numbers} <= {Role.TRIGGER, Role.TARGET}


def test_what_check_would_refuse_is_no_part_of_the_patch(tmp_path: Path) -> None:
    # Lifted to 5,000.00, accounts would be above what the other rule takes home again.
    files = files_of(tmp_path, {"p.yaml": HEAD + UP % ("", "") + HOME % ("2500.00", "2000.00", "")})
    _, proven = files.proven(ALIKE, only="p/up")
    (advice,) = proven.advice
    assert (advice.outcome, advice.numbers) == (Outcome.REFUSED, ())
    assert "`budgetd check` would say" in outcome_words(advice)
    assert proven.texts == {}
    # Looked at together they are moved together, and stand.
    _, both = files.proven(ALIKE)
    assert [one.outcome for one in both.advice] == [Outcome.SUGGESTED] * 2


def test_what_stays_after_a_reclaim_lasts_a_week(tmp_path: Path) -> None:
    found = numbers(advised(tmp_path, HOME % ("600.00", "100.00", "")))
    edge = burn("600").spends(NOW, 7 * DAY, ZONE).high
    assert edge <= found[Role.KEEP] < edge * Decimal("1.1")
    assert found[Role.ABOVE] >= found[Role.KEEP] + 4200


def test_an_amount_once_a_period_outlasts_the_period(tmp_path: Path) -> None:
    rule = (
        "  - {name: up, accounts: all, top_up: {to: 100.00},"
        ' schedule: {weekly: {day: monday, at: "09:00"}}}\n'
    )
    found = numbers(advised(tmp_path, rule))
    assert found[Role.TARGET] >= burn("600").spends(NOW, 7 * DAY, ZONE).high


@pytest.mark.parametrize(
    "schedule",
    [
        {"daily": {"at": "02:30"}},
        {"weekly": {"day": "sunday", "at": "02:30"}},
        {"monthly": {"day": "last", "at": "12:00"}},
        {"monthly": {"day": "31", "at": "12:00", "months": ["2", "6", "7"]}},
        {"cron": "15,45 8-18 * * mon-fri"},
        {"dates": ["2026-12-24", "2027-02-05", "2027-02-06"], "at": "10:00"},
    ],
)
def test_the_longest_gap_is_the_longest_of_all(schedule: dict[str, object]) -> None:
    read = Schedule.model_validate(schedule)
    for zone in (ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")):
        slots = []
        slot = next_slot(read, zone, NOW)
        while slot is not None and slot.at < NOW + 366 * DAY:
            slots.append(slot.at)
            slot = next_slot(read, zone, slot.at)
        gaps = [after - before for before, after in pairwise(slots)]
        assert longest_gap(read, zone, NOW, 366) == max(gaps)
