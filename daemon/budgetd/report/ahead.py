"""What an account spends and how long its cash lasts, in the words of every report: if nothing is
moved, and with the rules in force.

A figure never stands without its band. It may not estimate, nor say anything where the burn is
not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from budgetd.core.burn import FOREVER, Band, Runway
from budgetd.core.decisions.funding import Funding
from budgetd.core.decisions.lasting import Lasting
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import show_amount
from budgetd.core.observation import Observation, Ok
from budgetd.core.standing import End, Kept, Lasts, Worst

_DAY = timedelta(days=1)
_LONG = timedelta(days=3)
_FEW = 3  # accounts that a plan names: `status` has more


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What lies ahead of an account's cash: what the next 24 hours spend, how long it lasts if
    nothing is moved (None where it was not read), and with the rules in force (None where none
    feeds it, or that is not known)."""

    spends: Band
    lasts: Runway | None
    kept: Kept | None = None


def ahead_of(
    observation: Observation, account_id: str, zone: ZoneInfo, funding: Funding | None = None
) -> Ahead | None:
    """What lies ahead of an account, local weekdays by `zone`, the rules in force by `funding`;
    None where its burn is not known."""
    burn = observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))
    if burn is None:
        return None
    now, cash = observation.taken_at, observation.readings_of(account_id).cash
    lasts = burn.runway(cash.value, now, zone) if isinstance(cash, Ok) else None
    kept = funding.of(account_id) if funding is not None else None
    return Ahead(spends=burn.spends(now, _DAY, zone), lasts=lasts, kept=kept)


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


def length_words(lasts: Lasts) -> str:
    """`12 d (9 d to 16 d)`: the middle, then what holds eight cases of ten."""
    low, middle, high = (
        span(FOREVER if length is None else timedelta(seconds=length))
        for length in (lasts.low_s, lasts.middle_s, lasts.high_s)
    )
    return middle if low == high else f"{middle} ({low} to {high})"


_ENDS = {
    End.MASTER: "as long as the master lasts",
    End.CAP: "until the cap {} holds",
    End.VALID: "until its rule ends",
    End.SLOT: "then a slot comes too late",
}


def kept_words(kept: Kept | None) -> str:
    """`41 d (35 d to 52 d), as long as the master lasts`; empty where it is not known."""
    if kept is None:
        return ""
    length = length_words(kept.lasts)
    if kept.lasts.low_s is None:
        return length
    return f"{length}, {_ENDS[kept.end].format(kept.cap)}"


def kept_briefly(ahead: Ahead | None) -> str:
    """`41 d (35 d to 52 d) master`, for a column; empty where it is not known."""
    if ahead is None or ahead.kept is None:
        return ""
    length = length_words(ahead.kept.lasts)
    return length if ahead.kept.lasts.low_s is None else f"{length} {ahead.kept.end}"


def worst_words(worst: Worst) -> str:
    """`2 d (1 d to 3 d); with the rules 41 d (35 d to 52 d), as long as the master lasts`."""
    alone = length_words(worst.lasts)
    return f"{alone}; with the rules {kept_words(worst.kept)}" if worst.kept else alone


def master_words(lasts: Lasts, fed: int) -> str:
    """How long the master's cash serves so many accounts."""
    whom = "the account" if fed == 1 else f"the {fed:,} accounts"
    return (
        f"The master's cash less the reserve lasts {length_words(lasts)} at the burn of {whom}"
        " that it feeds"
    )


def lasting_lines(found: Lasting) -> Iterator[str]:
    """How long the master's cash feeds what it feeds, then the few that would end first; nothing
    where no burn is known."""
    if found.master is not None:
        yield master_words(found.master, found.fed)
    for one in found.worst[:_FEW]:
        yield f"{one.label} lasts {worst_words(one)}"


def until(kept: Kept) -> str:
    """What ends it, for machines: `master`, `valid`, `slot`, or the name of a cap."""
    return kept.cap or str(kept.end)


def edges_s(lasts: Lasts) -> dict[str, int | None]:
    """The edges of a length for machines, in whole seconds; None for what has no end."""
    return {"low": lasts.low_s, "middle": lasts.middle_s, "high": lasts.high_s}


def seconds(length: timedelta) -> int | None:
    """Whole seconds, None for what has no end."""
    return None if length == FOREVER else length // timedelta(seconds=1)
