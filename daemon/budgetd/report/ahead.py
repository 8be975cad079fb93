"""What an account spends and how long its cash lasts, in the words of every report.

A figure never stands without its band. It may not estimate, nor say anything where the burn is
not known.
"""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from budgetd.core.burn import FOREVER, Band, Runway
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import show_amount
from budgetd.core.observation import Observation, Ok

_DAY = timedelta(days=1)
_LONG = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What lies ahead of an account's cash: what the next 24 hours spend, and how long it lasts,
    None where it was not read."""

    spends: Band
    lasts: Runway | None


def ahead_of(observation: Observation, account_id: str, zone: ZoneInfo) -> Ahead | None:
    """What lies ahead of an account, local weekdays by `zone`; None where its burn is not
    known."""
    burn = observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))
    if burn is None:
        return None
    now, cash = observation.taken_at, observation.readings_of(account_id).cash
    lasts = burn.runway(cash.value, now, zone) if isinstance(cash, Ok) else None
    return Ahead(spends=burn.spends(now, _DAY, zone), lasts=lasts)


def span(length: timedelta) -> str:
    """`9 d`, `14 h`, `for ever`: whole days from three on."""
    if length == FOREVER:
        return "for ever"
    if length >= _LONG:
        return f"{length.days:,} d"
    return f"{length // timedelta(hours=1)} h"


def spends_words(ahead: Ahead | None) -> str:
    """`120.00 (90.00 to 150.00)`; empty where it is not known."""
    if ahead is None:
        return ""
    band = ahead.spends
    return f"{show_amount(band.middle)} ({show_amount(band.low)} to {show_amount(band.high)})"


def lasts_words(ahead: Ahead | None) -> str:
    """`9 d (7 d to 12 d)`; empty where it is not known."""
    if ahead is None or ahead.lasts is None:
        return ""
    lasts = ahead.lasts
    if lasts.low == FOREVER:
        return "idle"
    return f"{span(lasts.middle)} ({span(lasts.low)} to {span(lasts.high)})"


def seconds(length: timedelta) -> int | None:
    """Whole seconds, None for what has no end."""
    return None if length == FOREVER else length // timedelta(seconds=1)
