"""Cron expressions: minute, hour, day, month, weekday, read into the sets they mean.

Weekdays have names alone, since programs disagree about their numbers. It may not know zones or
instants: `schedule` does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NAMES_OF_DAYS = {name: number for number, day in enumerate(WEEKDAYS) for name in (day, day[:3])}
_NAMES_OF_MONTHS = {name: number for number, name in enumerate(MONTHS, 1)}
_PART = re.compile(r"(\*|[a-z]+|[0-9]{1,2})(?:-([a-z]+|[0-9]{1,2}))?(?:/([0-9]{1,2}))?", re.ASCII)


class CronError(ValueError):
    """A text that is not a cron expression; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The local minutes it names: every one of `clocks`, in order, on each day that fits."""

    text: str
    clocks: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def falls_on(self, day: date) -> bool:
        """Whether it names minutes of this day."""
        return day.month in self.months and day.day in self.days and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: Mapping[str, int]
    takes_numbers: bool = True


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, _NAMES_OF_MONTHS),
    _Field("weekday", 0, 6, _NAMES_OF_DAYS, takes_numbers=False),
)


def parse_cron(text: str) -> Cron:
    """`30 9 * * mon-fri`; raises `CronError` for anything else, and for what never comes."""
    parts = text.split(" ")
    if len(parts) != 5 or not all(parts):
        raise CronError("five fields, one space between: minute hour day month weekday")
    minutes, hours, days, months, weekdays = (
        _values(field, part) for field, part in zip(_FIELDS, parts, strict=True)
    )
    if parts[2] != "*" and parts[4] != "*":
        raise CronError("a day and a weekday together are ambiguous; leave one of them at *")
    if not any(day <= _LONGEST_MONTHS[month - 1] for month in months for day in days):
        raise CronError("no month it names has such a day: it would never come")
    return Cron(
        text=text,
        clocks=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=weekdays,
    )


def _values(field: _Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        matched = _PART.fullmatch(part)
        if not matched:
            raise CronError(f"'{part}' is no {field.name}")
        first, last, step = matched.groups()
        if first == "*":
            if last is not None:
                raise CronError(f"'{part}' is no {field.name}")
            low, high = field.low, field.high
        else:
            low = _value(field, first)
            high = _value(field, last) if last else (field.high if step else low)
        if low > high:
            raise CronError(f"the range {part} runs backwards")
        if step is not None and int(step) == 0:
            raise CronError("a step of 0 never ends")
        found.update(range(low, high + 1, int(step) if step else 1))
    return frozenset(found)


def _value(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names[text]
    if not text.isdigit():
        raise CronError(f"'{text}' is no {field.name}")
    if not field.takes_numbers:
        raise CronError(
            "weekdays by name, like mon: programs disagree whether 1 is Sunday or Monday"
        )
    value = int(text)
    if not field.low <= value <= field.high:
        raise CronError(f"a {field.name} runs from {field.low} to {field.high}")
    return value
