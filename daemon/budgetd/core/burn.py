"""What an account spends and how sure that is: the noun, and how long a reading lasts at it.

Exact decimals on every amount. It may not know where the numbers come from: `core/forecast`
finds them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from zoneinfo import ZoneInfo

from budgetd.core.money import CENT, ZERO

LONGEST = 3660
"""Days that are looked ahead; a reading that lasts longer lasts `FOREVER`."""

FOREVER = timedelta.max

_DAY = timedelta(days=1)
_EDGE = Decimal("1.2816")  # one in ten lies beyond it: the band holds eight of ten
_GROWS_FOR = 14  # days: nothing grows for ever, and two weeks are what a trend was seen in
_NOTHING = Decimal(0)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What is spent in some time: the middle, and the edges that hold eight of ten cases."""

    low: Decimal
    middle: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Runway:
    """How long a reading lasts: `low` at the upper edge of the burn, `high` at its lower one."""

    low: timedelta
    middle: timedelta
    high: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """What is known of an account's spending at `at`, the last reading it rests on.

    `level` is the amount a day, `growth` the share it grows by a day, `weekdays` the share of the
    level that each day of the week takes, Monday first. `spread` is the variance of one day,
    `doubt` that of the level and `drift` that of a day's growth, all relative to the level;
    `skew` is how far single days lie above it.
    `idle` is how long nothing was spent, days at 0.00 not counted; `lately` the amount a day of
    the last 24 hours, None where little of them was seen; `value` is the last reading.
    """

    at: datetime
    value: Decimal
    level: Decimal
    growth: Decimal = _NOTHING
    weekdays: tuple[Decimal, ...] = (_ONE,) * 7
    spread: Decimal = _NOTHING
    doubt: Decimal = _NOTHING
    drift: Decimal = _NOTHING
    skew: Decimal = _NOTHING
    days_observed: Decimal = _NOTHING
    idle: timedelta = timedelta(0)
    lately: Decimal | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing was spent on all the days that were seen."""
        return self.level == _NOTHING

    def spends(self, begins: datetime, length: timedelta, zone: ZoneInfo) -> Band:
        """What is spent in so long a time from `begins` on, local weekdays by `zone`."""
        days = _days(length)
        walk = _Walk(self, begins, zone)
        return Band(
            low=walk.spent(days, -_EDGE).quantize(CENT),
            middle=walk.spent(days, _NOTHING).quantize(CENT),
            high=walk.spent(days, _EDGE).quantize(CENT),
        )

    def runway(self, value: Decimal, now: datetime, zone: ZoneInfo) -> Runway:
        """How long a reading lasts from `now` on."""
        walk = _Walk(self, now, zone)
        return Runway(
            low=walk.lasts(value, _EDGE),
            middle=walk.lasts(value, _NOTHING),
            high=walk.lasts(value, -_EDGE),
        )

    def spends_at_most(self, begins: datetime, length: timedelta, zone: ZoneInfo) -> Decimal:
        """The upper edge of what is spent in so long a time."""
        return _Walk(self, begins, zone).spent(_days(length), _EDGE).quantize(CENT)

    def lasts_at_least(self, value: Decimal, now: datetime, zone: ZoneInfo) -> timedelta:
        """The lower edge of the runway alone."""
        return _Walk(self, now, zone).lasts(value, _EDGE)


class _Walk:
    """Walks forward over the weekdays from one instant on."""

    def __init__(self, burn: Burn, begins: datetime, zone: ZoneInfo) -> None:
        self._burn = burn
        local = begins.astimezone(zone)
        passed = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
        part = _days(passed)
        first = local.weekday()
        shares = [burn.weekdays[(first + day) % 7] for day in range(8)]
        self._week = [shares[day] * (1 - part) + shares[day + 1] * part for day in range(7)]
        self._before = [_NOTHING, *accumulate(self._week)]

    def _grown(self, day: int) -> Decimal:
        """How much of the level the so-manieth 24 hours have."""
        growth = self._burn.growth
        return (1 + growth) ** min(day, _GROWS_FOR) if growth else _ONE

    def _expected(self, days: Decimal) -> Decimal:
        """The middle, but for the lean of single days."""
        whole = int(days)
        # Growth ends after two whole weeks, so what follows begins on the same weekday.
        near = min(whole, _GROWS_FOR) if self._burn.growth else 0
        found = sum((self._grown(day) * self._week[day % 7] for day in range(near)), _NOTHING)
        weeks, rest = divmod(whole - near, 7)
        found += (self._before[7] * weeks + self._before[rest]) * self._grown(near)
        found += self._grown(whole) * self._week[whole % 7] * (days - whole)
        return found * self._burn.level

    def spent(self, days: Decimal, edge: Decimal) -> Decimal:
        """The amount of that many days at an edge: so many deviations above the middle."""
        burn = self._burn
        if days <= 0 or burn.is_idle:
            return ZERO
        # A part of a day is no surer than a whole one.
        length = max(days, _ONE)
        share = burn.spread / length
        lean = (edge * edge - 1) * burn.skew * burn.spread.sqrt() / (6 * length)
        grown = min(length, Decimal(_GROWS_FOR)) ** 2 * burn.drift
        width = edge * (share + burn.doubt + grown).sqrt() + lean
        return max(self._expected(days) * (1 + width), ZERO)

    def lasts(self, value: Decimal, edge: Decimal) -> timedelta:
        """How long until so much is spent."""
        if value <= 0:
            return timedelta(0)
        low, high = self._around(value, edge)
        if low == high:
            return FOREVER
        while high - low > 1:
            middle = (low + high) // 2
            if self.spent(Decimal(middle), edge) < value:
                low = middle
            else:
                high = middle
        before, after = self.spent(Decimal(low), edge), self.spent(Decimal(high), edge)
        part = (value - before) / (after - before) if after > before else _ONE
        return low * _DAY + timedelta(seconds=int(part * 86400))

    def _around(self, value: Decimal, edge: Decimal) -> tuple[int, int]:
        """Days between which so much is spent, sought from where the level alone would put it;
        the same twice where it never is."""
        if self._burn.is_idle:
            return LONGEST, LONGEST
        guess = min(int(value / self._burn.level), LONGEST)
        step = 1 + guess // 8
        low, high = max(guess - step, 0), min(guess + step, LONGEST)
        while low > 0 and self.spent(Decimal(low), edge) >= value:
            high, low, step = low, max(low - step, 0), step * 2
        while self.spent(Decimal(high), edge) < value:
            if high == LONGEST:
                return LONGEST, LONGEST
            low, high, step = high, min(high + step, LONGEST), step * 2
        return low, high


def _days(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(seconds=1)) / 86400
