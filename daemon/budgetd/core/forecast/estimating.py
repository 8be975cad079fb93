"""The burn of one account, from its days: level, weekdays, trend, and how sure they are.

Decimals throughout: the same days give the same burn, to the last digit. Pure. It may not say
anything of an account that was seen for less than three days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.forecast.days import DaySpend, days_of
from budgetd.core.forecast.spending import Spend, spends
from budgetd.core.intent import Move
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Sample

LOOKS_BACK = timedelta(days=28)
"""How far back readings matter to a burn: four weeks."""

ENOUGH = Decimal(3)
"""Days that must have been seen before anything is known."""

_NONE = Decimal(0)
_ONE = Decimal(1)
_PLACES = Decimal("0.000001")
_ROUGHLY = Context(prec=12)  # of a logarithm: nobody knows a burn to more digits
_LITTLE = Decimal("0.25")  # of a day seen: less says nothing of it
_FADES = Decimal("0.95")  # what a day counts less than the one after it
_SURE = 3  # times its own error must growth be
_STEP = 5  # times its own error must a step be: there are many days to look for one
_MORE = Decimal("1.1")  # so much wider than what was seen is what will be, and more with a skew
_LOOSE = Decimal(3)  # growth is no law: what a curve foretells is less sure than it looks
_FASTEST = Decimal("0.1")  # nothing grows by more a day for weeks
_TWO_WEEKS = 14
_TREND = 10  # days that a trend or a step needs
_FLOOR = Decimal("0.0009")  # nobody knows a level better than to three in a hundred
_SKEWED = Decimal("2.5")
_EARLIEST = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class _Point:
    """One day: days before the newest one, its number, what it spent or would have, its weight."""

    age: int
    weekday: int
    value: Decimal
    weight: Decimal


@dataclass(frozen=True, slots=True)
class _Fit:
    """The level at the newest day and its growth a day, the days they rest on, and how much of
    the spread of single days is in the level (`doubt`) and in the growth (`drift`)."""

    level: Decimal
    points: tuple[_Point, ...]
    doubt: Decimal
    growth: Decimal = _NONE
    drift: Decimal = _NONE

    def at(self, age: int) -> Decimal:
        return self.level / (1 + self.growth) ** age


def burn_of(
    samples: Sequence[Sample],
    moves: Iterable[Move],
    zone: ZoneInfo,
    more: Sequence[DaySpend] | None = None,
) -> Burn | None:
    """The burn of one unit, from its readings (oldest first) and its own intents; None while it
    is not known. `more` are days to use instead of those of the readings: with what is billed."""
    if not samples:
        return None
    found = spends(samples, moves)
    days = days_of(found, zone) if more is None else more
    points = _points(days)
    seen = sum((point.weight for point in points), _NONE)
    if seen < ENOUGH:
        return None
    known = Burn(
        at=samples[-1].read_at,
        value=samples[-1].value,
        level=_NONE,
        days_observed=seen.quantize(Decimal("0.01")),
        idle=_idle(found),
        lately=_lately(found, samples[-1].read_at),
    )
    points = _without_the_one(points)
    if not any(point.value for point in points):
        return known
    return _estimated(known, points)


def _points(days: Sequence[DaySpend]) -> list[_Point]:
    if not days:
        return []
    newest = days[-1].day
    return [
        _Point((newest - day.day).days, day.day.weekday(), day.whole, day.seen)
        for day in days
        if day.seen >= _LITTLE and (newest - day.day) < LOOKS_BACK
    ]


def _idle(found: Sequence[Spend]) -> timedelta:
    """How long nothing was spent, of the time in which it would have shown."""
    length = timedelta(0)
    for spend in reversed(found):
        if spend.amount is None:
            continue
        if spend.amount > ZERO:
            break
        length += spend.ends - spend.begins
    return length


def _lately(found: Sequence[Spend], until: datetime) -> Decimal | None:
    """The amount a day of the last 24 hours, where six of them were seen."""
    recent = [
        spend
        for spend in found
        if spend.amount is not None and spend.begins >= until - timedelta(hours=24)
    ]
    length = sum((spend.ends - spend.begins for spend in recent), timedelta(0))
    if length < _EARLIEST:
        return None
    amount = total(spend.amount for spend in recent if spend.amount is not None)
    return (amount * 86400 / (length // timedelta(seconds=1))).quantize(_PLACES)


def _without_the_one(points: Sequence[_Point]) -> list[_Point]:
    """The days, the one that is by far the largest brought down to the next: once is no rule."""
    values = sorted(point.value for point in points)
    if len(values) < 5:
        return list(points)
    bound = max(values[-2], values[len(values) // 2] * 4)
    return [
        _Point(point.age, point.weekday, min(point.value, bound), point.weight) for point in points
    ]


def _estimated(known: Burn, points: Sequence[_Point]) -> Burn:
    shares = _weekdays(_level(points))
    flat = [
        _Point(p.age, p.weekday, p.value / shares[p.weekday], p.weight)
        for p in points
        if shares[p.weekday] > _NONE
    ]
    fit = _fit(flat)
    ratios = [(point.value / fit.at(point.age) - 1, point.weight) for point in fit.points]
    weights = sum((weight for _, weight in ratios), _NONE)
    freedom = max(weights - 1, _ONE)
    spread = sum((ratio * ratio * weight for ratio, weight in ratios), _NONE) / freedom
    third = sum((ratio**3 * weight for ratio, weight in ratios), _NONE) / freedom
    skew = third / (spread * spread.sqrt()) if spread else _NONE
    skew = min(max(skew, _NONE), _SKEWED)
    return Burn(
        at=known.at,
        value=known.value,
        level=fit.level.quantize(_PLACES),
        growth=fit.growth.quantize(_PLACES),
        weekdays=tuple(share.quantize(_PLACES) for share in shares),
        spread=(spread * (_MORE + skew / 6)).quantize(_PLACES),
        doubt=(_FLOOR + spread * fit.doubt * (1 + 2 * skew)).quantize(_PLACES),
        drift=(spread * fit.drift).quantize(_PLACES),
        skew=skew.quantize(_PLACES),
        days_observed=known.days_observed,
        idle=known.idle,
        lately=known.lately,
    )


def _level(points: Sequence[_Point]) -> list[_Point]:
    """The days as shares of what they grew to: growth within a week is no habit of its days."""
    fit = _growing(points)
    if fit is None:
        return list(points)
    return [_Point(p.age, p.weekday, p.value / fit.at(p.age), p.weight) for p in points]


def _mean(points: Sequence[_Point]) -> Decimal:
    weight = sum((point.weight for point in points), _NONE)
    return sum((point.value * point.weight for point in points), _NONE) / weight


def _weekdays(points: Sequence[_Point]) -> tuple[Decimal, ...]:
    """The share of the level that each weekday takes; all alike while two weeks are not seen.

    Each is drawn towards 1 as far as the days of one weekday differ among themselves.
    """
    alike = (_ONE,) * 7
    by_day: list[list[_Point]] = [[] for _ in range(7)]
    for point in points:
        by_day[point.weekday].append(point)
    if max(point.age for point in points) < _TWO_WEEKS - 1 or min(map(len, by_day)) < 2:
        return alike
    means = [_mean(group) for group in by_day]
    level = sum(means, _NONE) / 7
    if not level:
        return alike
    within = sum(((p.value - means[p.weekday]) ** 2 * p.weight for p in points), _NONE) / max(
        Decimal(len(points) - 7), _ONE
    )
    between = sum(((mean - level) ** 2 for mean in means), _NONE) / 6
    shares = []
    for group, mean in zip(by_day, means, strict=True):
        noise = within / len(group)
        real = max(between - noise, _NONE)
        trust = real / (real + noise) if real else _NONE
        shares.append(1 + (mean / level - 1) * trust)
    whole = sum(shares, _NONE) / 7
    return tuple(share / whole for share in shares)


def _fit(points: Sequence[_Point]) -> _Fit:
    """The level now: of all days, the newest counting most; along a curve, where they clearly
    grow or shrink; or of the days since a clear step."""
    faded = [_Point(p.age, p.weekday, p.value, p.weight * _FADES**p.age) for p in points]
    weights = sum((p.weight for p in faded), _NONE)
    squares = sum((p.weight * p.weight for p in faded), _NONE)
    even = _Fit(_mean(faded), tuple(points), squares / (weights * weights))
    if not even.level:
        even = _Fit(_mean(points), tuple(points), _ONE / len(points))
    if len(points) < _TREND:
        return even
    growing, (stepped, rest) = _growing(points), _stepped(points)
    if growing is None or stepped is None:
        return growing or stepped or even
    # A step looks like growth and growth like a step. Whoever grows is not ended by a step of
    # little more sense.
    squares = sum(((p.value - growing.at(p.age)) ** 2 for p in points), _NONE)
    return stepped if rest * 2 < squares else growing


def _growing(points: Sequence[_Point]) -> _Fit | None:
    """Growth by so much a day, where it is thrice its own error: a line through the logarithms."""
    if not all(point.value for point in points):
        return None
    count = len(points)
    logs = [(point.age, _ROUGHLY.ln(point.value)) for point in points]
    ages = Decimal(sum(age for age, _ in logs)) / count
    level = sum((log for _, log in logs), _NONE) / count
    width = sum(((age - ages) ** 2 for age, _ in logs), _NONE)
    slope = sum(((age - ages) * (log - level) for age, log in logs), _NONE) / width
    squares = sum(((log - level - slope * (age - ages)) ** 2 for age, log in logs), _NONE)
    rest = squares / (count - 2)
    if slope * slope <= _SURE * _SURE * rest / width:
        return None
    return _Fit(
        (level - slope * ages).exp(),
        tuple(points),
        _LOOSE * (_ONE / count + ages * ages / width),
        growth=max(min((-slope).exp() - 1, _FASTEST), -_FASTEST),
        drift=_LOOSE / width,
    )


def _stepped(points: Sequence[_Point]) -> tuple[_Fit | None, Decimal]:
    """The days since the level changed, where it did so by many times the difference's error;
    and the squares that both levels leave unexplained."""
    best: _Fit | None = None
    least = _NONE
    for cut in range(3, len(points) - 3):
        old, new = points[:-cut], points[-cut:]
        before, after = _mean(old), _mean(new)
        inner = sum(((p.value - before) ** 2 for p in old), _NONE)
        inner += sum(((p.value - after) ** 2 for p in new), _NONE)
        noise = inner / (len(points) - 2) * (_ONE / len(old) + _ONE / len(new))
        is_clear = after > _NONE and (after - before) ** 2 > _STEP * _STEP * noise
        if is_clear and (best is None or inner < least):
            best, least = _Fit(after, tuple(new), _ONE / len(new)), inner
    return best, least
