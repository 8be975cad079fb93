"""What came of a replay, as people compare it. Nouns alone: `measuring` makes them.

Lengths of time are whole microseconds and amounts exact decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from budgetd.core.backtest.lapsing import Lapsed
from budgetd.core.intent import Direction, Instrument
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What was moved of an instrument in one direction."""

    instrument: Instrument
    direction: Direction
    transfers: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """How long, all accounts together, and how many accounts, something was so."""

    micros: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local day: what was moved of cash each way, in how many transfers, and what the master
    had given by its end, net since the window began."""

    day: date
    transfers: int
    allocated: Decimal
    reclaimed: Decimal
    draw: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What only a replay knows: the proposals a person would have been asked, by why, how often a
    hold began, by reason, how many transfers a cap made smaller, cycles the engine was asked in."""

    proposals: Mapping[str, int]
    holds: Mapping[Hold, int]
    capped: int
    cycles: int

    @property
    def cap_hits(self) -> int:
        """How often a cap held a transfer, or made it smaller."""
        return self.capped + self.holds.get(Hold.CAP, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One set of policies, or what really happened (`asked` is None then).

    `below` is time under the trigger of a top-up, after what moved; `dry` time at 0.00. `held` is
    the money that lay in the accounts, on average over the window, `idle` the part of it above
    what the set's targets and `keep`s want. `peak` is the most that the master had given at
    once, net since the window began, and when.
    """

    name: str
    digest: str
    ways: tuple[Way, ...]
    below: Lack
    dry: Lack
    held: Decimal
    idle: Decimal
    peak: Decimal
    peak_at: datetime | None
    days: tuple[Day, ...]
    by_rule: Mapping[str, tuple[int, Decimal]]
    asked: Asked | None = None

    @property
    def transfers(self) -> int:
        """All transfers."""
        return sum(way.transfers for way in self.ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Several sets on one past, what really happened first.

    `censored` is the time in which an account was recorded at 0.00: what it would have spent is
    not known, and nothing is spent in any replay. `lapsed` are coupons that were lost.
    `strangers` are recorded accounts that the fleet does not list any more, `left_out` the rules
    that are not replayed, by set. `master_since` is when the master's own balance was first
    recorded, if ever; before, it has all that is asked.
    """

    enterprise: str
    currency: str
    since: datetime
    until: datetime
    accounts: int
    readings: int
    cycles: int
    censored: Lack
    strangers: int
    lapsed: Lapsed
    master_since: datetime | None
    left_out: Mapping[str, tuple[str, ...]]
    results: tuple[Result, ...]
