"""Business days and windows: what the config knows, rules may name."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from budgetd.config import (
    InvalidDocuments,
    calendar_warnings,
    load_config,
    load_policies,
    open_config,
)
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import when_due
from budgetd.core.documents.placing import read_model
from budgetd.core.moment import LocalMoment, Window, parse_moment
from budgetd.core.observation import Observation, Readings
from budgetd.core.policies.calendar import BusinessDay, Calendar, CalendarFile, calendar_of
from budgetd.core.policies.schedule import Schedule, next_slot
from budgetd.core.policies.sharing import meet_in_time

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "policies" / "calendars" / "cn.yaml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
CONFIG = """\
enterprise: acme
provider: {credentials: {access_key: env:AK, secret_key: file:sk}}
limits: {reserve: 10.00}
"""
NAMES = """\
calendar: cn.yaml
windows: {golden-week: {from: "2026-09-30 18:00", until: "2026-10-09 09:00"}}
"""
POLICY = """\
version: 1
policy: p
rules:
  - name: a
    accounts: all
    top_up: {add: 10.00}
    schedule: {monthly: {day: first_business_day, at: "10:00"}}
    caps: {account_per_day: 10.00}
    not_during: [golden-week]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir(mode=0o755)
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    (tmp_path / "cn.yaml").write_bytes(SHIPPED.read_bytes())
    (tmp_path / "config.yaml").write_text(CONFIG + NAMES)
    return tmp_path


def china() -> Calendar:
    file = read_model(SHIPPED.read_bytes(), "cn.yaml", CalendarFile)
    assert isinstance(file, CalendarFile)
    return calendar_of(file)


def monthly(which: str, calendar: Calendar, **more: object) -> Schedule:
    form = {"monthly": {"day": which, "at": "10:00"}, **more}
    return Schedule.model_validate(form, context={"calendar": calendar})


def test_the_shipped_calendar_has_the_business_days_of_2026() -> None:
    calendar = china()
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    worked = [day for day in days if calendar.is_business_day(day)]
    # 365 days, 104 of weekends, 13 statutory holidays.
    assert len(worked) == 365 - 104 - 13
    first = {day.month: day.day for day in reversed(worked)}
    last = {day.month: day.day for day in worked}
    assert list(dict(sorted(first.items())).values()) == [4, 2, 2, 1, 6, 1, 1, 3, 1, 8, 2, 1]
    assert list(last.values()) == [30, 28, 31, 30, 29, 30, 31, 31, 30, 30, 30, 31]
    for which, found in (("first_business_day", first), ("last_business_day", last)):
        rule = BusinessDay(which, calendar)
        assert {day.month: day.day for day in days if rule.falls_on(day)} == found


def test_slots_fall_on_business_days_and_end_with_the_years_that_are_known() -> None:
    at, found = datetime(2026, 8, 31, 12, tzinfo=UTC), []
    schedule = monthly("last_business_day", china())
    while (slot := next_slot(schedule, SHANGHAI, at)) is not None:
        found.append((slot.period, slot.at.day))
        at = slot.at
    assert found == [("2026-09", 30), ("2026-10", 30), ("2026-11", 30), ("2026-12", 31)]


def test_a_year_that_the_calendar_lacks_holds_the_rule_and_says_so(home: Path) -> None:
    config = load_config(home / "config.yaml")
    [(name, rule)] = load_policies(config.policies, config).policy_set.rules()
    now = datetime(2027, 1, 4, 4, tzinfo=UTC)
    known = Observation(
        taken_at=now,
        currency="CNY",
        accounts=(),
        readings={},
        master=Readings(),
        first_loaded={name: datetime(2026, 1, 1, tzinfo=UTC)},
    )
    due = when_due(NamedRule(name=name, rule=rule), known, config.guards(), None)
    assert not due.is_due
    assert due.detail == "the calendar Mainland China has no year 2027"


@pytest.mark.parametrize(
    ("today", "years"),
    [
        ("2026-06-01", []),
        ("2026-11-28", [2027]),
        ("2027-02-01", [2027]),
        ("2027-12-01", [2027, 2028]),
    ],
)
def test_check_warns_of_the_years_that_a_calendar_lacks(
    home: Path, today: str, years: list[int]
) -> None:
    written = open_config(home / "config.yaml")
    loaded = load_policies(written.model.policies, written.model)
    warnings = calendar_warnings(written, loaded, date.fromisoformat(today))
    assert [int(one.message.split("year ")[1][:4]) for one in warnings] == years
    assert all(one.is_warning and one.line == 4 for one in warnings)


def test_rules_without_business_days_need_no_year(home: Path) -> None:
    (home / "policies" / "p.yaml").write_text(POLICY.replace("first_business_day", "4"))
    written = open_config(home / "config.yaml")
    loaded = load_policies(written.model.policies, written.model)
    assert calendar_warnings(written, loaded, date(2030, 1, 1)) == []


def test_a_bad_calendar_refuses_all_and_its_rules_are_not_blamed(home: Path) -> None:
    (home / "cn.yaml").write_text("version: 1\nname: x\nyears: {2026: {holidays: [2025-01-01]}}\n")
    config = load_config(home / "config.yaml")
    with pytest.raises(InvalidDocuments) as refused:
        load_policies(config.policies, config)
    assert [problem.message for problem in refused.value.problems] == [
        "2025-01-01 is no day of 2026"
    ]
    (home / "cn.yaml").unlink()
    with pytest.raises(InvalidDocuments, match="there is no such file"):
        load_policies(config.policies, config)


def test_an_unknown_window_is_refused_with_the_nearest(home: Path) -> None:
    (home / "policies" / "p.yaml").write_text(POLICY.replace("[golden-week]", "[golden-weeks]"))
    config = load_config(home / "config.yaml")
    with pytest.raises(InvalidDocuments) as refused:
        load_policies(config.policies, config)
    [problem] = refused.value.problems
    assert problem.line == 9
    assert problem.message == (
        "the config has no window 'golden-weeks'; did you mean 'golden-week'?"
    )


def test_calendar_and_windows_are_part_of_what_policies_mean(home: Path) -> None:
    def digest() -> str:
        config = load_config(home / "config.yaml")
        return load_policies(config.policies, config).policy_set.digest

    before = digest()
    assert digest() == before
    calendar = (home / "cn.yaml").read_text()
    (home / "cn.yaml").write_text(calendar.replace("2026-10-01..2026-10-07", "2026-10-01"))
    assert digest() != before
    (home / "cn.yaml").write_text(calendar + "# a comment\n")
    assert digest() == before
    (home / "config.yaml").write_text(CONFIG + NAMES.replace("09:00", "10:00"))
    assert digest() != before


def moment(text: str) -> LocalMoment:
    return parse_moment(text)


def test_a_window_is_local_time_and_a_bare_end_is_included() -> None:
    window = Window(name="w", begins=moment("2026-10-25 02:30"), ends=moment("2026-10-25"))
    begin = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    end = datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert window.end_at(begin, BERLIN) == end
    assert window.end_at(begin - timedelta(seconds=1), BERLIN) is None
    assert window.end_at(end, BERLIN) is None
    assert window.end_at(begin, SHANGHAI) == datetime(2026, 10, 25, 16, tzinfo=UTC)


def test_business_days_meet_what_any_year_could_bring() -> None:
    calendar = china()
    first = monthly("first_business_day", calendar)
    last = monthly("last_business_day", calendar)
    early = Schedule.model_validate({"monthly": {"day": "7", "at": "12:00"}})
    middle = Schedule.model_validate({"monthly": {"day": "15", "at": "12:00"}})
    assert not meet_in_time(first, SHANGHAI, last, SHANGHAI)
    assert meet_in_time(first, SHANGHAI, early, SHANGHAI)
    assert not meet_in_time(first, SHANGHAI, middle, SHANGHAI)
    assert meet_in_time(last, SHANGHAI, last, SHANGHAI)
