"""The small drawing beside a movement: where the reading is, where it goes, what is aimed at.

Lengths are decimals of a fixed width, so that no figure is ever drawn from a float. It may not
write markup.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from budgetd.core.intent import Direction
from budgetd.core.money import ZERO, show_amount
from budgetd.core.plans.plan import Transfer

WIDTH = Decimal(200)
_TENTH = Decimal("0.1")
_BOUND = re.compile(r"\b(?:below|above) ([0-9,]+\.[0-9]{2})\b", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Lengths in 0.0 to 200.0 as text. `kept` is what stays, from `changed_at` the part that
    comes or goes; `trigger` and `target` are marks, None where there is none."""

    title: str
    kept: str
    changed_at: str
    changed: str
    is_gain: bool
    after: str
    trigger: str | None
    target: str | None


def bar_of(transfer: Transfer) -> Bar:
    """The drawing of one movement; its title says the same in words."""
    trigger = trigger_amount(transfer)
    marks = [value for value in (trigger, transfer.target) if value is not None]
    scale = max(transfer.reading, transfer.after, *marks, Decimal(1)) * Decimal("1.04")
    low, high = sorted((transfer.reading, transfer.after))
    return Bar(
        title=_title(transfer, trigger),
        kept=_length(low, scale),
        changed_at=_length(low, scale),
        changed=_length(high - low, scale),
        is_gain=transfer.direction is Direction.ALLOCATE,
        after=_length(transfer.after, scale),
        trigger=None if trigger is None else _length(trigger, scale),
        target=None if transfer.target is None else _length(transfer.target, scale),
    )


def trigger_amount(transfer: Transfer) -> Decimal | None:
    """The first amount that the trigger's words name, where they name one."""
    found = _BOUND.search(transfer.trigger)
    return Decimal(found[1].replace(",", "")) if found else None


def _length(value: Decimal, scale: Decimal) -> str:
    return str((max(value, ZERO) / scale * WIDTH).quantize(_TENTH))


def _title(transfer: Transfer, trigger: Decimal | None) -> str:
    parts = [f"from {show_amount(transfer.reading)} to {show_amount(transfer.after)}"]
    if trigger is not None:
        parts.append(f"trigger {show_amount(trigger)}")
    if transfer.target is not None:
        parts.append(f"target {show_amount(transfer.target)}")
    return ", ".join(parts)
