"""Spends by local day: how much, and how much of the day was seen. Pure.

What is billed is one more source of days, for accounts whose readings are too few. It may not
judge what the days mean.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.forecast.spending import Spend
from budgetd.core.moment import resolve
from budgetd.core.money import ZERO

_SECOND = timedelta(seconds=1)
_DAY_S = 86400
_FEW = 5  # days that must be known before one fall can be told to be unlike them
_JUMP = 5  # a fall of so many usual days at once is no spending
_LUMP = 3  # unless there are so many like it


@dataclass(frozen=True, slots=True)
class DaySpend:
    """One local day: the amount that was spent in the `seen` share of it (0 to 1)."""

    day: date
    amount: Decimal
    seen: Decimal

    @property
    def whole(self) -> Decimal:
        """The amount of the whole day, had the rest been like what was seen."""
        return self.amount / self.seen


def days_of(spends: Sequence[Spend], zone: ZoneInfo) -> tuple[DaySpend, ...]:
    """The days of which something was seen, oldest first. A single fall far beyond what the
    account spends in a day is left out: money that somebody took, or one purchase."""
    days = _summed(spends, zone)
    jumps = set(_jumps(spends, days))
    if not jumps:
        return days
    return _summed([spend for spend in spends if spend not in jumps], zone)


def _summed(spends: Iterable[Spend], zone: ZoneInfo) -> tuple[DaySpend, ...]:
    amounts: dict[date, Decimal] = defaultdict(Decimal)
    seconds: dict[date, int] = defaultdict(int)
    end: datetime | None = None
    day = date.min
    for spend in spends:
        if spend.amount is None:
            continue
        if end is None or not spend.begins < end or spend.begins.astimezone(zone).date() < day:
            day, end = _day_at(spend.begins, zone)
        if spend.ends <= end:
            amounts[day] += spend.amount
            seconds[day] += (spend.ends - spend.begins) // _SECOND
            continue
        for part, length, share in _parts(spend, zone):
            amounts[part] += spend.amount * share
            seconds[part] += length
    return tuple(
        DaySpend(day, amounts[day], min(Decimal(seconds[day]) / _DAY_S, Decimal(1)))
        for day in sorted(amounts)
        if seconds[day]
    )


def _day_at(at: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The local day of an instant, and the day's end."""
    day = at.astimezone(zone).date()
    return day, resolve(day + timedelta(days=1), time(0), zone)


def _parts(spend: Spend, zone: ZoneInfo) -> Iterator[tuple[date, int, Decimal]]:
    """A spend over midnight, day by day: seconds, and their share of it."""
    whole = max((spend.ends - spend.begins) // _SECOND, 1)
    begins = spend.begins
    while begins < spend.ends:
        day, end = _day_at(begins, zone)
        length = (min(end, spend.ends) - begins) // _SECOND
        yield day, length, Decimal(length) / whole
        begins = end


def _jumps(spends: Iterable[Spend], days: Sequence[DaySpend]) -> list[Spend]:
    """Single falls of many usual days at once; what happens again and again is the usual."""
    usual = sorted(day.whole for day in days if day.seen >= Decimal("0.25"))
    if len(usual) < _FEW:
        return []
    middle = usual[len(usual) // 2]
    found = []
    for spend in spends:
        if spend.amount is not None and spend.amount > ZERO:
            length = Decimal((spend.ends - spend.begins) // _SECOND) / _DAY_S
            if spend.amount > middle * _JUMP * max(length, Decimal(1)):
                found.append(spend)
    return found if len(found) < _LUMP else []


def with_costs(
    days: Sequence[DaySpend], costs: Iterable[tuple[date, Decimal]]
) -> tuple[DaySpend, ...]:
    """The days that were seen, and what is billed for those that were not: a cold start.

    A refund (less than 0.00) is no spend, and no day either.
    """
    seen = {day.day for day in days if day.seen >= Decimal("0.5")}
    billed = [
        DaySpend(day, amount, Decimal(1))
        for day, amount in costs
        if day not in seen and amount >= ZERO
    ]
    replaced = {day.day for day in billed}
    return tuple(
        sorted(
            [*billed, *(day for day in days if day.day not in replaced)], key=lambda one: one.day
        )
    )
