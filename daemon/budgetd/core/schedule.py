"""When a rule is due: the schedules people write, and the slots and periods they mean.

It may not ask what time it is, and it may not know what has fired: `decision` compares.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetd.core.fields import ClockTime, Day, Document, Duration, Text, complain

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Daily(Document):
    """Once a day."""

    at: ClockTime


def _weekday(value: object) -> object:
    if value not in WEEKDAYS:
        raise complain("a weekday like monday", value)
    return value


class Weekly(Document):
    """Once an ISO week."""

    day: Annotated[str, BeforeValidator(_weekday)]
    at: ClockTime


def _month_day(value: object) -> object:
    if value in ("first_business_day", "last_business_day"):
        raise PydanticCustomError(
            "later", "'{key}' has no effect yet in this version", {"key": value}
        )
    if value == "last":
        return "last"
    if isinstance(value, str) and value.isascii() and value.isdigit() and 1 <= int(value) <= 31:
        return int(value)
    raise complain("a day 1 to 31, or last", value)


def _months(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise complain("a list of months like [3, 6]", value)
    for month in value:
        if not (isinstance(month, str) and month in {str(number) for number in range(1, 13)}):
            raise complain("a month 1 to 12", month)
    return tuple(int(month) for month in value)


class Monthly(Document):
    """Once a month; a day that a shorter month lacks is its last."""

    day: Annotated[int | Literal["last"], BeforeValidator(_month_day)]
    at: ClockTime
    months: Annotated[tuple[int, ...] | None, BeforeValidator(_months)] = None


class Schedule(Document):
    """One of `every`, `daily`, `weekly`, `monthly`, `dates` with `at`, `cron`."""

    every: Duration | None = None
    daily: Daily | None = None
    weekly: Weekly | None = None
    monthly: Monthly | None = None
    dates: tuple[Day, ...] | None = Field(None, min_length=1)
    at: ClockTime | None = Field(None, description="with `dates`")
    cron: Text | None = Field(None, description="minute hour day month weekday, weekdays by name")
    catch_up: Duration | None = Field(None, description="how long a late slot is still served; 6h")

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
        return self

    @property
    def is_calendar(self) -> bool:
        """Whether it names slots of the calendar, rather than an interval."""
        return self.every is None
