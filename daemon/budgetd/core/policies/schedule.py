"""When a rule is due: the schedules people write, and the slots and periods they mean.

A business day knows its calendar from the moment it is read. It may not ask what time it is, and
it may not know what has fired: `due` compares.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from budgetd.core.documents.fields import ClockTime, Day, Document, Duration, complain, from_text
from budgetd.core.moment import resolve
from budgetd.core.policies.calendar import BusinessDay
from budgetd.core.policies.cron import WEEKDAYS, Cron, parse_cron

DEFAULT_CATCH_UP = timedelta(hours=6)
LONGEST_CATCH_UP = timedelta(days=366)
MOST_OPEN_SLOTS = 1500
_ONE_DAY = timedelta(days=1)
_DAYS_OF_MONTH = frozenset(str(day) for day in range(1, 32))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The rarest slot is 29 February on given months' days: eight years apart around a century.
_FARTHEST_DAYS = 366 * 9


class Daily(Document):
    """Once a day."""

    at: ClockTime = Field(description="local time of day")


def _weekday(value: object) -> object:
    if value not in WEEKDAYS:
        raise complain("a weekday like monday", value)
    return value


class Weekly(Document):
    """Once an ISO week."""

    day: Annotated[
        str, BeforeValidator(_weekday), WithJsonSchema({"type": "string", "enum": list(WEEKDAYS)})
    ] = Field(description="a weekday by name")
    at: ClockTime = Field(description="local time of day")


def _month_day(value: object, info: ValidationInfo) -> object:
    if isinstance(value, BusinessDay):
        return value
    if value in ("first_business_day", "last_business_day"):
        calendar = (info.context or {}).get("calendar")
        if calendar is None:
            raise PydanticCustomError(
                "field",
                "'{key}' needs a `calendar` in the config: it says which days are worked",
                {"key": value},
            )
        return BusinessDay(value, calendar)
    if value == "last":
        return "last"
    if isinstance(value, str) and value in _DAYS_OF_MONTH:
        return int(value)
    raise complain("a day 1 to 31, last, first_business_day or last_business_day", value)


def _months(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise complain("a list of months like [3, 6]", value)
    for month in value:
        if not (isinstance(month, str) and month in {str(number) for number in range(1, 13)}):
            raise complain("a month 1 to 12", month)
    return tuple(int(month) for month in value)


_MONTH_DAY = "^([1-9]|[12][0-9]|3[01]|last|first_business_day|last_business_day)$"
_MONTH_DAY_SCHEMA = WithJsonSchema(
    {
        "type": ["string", "integer"],
        "pattern": _MONTH_DAY,
        "minimum": 1,
        "maximum": 31,
        "examples": [4],
    }
)
_MONTHS_SCHEMA = WithJsonSchema(
    {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": ["string", "integer"],
            "pattern": "^([1-9]|1[0-2])$",
            "minimum": 1,
            "maximum": 12,
        },
        "examples": ["[3, 6]"],
    }
)


class Monthly(Document):
    """Once a month; a day that a shorter month lacks is its last."""

    day: Annotated[
        int | Literal["last"] | BusinessDay, BeforeValidator(_month_day), _MONTH_DAY_SCHEMA
    ] = Field(description="1 to 31, last, first_business_day or last_business_day")
    at: ClockTime = Field(description="local time of day")
    months: Annotated[tuple[int, ...], BeforeValidator(_months), _MONTHS_SCHEMA] | None = Field(
        None, description="only in these months, 1 to 12; every month where it is left out"
    )


def _catch_up_limit(value: timedelta) -> timedelta:
    if value > LONGEST_CATCH_UP:
        raise PydanticCustomError("field", "a catch_up ends at 366d")
    return value


CronText = Annotated[
    Cron,
    BeforeValidator(from_text("a cron expression like 30 9 * * mon-fri", parse_cron, Cron)),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\S+( +\S+){4}$", "examples": ["30 9 * * mon-fri"]}
    ),
]
CatchUp = Annotated[Duration, AfterValidator(_catch_up_limit)]


class Schedule(Document):
    """One of `every`, `daily`, `weekly`, `monthly`, `dates` with `at`, `cron`."""

    every: Duration | None = Field(None, description="an interval; it has no slots")
    daily: Daily | None = Field(None, description="once a day")
    weekly: Weekly | None = Field(None, description="once an ISO week")
    monthly: Monthly | None = Field(None, description="once a month")
    dates: tuple[Day, ...] | None = Field(None, min_length=1, description="on these days, at `at`")
    at: ClockTime | None = Field(None, description="with `dates`: local time of day")
    cron: CronText | None = Field(None, description="minute hour day month weekday (by name)")
    catch_up: CatchUp | None = Field(None, description="how long a late slot is still served; 6h")

    @model_validator(mode="after")
    def _one_form(self) -> "Schedule":
        forms = ("every", "daily", "weekly", "monthly", "dates", "cron")
        written = [name for name in forms if getattr(self, name) is not None]
        if len(written) != 1:
            raise PydanticCustomError(
                "field",
                "expected one of {forms}, found {found}",
                {"forms": ", ".join(forms), "found": " and ".join(written) or "none"},
            )
        if (self.dates is None) != (self.at is None):
            raise PydanticCustomError("field", "`dates` and `at` go together")
        if self.every is not None and self.catch_up is not None:
            raise PydanticCustomError("field", "`every` has no slots for a `catch_up`")
        return self

    @property
    def is_calendar(self) -> bool:
        """Whether it names slots of the calendar, rather than an interval."""
        return self.every is None

    @property
    def business_day(self) -> BusinessDay | None:
        """The business day it names, with the calendar that knows it."""
        day = self.monthly.day if self.monthly is not None else None
        return day if isinstance(day, BusinessDay) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One occasion of a calendar rule. `period` is the label that counts, and alone; `at` (UTC)
    is when it comes, `until` (UTC) is the first instant at which it is no longer served,
    `label_ends` (UTC) the first at which no other hour of the schedule could bear its label."""

    period: str
    at: datetime
    until: datetime
    label_ends: datetime


def tick_of(every: timedelta, at: datetime) -> datetime:
    """The last tick of an interval by `at`: ticks are counted from the epoch, so that neither a
    restart nor a reload moves them."""
    return _EPOCH + (at - _EPOCH) // every * every


def latest_slot(schedule: Schedule, zone: ZoneInfo, at: datetime) -> Slot | None:
    """The last slot that has come by `at`; None if none has, or the schedule has no slots."""
    return next(slots_back(schedule, zone, at), None)


def next_slot(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Slot | None:
    """The first slot that comes later than `after`; None where none is left."""
    clocks = _clocks(schedule)
    for day in _days(schedule, _local_day(after, zone) - _ONE_DAY, 1):
        index = bisect_right(clocks, after, key=lambda clock: resolve(day, clock, zone))
        if index < len(clocks):
            return _slot(schedule, zone, day, clocks[index])
    return None


def longest_gap(schedule: Schedule, zone: ZoneInfo, after: datetime, days: int) -> timedelta | None:
    """The longest time between two slots that follow each other, of those that come within so
    many days; None where fewer than two come."""
    clocks, start = _clocks(schedule), _local_day(after, zone)
    within = max((_between(*pair) for pair in pairwise(clocks)), default=None)
    longest: timedelta | None = None
    before: datetime | None = None
    for day in _days(schedule, start, 1):
        if (day - start).days > days:
            break
        gaps = [longest, within]
        if before is not None:
            gaps.append(resolve(day, clocks[0], zone) - before)
        longest = max((gap for gap in gaps if gap is not None), default=None)
        before = resolve(day, clocks[-1], zone)
    return longest


def _between(first: time, second: time) -> timedelta:
    return datetime.combine(date.min, second) - datetime.combine(date.min, first)


def open_slots(schedule: Schedule, zone: ZoneInfo, at: datetime) -> tuple[Slot, ...]:
    """Every slot that has come by `at` and is still served, oldest first; the newest 1500."""
    found: list[Slot] = []
    earliest = _local_day(at - (schedule.catch_up or DEFAULT_CATCH_UP), zone) - _ONE_DAY
    for slot in slots_back(schedule, zone, at, earliest):
        if slot.until <= at or len(found) == MOST_OPEN_SLOTS:
            break
        found.append(slot)
    return tuple(reversed(found))


def slots_back(
    schedule: Schedule, zone: ZoneInfo, at: datetime, earliest: date = date.min
) -> Iterator[Slot]:
    """The slots that have come by `at`, newest first, none of a local day before `earliest`.

    Local order is order in time: of an hour that comes twice the first counts, and a gap maps to
    its end.
    """
    clocks = _clocks(schedule)
    for day in _days(schedule, _local_day(at, zone) + _ONE_DAY, -1, earliest):
        count = bisect_right(clocks, at, key=lambda clock: resolve(day, clock, zone))
        for clock in reversed(clocks[:count]):
            yield _slot(schedule, zone, day, clock)


def _local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _clocks(schedule: Schedule) -> tuple[time, ...]:
    """The times of day a slot can come at, in order; none of an interval."""
    if schedule.cron is not None:
        return schedule.cron.clocks
    form = schedule.daily or schedule.weekly or schedule.monthly
    clock = form.at if form else schedule.at
    return (clock,) if clock is not None else ()


def _days(schedule: Schedule, start: date, step: int, earliest: date = date.min) -> Iterator[date]:
    """The days that have slots, from `start` on, forwards (1) or backwards (-1)."""
    if schedule.dates is not None:
        ordered = sorted(set(schedule.dates), reverse=step < 0)
        yield from (day for day in ordered if (day - start).days * step >= 0 and day >= earliest)
    elif schedule.is_calendar:
        months, day = _months_of(schedule), start
        while abs((day - start).days) < _FARTHEST_DAYS and day >= earliest:
            if months is not None and day.month not in months:
                # The last day of the month, on the way we go: whole months are passed over.
                first = day.replace(day=1)
                day = (first + timedelta(days=32)).replace(day=1) - _ONE_DAY if step > 0 else first
            elif _falls_on(schedule, day):
                yield day
            day += timedelta(days=step)


def _months_of(schedule: Schedule) -> Collection[int] | None:
    """The months it has slots in; None is every one."""
    if schedule.cron is not None:
        return schedule.cron.months
    return schedule.monthly.months if schedule.monthly is not None else None


def _falls_on(schedule: Schedule, day: date) -> bool:
    if schedule.daily is not None:
        return True
    if schedule.weekly is not None:
        return WEEKDAYS[day.weekday()] == schedule.weekly.day
    if schedule.cron is not None:
        return schedule.cron.falls_on(day)
    monthly = schedule.monthly
    assert monthly is not None
    if monthly.months is not None and day.month not in monthly.months:
        return False
    if isinstance(monthly.day, BusinessDay):
        return monthly.day.falls_on(day)
    is_last = (day + _ONE_DAY).month != day.month
    if monthly.day == "last":
        return is_last
    return day.day == monthly.day or (is_last and day.day < monthly.day)


def _slot(schedule: Schedule, zone: ZoneInfo, day: date, clock: time) -> Slot:
    at = resolve(day, clock, zone)
    end = resolve(_first_day_after(schedule, day), time(0), zone)
    until = min(at + DEFAULT_CATCH_UP, end)
    if schedule.catch_up is not None:
        until = at + schedule.catch_up
    has_minutes = schedule.cron is not None or schedule.dates is not None
    return Slot(
        period=_period(schedule, day, clock),
        at=at,
        until=until,
        label_ends=until if has_minutes else max(until, end),
    )


def _period(schedule: Schedule, day: date, clock: time) -> str:
    if schedule.daily is not None:
        return day.isoformat()
    if schedule.weekly is not None:
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    if schedule.monthly is not None:
        return f"{day.year:04}-{day.month:02}"
    return f"{day.isoformat()}T{clock:%H:%M}"


def _first_day_after(schedule: Schedule, day: date) -> date:
    """The first day beyond the slot's day, week or month."""
    if schedule.weekly is not None:
        return day + timedelta(days=7 - day.weekday())
    if schedule.monthly is not None:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + _ONE_DAY
