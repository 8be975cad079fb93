"""Business days: what a calendar file says of holidays and make-up workdays, year by year.

A year that the file lacks has no business days at all: weekdays are no substitute for what a
government announces. It may not read files, nor ask what day it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from budgetd.core.documents.fields import Document, Text, Version, from_text
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.core.moment import parse_date

LONGEST_SPAN = timedelta(days=31)
SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row, both ends included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Each of them."""
        for distance in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=distance)


def _span(text: str) -> Span:
    first, dots, last = text.partition("..")
    span = Span(parse_date(first), parse_date(last if dots else first))
    if not span.first <= span.last < span.first + LONGEST_SPAN:
        raise ValueError("a span runs forward, over 31 days at most")
    return span


def _year(text: str) -> int:
    if not (len(text) == 4 and text.isascii() and text.isdigit() and text > "1970"):
        raise ValueError("")
    return int(text)


Days = Annotated[
    Span,
    BeforeValidator(from_text("a date, or a span like 2026-10-01..2026-10-07", _span, Span)),
    WithJsonSchema({"type": "string", "examples": ["2026-10-01..2026-10-07"]}),
]
YearNumber = Annotated[int, BeforeValidator(from_text("a year like 2026", _year, int))]


class Year(Document):
    """One year as it was announced."""

    holidays: tuple[Days, ...] = Field((), description="days off; weekends need not be named")
    workdays: tuple[Days, ...] = Field((), description="weekend days that are worked")


class CalendarFile(Document):
    """A file of business days."""

    version: Version = Field(description="of this format")
    name: Text = Field(description="for people")
    source: Text | None = Field(None, description="who announced it, where")
    years: dict[YearNumber, Year] = Field(min_length=1, description="every year that is known")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked, in the years it knows."""

    name: str
    years: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def is_business_day(self, day: date) -> bool:
        """Whether the day is surely worked; never in a year it does not know."""
        if day.year not in self.years or day in self.holidays:
            return False
        return day in self.workdays or day.weekday() < SATURDAY


NO_YEARS = Calendar(name="unread")
"""Stands for a calendar whose file is refused, so that its rules are not refused as well."""


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """The first or the last business day of a month, by a calendar."""

    which: Literal["first_business_day", "last_business_day"]
    calendar: Calendar

    def falls_on(self, day: date) -> bool:
        """Whether it is this day."""
        if not self.calendar.is_business_day(day):
            return False
        step = -_ONE_DAY if self.which == "first_business_day" else _ONE_DAY
        other = day + step
        while other.month == day.month:
            if self.calendar.is_business_day(other):
                return False
            other += step
        return True


def calendar_of(file: CalendarFile) -> Calendar:
    """What the file says."""
    years = file.years.values()
    return Calendar(
        name=file.name,
        years=frozenset(file.years),
        holidays=_days(span for year in years for span in year.holidays),
        workdays=_days(span for year in years for span in year.workdays),
    )


def _days(spans: Iterable[Span]) -> frozenset[date]:
    return frozenset(day for span in spans for day in span.days())


def judge_calendar(written: Written[CalendarFile]) -> list[Problem]:
    """What is wrong between the fields of a calendar, each at its line."""
    return sorted(set(_problems(written)))


def _problems(written: Written[CalendarFile]) -> Iterator[Problem]:
    for number, year in written.model.years.items():
        holidays = _days(year.holidays)
        for name, spans in (("holidays", year.holidays), ("workdays", year.workdays)):
            for index, span in enumerate(spans):
                place = ("years", str(number), name, index)
                for day in span.days():
                    wrong = _wrong(day, number, name, holidays)
                    if wrong:
                        yield written.problem(place, f"{day.isoformat()} {wrong}")
                        break


def _wrong(day: date, year: int, name: str, holidays: frozenset[date]) -> str:
    if day.year != year:
        return f"is no day of {year}"
    if name == "workdays" and day in holidays:
        return "is a holiday above"
    if name == "workdays" and day.weekday() < SATURDAY:
        return "is worked anyway: workdays are Saturdays and Sundays"
    return ""
