"""Slots: which one has come, which one comes next, and what their periods are called."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetd.core.policies.cron import CronError, parse_cron
from budgetd.core.policies.schedule import Schedule, latest_slot, next_slot, open_slots

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [SHANGHAI, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("UTC")]
FORMS = [
    {"daily": {"at": "02:30"}},
    {"daily": {"at": "00:00"}},
    {"weekly": {"day": "sunday", "at": "02:30"}},
    {"monthly": {"day": "31", "at": "23:59"}},
    {"monthly": {"day": "last", "at": "12:00"}},
    {"monthly": {"day": "29", "at": "01:30", "months": ["2", "3", "10", "11"]}},
    {"cron": "*/20 1-3 * * sun"},
    {"cron": "0 2,3 28-31 mar,oct *"},
    {"cron": "30 * * * *"},
    {"dates": ["2026-03-29", "2026-10-25", "2027-03-14"], "at": "02:30"},
]
START = datetime(2024, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 7 * 366 * 86400).map(lambda second: START + timedelta(seconds=second))


def schedule(**written: object) -> Schedule:
    return Schedule.model_validate(written)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "at", "period", "slot_at", "until"),
    [
        (
            {"daily": {"at": "09:00"}},
            "2026-11-30 02:00",
            "2026-11-30",
            "2026-11-30 01:00",
            "2026-11-30 07:00",
        ),
        (
            {"daily": {"at": "21:00"}},
            "2026-11-30 14:00",
            "2026-11-30",
            "2026-11-30 13:00",
            "2026-11-30 16:00",
        ),
        (
            {"weekly": {"day": "sunday", "at": "22:00"}},
            "2027-01-03 15:00",
            "2026-W53",
            "2027-01-03 14:00",
            "2027-01-03 16:00",
        ),
        (
            {"weekly": {"day": "monday", "at": "20:00"}},
            "2026-11-30 13:00",
            "2026-W49",
            "2026-11-30 12:00",
            "2026-11-30 18:00",
        ),
        (
            {"monthly": {"day": "last", "at": "22:00"}},
            "2026-11-30 14:30",
            "2026-11",
            "2026-11-30 14:00",
            "2026-11-30 16:00",
        ),
        (
            {"monthly": {"day": "31", "at": "10:00"}},
            "2026-02-28 03:00",
            "2026-02",
            "2026-02-28 02:00",
            "2026-02-28 08:00",
        ),
        (
            {"monthly": {"day": "4", "at": "10:00"}, "catch_up": "3d"},
            "2026-12-05 00:00",
            "2026-12",
            "2026-12-04 02:00",
            "2026-12-07 02:00",
        ),
        (
            {"monthly": {"day": "1", "at": "10:00", "months": ["3", "6"]}},
            "2026-05-20 00:00",
            "2026-03",
            "2026-03-01 02:00",
            "2026-03-01 08:00",
        ),
        (
            {"cron": "15 9 * * mon-fri"},
            "2026-11-29 00:00",
            "2026-11-27T09:15",
            "2026-11-27 01:15",
            "2026-11-27 07:15",
        ),
        (
            {"dates": ["2026-12-24", "2026-01-02"], "at": "10:00"},
            "2026-11-29 00:00",
            "2026-01-02T10:00",
            "2026-01-02 02:00",
            "2026-01-02 08:00",
        ),
    ],
)
def test_the_latest_slot_has_its_label_and_its_end(
    form: dict[str, object], at: str, period: str, slot_at: str, until: str
) -> None:
    slot = latest_slot(schedule(**form), SHANGHAI, utc(at))
    assert slot is not None
    assert (slot.period, slot.at, slot.until) == (period, utc(slot_at), utc(until))


def test_an_hour_that_a_night_lacks_is_the_first_instant_after_the_gap() -> None:
    slot = latest_slot(schedule(daily={"at": "02:30"}), BERLIN, utc("2026-03-29 12:00"))
    assert slot is not None
    assert slot.at == utc("2026-03-29 01:00")
    assert slot.period == "2026-03-29"


def test_an_hour_that_comes_twice_fires_at_the_first_and_once() -> None:
    daily = schedule(daily={"at": "02:30"})
    first = next_slot(daily, BERLIN, utc("2026-10-24 12:00"))
    assert first is not None
    assert first.at == utc("2026-10-25 00:30")
    second = next_slot(daily, BERLIN, first.at)
    assert second is not None
    assert second.period == "2026-10-26"


def test_an_interval_has_no_slots() -> None:
    every = schedule(every="15m")
    now = utc("2026-11-30 00:00")
    assert latest_slot(every, SHANGHAI, now) is None
    assert next_slot(every, SHANGHAI, now) is None
    assert open_slots(every, SHANGHAI, now) == ()


def test_dates_end() -> None:
    dates = schedule(dates=["2026-12-24"], at="10:00")
    assert next_slot(dates, SHANGHAI, utc("2026-12-24 02:00")) is None
    assert latest_slot(dates, SHANGHAI, utc("2026-12-24 01:59")) is None


def test_a_leap_day_is_found_across_a_century() -> None:
    leap = schedule(cron="0 0 29 feb *")
    slot = next_slot(leap, ZoneInfo("UTC"), utc("2096-03-01 00:00"))
    assert slot is not None
    assert slot.at == utc("2104-02-29 00:00")


def test_late_slots_stay_open_until_their_catch_up_ends() -> None:
    daily = schedule(daily={"at": "10:00"}, catch_up="49h")
    slots = open_slots(daily, SHANGHAI, utc("2026-11-30 02:30"))
    assert [slot.period for slot in slots] == ["2026-11-28", "2026-11-29", "2026-11-30"]


@given(form=st.sampled_from(FORMS), zone=st.sampled_from(ZONES), at=INSTANTS)
@settings(max_examples=300, deadline=None)
def test_latest_and_next_bracket_every_instant(
    form: dict[str, object], zone: ZoneInfo, at: datetime
) -> None:
    written = schedule(**form)
    latest, following = latest_slot(written, zone, at), next_slot(written, zone, at)
    if latest is not None:
        assert latest.at <= at
        assert latest.until >= latest.at
        assert next_slot(written, zone, latest.at) == following
    if following is not None:
        assert following.at > at
        again = latest_slot(written, zone, following.at)
        assert again is not None
        assert again.at == following.at


@given(form=st.sampled_from(FORMS), zone=st.sampled_from(ZONES), year=st.integers(2024, 2030))
@settings(max_examples=30, deadline=None)
def test_each_period_comes_once_and_in_order(
    form: dict[str, object], zone: ZoneInfo, year: int
) -> None:
    written = schedule(**form)
    at, periods = datetime(year, 1, 1, tzinfo=UTC), []
    for _ in range(400):
        slot = next_slot(written, zone, at)
        if slot is None or slot.at.year > year:
            break
        periods.append(slot.period)
        at = slot.at
    assert periods == sorted(set(periods))


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_daily_slot_comes_on_every_day_of_years(zone: ZoneInfo) -> None:
    written = schedule(daily={"at": "02:30"})
    at, day = datetime(2024, 1, 1, 12, tzinfo=UTC), None
    for _ in range(900):
        slot = next_slot(written, zone, at)
        assert slot is not None
        this = date.fromisoformat(slot.period)
        assert day is None or this - day == timedelta(days=1)
        at, day = slot.at, this


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 9 * * 1", "weekdays by name"),
        ("0 9 30 feb *", "never come"),
        ("0 9 31 apr,jun *", "never come"),
        ("0 9 1 * mon", "ambiguous"),
        ("0 24 * * *", "0 to 23"),
        ("0  9 * * *", "five fields"),
        ("0 9 * * MON", "no weekday"),
        ("0 9 * foo *", "no month"),
        ("@daily", "five fields"),
        ("*-5 9 * * *", "no minute"),
    ],
)
def test_what_is_no_cron_expression_says_why(text: str, said: str) -> None:
    with pytest.raises(CronError, match=said):
        parse_cron(text)


def test_cron_takes_lists_ranges_steps_and_names() -> None:
    cron = parse_cron("0,30 8-18/5 * jan-mar,12 mon-fri")
    assert [f"{clock:%H:%M}" for clock in cron.clocks] == [
        "08:00",
        "08:30",
        "13:00",
        "13:30",
        "18:00",
        "18:30",
    ]
    assert cron.months == {1, 2, 3, 12}
    assert cron.weekdays == {0, 1, 2, 3, 4}
