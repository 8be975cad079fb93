"""What is suggested for one rule: numbers, each with its reason and the data it rests on.

Nouns alone. They may not word anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from budgetd.core.burn import Burn
from budgetd.core.decisions.limits import Limits
from budgetd.core.forecast.estimating import LOOKS_BACK
from budgetd.core.observation import Account
from budgetd.core.policies.calendar import Calendar

FEWEST_DAYS = 7
"""So many days must have been seen of an account before it counts: every day of a week once."""


class Role(StrEnum):
    """What a number is to its rule."""

    TRIGGER = "trigger"
    TARGET = "target"
    ABOVE = "above"
    KEEP = "keep"


class Cause(StrEnum):
    """What money may have to wait for."""

    READING = "reading"
    LASTING = "lasting"
    SLOT = "slot"
    WINDOW = "window"
    PERSON = "person"
    COOLDOWN = "cooldown"
    SETTLING = "settling"


class Outcome(StrEnum):
    """What became of the look at a rule."""

    SUGGESTED = "suggested"
    FITS = "fits"
    SHORT_HISTORY = "short_history"
    UNEVEN = "uneven"
    IDLE = "idle"
    NOBODY = "nobody"
    NO_NUMBER = "no_number"
    BOUNDED = "bounded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What suggestions rest on beside policies and burns: the limits and the calendar in force,
    how old a reading may be, the instant of the look, how many days back it goes."""

    limits: Limits
    max_staleness: timedelta
    now: datetime
    calendar: Calendar | None = None
    days: int = LOOKS_BACK.days


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that money may have to wait for, and how long at most."""

    cause: Cause
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """An account that counts: what is known of its spending."""

    account: Account
    burn: Burn


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The data: accounts that the rule selects, those of which enough was seen, the fewest and
    the most days seen of one of those, and what the rule moved in the time looked at."""

    selected: int
    known: int
    least_days: Decimal
    most_days: Decimal
    transfers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where a number is written: the field (`rules[0].top_up.to`), line and column from 1, and
    how many characters stand there, quotes included."""

    where: str
    line: int
    column: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a rule: where it is written, what stands there, what should. `path` leads to
    it from the top of the document.

    `spends` is what `account`, the one that decides, spends in `length`: at the upper edge of
    its band where `is_edge`, else in the middle; `middle` is the middle of the same. It comes on
    top of `base`. `bound` names what keeps the number lower than that, where something does.
    """

    role: Role
    path: tuple[str | int, ...]
    place: Placing
    old: Decimal
    new: Decimal
    account: Account
    spends: Decimal
    middle: Decimal
    length: timedelta
    is_edge: bool
    base: Decimal
    bound: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether it is less than half of what stands there: a person looks at that."""
        return self.new * 2 < self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRunway:
    """What to write instead of one number for accounts that spend very differently: the trigger
    and the target in days, the most the target should ever be; the widest account and its need
    beside that of the one in the middle."""

    trigger: timedelta
    target: timedelta
    at_most: Decimal
    widest: Account
    most: Decimal
    usual: Decimal
    is_reclaim: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCap:
    """A cap that lets through less than is spent in its time, in the middle: by the account that
    spends most, or (None) by all accounts of the rule together."""

    name: str
    bound: Decimal
    spends: Decimal
    length: timedelta
    account: Account | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The look at one rule. `waits` are what its money may have to wait for, `short_caps` what
    people may want to raise, `note` says why nothing is suggested where a word is needed for
    that."""

    rule: str
    path: str
    outcome: Outcome
    basis: Basis | None = None
    waits: tuple[Wait, ...] = ()
    numbers: tuple[Number, ...] = ()
    by_runway: ByRunway | None = None
    short_caps: tuple[ShortCap, ...] = ()
    note: str = ""
