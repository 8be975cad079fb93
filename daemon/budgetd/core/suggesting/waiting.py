"""How long an account may have to live on its trigger: everything that can stand between the
moment at which it is crossed and money that is there.

The worst cases are added up: they may come together. It may not look at what accounts spend.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.documents.fields import Lasting
from budgetd.core.moment import Window
from budgetd.core.policies.calendar import SATURDAY, Calendar
from budgetd.core.policies.policy import Mode, Rule
from budgetd.core.policies.schedule import longest_gap
from budgetd.core.suggesting.suggestion import Cause, Setting, Wait

AHEAD_DAYS = 366
"""So far ahead slots, windows and holidays are looked for."""

_DAY = timedelta(days=1)


def waits_of(rule: Rule, setting: Setting, *, asks: bool) -> tuple[Wait, ...]:
    """What money of a rule may have to wait for; `asks` says that a person must agree."""
    zone = rule.timezone or setting.limits.zone
    found = [
        Wait(Cause.READING, setting.max_staleness),
        Wait(Cause.LASTING, _lasting(rule, setting)),
        Wait(Cause.SLOT, _slots(rule, setting, zone)),
        Wait(Cause.WINDOW, _windows(rule.not_during or (), setting, zone)),
        Wait(Cause.COOLDOWN, rule.cooldown or timedelta(0)),
        Wait(Cause.SETTLING, setting.limits.reflected_after),
    ]
    if asks:
        today = setting.now.astimezone(setting.limits.zone).date()
        found.append(Wait(Cause.PERSON, without_a_person(setting.calendar, today)))
    return tuple(wait for wait in found if wait.length)


def together(waits: tuple[Wait, ...]) -> timedelta:
    """All of them, at least a day: nobody knows at which hour a day's money goes."""
    return max(sum((wait.length for wait in waits), timedelta(0)), _DAY)


def asks_a_person(rule: Rule, lift: Decimal, setting: Setting) -> bool:
    """Whether a transfer of so much waits for somebody."""
    return rule.mode is Mode.PROPOSE or lift > setting.limits.approval_above


def without_a_person(calendar: Calendar | None, today: date) -> timedelta:
    """The longest time from the evening of a working day to the evening of the next one, of the
    coming year; weekdays are worked where no calendar says otherwise."""
    longest = away = 0
    for distance in range(AHEAD_DAYS):
        away = 0 if _is_worked(calendar, today + distance * _DAY) else away + 1
        longest = max(longest, away)
    return (longest + 1) * _DAY


def _is_worked(calendar: Calendar | None, day: date) -> bool:
    if calendar is not None and day.year in calendar.years:
        return calendar.is_business_day(day)
    return day.weekday() < SATURDAY


def _lasting(rule: Rule, setting: Setting) -> timedelta:
    """How long a trigger must have held; readings come twice in the time that one may be old."""
    lasting = getattr(getattr(rule.action, "when", None), "for_", None)
    if not isinstance(lasting, Lasting):
        return timedelta(0)
    if lasting.readings:
        return (lasting.readings - 1) * setting.max_staleness / 2
    return lasting.length


def _slots(rule: Rule, setting: Setting, zone: ZoneInfo) -> timedelta:
    schedule = rule.schedule
    if schedule is None:
        return timedelta(0)
    if schedule.every is not None:
        return schedule.every
    return longest_gap(schedule, zone, setting.now, AHEAD_DAYS) or timedelta(0)


def _windows(windows: tuple[Window, ...], setting: Setting, zone: ZoneInfo) -> timedelta:
    """The longest of the windows to come; what is over of one that is open is over."""
    ends = setting.now + AHEAD_DAYS * _DAY
    return max(
        (_within(window, setting.now, ends, zone) for window in windows), default=timedelta(0)
    )


def _within(window: Window, begins: datetime, ends: datetime, zone: ZoneInfo) -> timedelta:
    first, last = window.begins.first(zone), window.ends.after(zone)
    if last <= begins or first >= ends:
        return timedelta(0)
    return last - max(first, begins)
