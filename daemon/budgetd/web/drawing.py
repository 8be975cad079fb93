"""The two small drawings of an account: where its reading is, and how it went.

Lengths are decimals of a fixed frame, so that no figure is drawn from a float; each drawing has
a title that says the same in words. It may not write markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Sample

WIDTH = Decimal(120)
HEIGHT = Decimal(20)
_EDGE = Decimal(2)
_TENTH = Decimal("0.1")
_ROOM = Decimal("1.08")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a rule says of an account: the amounts it watches for and moves to, where it names
    them; `rule` is its name."""

    rule: str
    below: Decimal | None = None
    above: Decimal | None = None
    target: Decimal | None = None

    @property
    def trigger(self) -> Decimal | None:
        """The amount at which the rule acts."""
        return self.below if self.below is not None else self.above


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A reading against its rule; lengths 0.0 to 120.0 as text, None where there is no mark.
    `side` is `below` or `above` of a trigger that it is beyond, else `kept`."""

    title: str
    length: str
    trigger: str | None
    target: str | None
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Kept readings as one line; `points` is the list of an SVG polyline, the last point apart."""

    title: str
    points: str
    last_x: str
    last_y: str


def level_of(reading: Decimal, marks: Marks) -> Level | None:
    """The bar of a reading; None where the rule names no amount."""
    named = [mark for mark in (marks.trigger, marks.target) if mark is not None]
    if not named:
        return None
    scale = max(*named, reading, Decimal(1)) * _ROOM
    side = "kept"
    if marks.below is not None and reading < marks.below:
        side = "below"
    elif marks.above is not None and reading > marks.above:
        side = "above"
    return Level(
        title=_level_title(reading, marks),
        length=_text(max(reading, ZERO) / scale * WIDTH),
        trigger=_mark(marks.trigger, scale),
        target=_mark(marks.target, scale),
        side=side,
    )


def _mark(value: Decimal | None, scale: Decimal) -> str | None:
    return None if value is None else _text(value / scale * WIDTH)


def _level_title(reading: Decimal, marks: Marks) -> str:
    parts = [show_amount(reading)]
    if marks.below is not None:
        parts.append(f"trigger below {show_amount(marks.below)}")
    if marks.above is not None:
        parts.append(f"trigger above {show_amount(marks.above)}")
    if marks.target is not None:
        parts.append(f"target {show_amount(marks.target)}")
    return ", ".join([*parts, f"rule {marks.rule}"])


def trend_of(samples: Sequence[Sample], since: datetime, until: datetime) -> Trend | None:
    """The line of some readings, oldest first; None of fewer than two."""
    shown = [sample for sample in samples if since <= sample.read_at <= until]
    if len(shown) < 2:
        return None
    low = min(sample.value for sample in shown)
    high = max(sample.value for sample in shown)
    points = [
        (_across(sample.read_at - since, until - since), _down(sample.value, low, high))
        for sample in shown
    ]
    return Trend(
        title=(
            f"{len(shown)} readings of cash since {shown[0].read_at:%Y-%m-%d}: "
            f"from {show_amount(shown[0].value)} to {show_amount(shown[-1].value)}, "
            f"lowest {show_amount(low)}, highest {show_amount(high)}"
        ),
        points=" ".join(f"{x},{y}" for x, y in points),
        last_x=points[-1][0],
        last_y=points[-1][1],
    )


def _across(passed: timedelta, whole: timedelta) -> str:
    microsecond = timedelta(microseconds=1)
    share = Decimal(passed // microsecond) / Decimal(whole // microsecond)
    return _text(_EDGE + share * (WIDTH - 2 * _EDGE))


def _down(value: Decimal, low: Decimal, high: Decimal) -> str:
    if high == low:
        return _text(HEIGHT / 2)
    return _text(_EDGE + (high - value) / (high - low) * (HEIGHT - 2 * _EDGE))


def _text(length: Decimal) -> str:
    return str(length.quantize(_TENTH))
