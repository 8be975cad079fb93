"""The drawings of a comparison: lines over days, days as bars, a measure as one bar a set.

Lengths are decimals of fixed frames, so that no figure is drawn from a float; each drawing has a
title that says the same in words. It may not write markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from budgetd.core.backtest.result import Backtest, Result
from budgetd.core.money import ZERO, show_amount
from budgetd.report.harmless import harmless

HUES = 6
"""So many sets are told apart by their colour; the next ones have the same again, dashed."""

WIDTH, HEIGHT = Decimal(720), Decimal(240)
LEFT, RIGHT, TOP, BOTTOM = Decimal(76), Decimal(12), Decimal(10), Decimal(26)
SMALL_HEIGHT = Decimal(110)
BAR_WIDTH = Decimal(200)
_TICKS = 5
_FEW_TICKS = 4
_DATES = 6
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark of an axis: where it is, and what it says."""

    at: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One set's line; `points` is the list of an SVG polyline."""

    hue: int
    is_dashed: bool
    title: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """All sets in one frame; `zero` is where nothing is drawn."""

    title: str
    lines: tuple[Line, ...]
    down: tuple[Tick, ...]
    across: tuple[Tick, ...]
    zero: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One bar: an upright one of a day, or a lying one of a set."""

    x: str
    y: str
    width: str
    height: str
    is_gain: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """One set's days: to accounts upwards, home downwards."""

    name: str
    hue: int
    title: str
    strokes: tuple[Stroke, ...]
    down: tuple[Tick, ...]
    across: tuple[Tick, ...]
    zero: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """One set's share of a measure; `length` is 0.0 to 200.0."""

    name: str
    hue: int
    length: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of all sets that have it."""

    title: str
    lengths: tuple[Length, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """From amounts and days to places in a frame."""

    low: Decimal
    high: Decimal
    height: Decimal
    days: int

    def down(self, value: Decimal) -> Decimal:
        share = (self.high - value) / (self.high - self.low)
        return TOP + share * (self.height - TOP - BOTTOM)

    def across(self, place: int) -> Decimal:
        room = WIDTH - LEFT - RIGHT
        return LEFT + room * (Decimal(place) + Decimal("0.5")) / self.days

    def ticks(self, most: int = _TICKS) -> tuple[Tick, ...]:
        """Round amounts, the first at or above the lowest."""
        step = _step(self.high - self.low, most)
        value = (self.low / step).to_integral_value() * step
        found = []
        while value <= self.high:
            if value >= self.low:
                found.append(Tick(at=_text(self.down(value)), text=f"{value:,.0f}"))
            value += step
        return tuple(found)


def draw_lines(found: Backtest) -> Lines:
    """What the master had given by the end of each day, net since the window began."""
    values = [day.draw for one in found.results for day in one.days]
    frame = _frame(values, len(found.results[0].days), HEIGHT)
    lines = tuple(
        Line(
            hue=hue_of(place),
            is_dashed=place >= HUES,
            title=f"{harmless(one.name)}: {show_amount(one.days[-1].draw)} at the end, "
            f"{show_amount(one.peak)} at most",
            points=" ".join(
                f"{_text(frame.across(number))},{_text(frame.down(day.draw))}"
                for number, day in enumerate(one.days)
            ),
        )
        for place, one in enumerate(found.results)
    )
    return Lines(
        title="What the master had given, net, by the end of each day",
        lines=lines,
        down=frame.ticks(),
        across=_dates(frame, [day.day for day in found.results[0].days]),
        zero=_text(frame.down(ZERO)),
    )


def draw_days(found: Backtest) -> Iterator[Days]:
    """What each set moved of cash, day by day, all to one scale."""
    values = [
        value
        for one in found.results
        for day in one.days
        for value in (day.allocated, -day.reclaimed)
    ]
    frame = _frame(values, len(found.results[0].days), SMALL_HEIGHT)
    for place, one in enumerate(found.results):
        yield Days(
            name=harmless(one.name),
            hue=hue_of(place),
            title=f"Cash that {harmless(one.name)} moved, day by day: {one.transfers:,} transfers",
            strokes=tuple(_strokes(one, frame)),
            down=frame.ticks(_FEW_TICKS),
            across=_dates(frame, [day.day for day in one.days]),
            zero=_text(frame.down(ZERO)),
        )


def _strokes(one: Result, frame: _Frame) -> Iterator[Stroke]:
    width = (WIDTH - LEFT - RIGHT) / frame.days * Decimal("0.7")
    zero = frame.down(ZERO)
    for number, day in enumerate(one.days):
        for amount, is_gain in ((day.allocated, True), (day.reclaimed, False)):
            if amount == ZERO:
                continue
            end = frame.down(amount if is_gain else -amount)
            way = "to accounts" if is_gain else "home"
            yield Stroke(
                x=_text(frame.across(number) - width / 2),
                y=_text(min(zero, end)),
                width=_text(width),
                height=_text(max(abs(end - zero), Decimal("0.5"))),
                is_gain=is_gain,
                title=f"{day.day}: {show_amount(amount)} {way}",
            )


def draw_measure(title: str, rows: Sequence[tuple[str, Decimal, str] | None]) -> Measure:
    """A bar a set: its name, how long its bar is, and what it says; None where it is not known."""
    most = max((row[1] for row in rows if row is not None), default=ZERO)
    return Measure(
        title=title,
        lengths=tuple(
            Length(
                name=harmless(row[0]),
                hue=hue_of(place),
                length=_text(row[1] / most * BAR_WIDTH if most else ZERO),
                text=row[2],
            )
            for place, row in enumerate(rows)
            if row is not None
        ),
    )


def hue_of(place: int) -> int:
    """The colour of a set; what really happened has one of its own."""
    return place % HUES


def _frame(values: Sequence[Decimal], days: int, height: Decimal) -> _Frame:
    low, high = min(ZERO, *values), max(ZERO, *values)
    if low == high:
        high = low + 1
    room = (high - low) * Decimal("0.04")
    return _Frame(
        low=low - room if low < ZERO else low,
        high=high + room if high > ZERO else high,
        height=height,
        days=days,
    )


def _step(span: Decimal, most: int) -> Decimal:
    """A round step that makes no more than so many ticks."""
    step = Decimal(1)
    while True:
        for factor in (1, 2, 5):
            if span / (step * factor) <= most:
                return step * factor
        step *= 10


def _dates(frame: _Frame, days: Sequence[date]) -> tuple[Tick, ...]:
    every = max(-(-len(days) // _DATES), 1)
    return tuple(
        Tick(at=_text(frame.across(number)), text=f"{day:%m-%d}")
        for number, day in enumerate(days)
        if number % every == 0
    )


def _text(length: Decimal) -> str:
    return str(length.quantize(_TENTH))
