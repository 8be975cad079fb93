"""What a daemon says of itself: its policies, its last cycle, what comes next.

Nouns alone: the service makes them, the ledger keeps the newest, and `status`, the page and the
metrics tell them. It may not decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies in force, and what became of the last attempt to load others.

    `loaded_at` is when those in force were loaded, `tried_at` when anything was last loaded or
    refused; `problems` are the first lines of why it was refused, empty where it was not.
    """

    digest: str
    rules: int
    loaded_at: datetime
    tried_at: datetime
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """When something comes next: a rule's slot or tick, or the reading of the whole fleet."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One cycle that ended. `transfers` counts by state (`not_sent` included), `held` by reason,
    `moved` is money by way and instrument, such as `allocate cash`, as text with two decimals;
    `unread_why` is what kept most of the unreadable accounts from being read, `stopped` why it
    ended early; each is empty where nothing did. `planned_at` is when a cycle last came as far as
    a plan, this one or one before it; None where none has."""

    id: str
    began_at: datetime
    ended_at: datetime
    accounts: int
    accounts_read: int
    unreadable: int
    unread_why: str = ""
    transfers: Mapping[str, int] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    proposals: int = 0
    withheld: int = 0
    alerts: int = 0
    still_open: int = 0
    stopped: str = ""
    planned_at: datetime | None = None

    def after(self, before: "Done | None") -> "Done":
        """This cycle, after the one before it: it knows when one last came as far as a plan."""
        known = before.planned_at if before is not None else None
        return replace(self, planned_at=self.ended_at if self.has_plan else known)

    @property
    def worked_at(self) -> datetime | None:
        """When a cycle last did its work: a plan was made, and what could be moved was."""
        return self.ended_at if self.has_plan else self.planned_at

    @property
    def has_plan(self) -> bool:
        """Whether it came as far as a plan; else nobody knows what was read, and nothing was
        decided."""
        return not self.stopped or self.accounts > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasts:
    """How long money lasts, in seconds: at the upper edge of the burn, its middle and its lower
    edge; None is without an end."""

    low_s: int | None
    middle_s: int | None
    high_s: int | None


class End(StrEnum):
    """What lets an account run dry that rules keep funded: the master's money, a cap, the end of
    the rule, or a slot that comes too late or brings too little."""

    MASTER = "master"
    CAP = "cap"
    VALID = "valid"
    SLOT = "slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long the rules in force keep an account funded, what ends that, and of a cap which."""

    lasts: Lasts
    end: End
    cap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """One of the accounts whose cash ends first: `lasts` if nothing is moved, `kept` with the
    rules in force, None where none feeds it or that is not known."""

    id: str
    label: str
    lasts: Lasts
    kept: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What the master has to give of one instrument, as text with two decimals; None is unknown,
    and `why` says why. `lasts` is how long that feeds all that it feeds; None is unknown."""

    instrument: str
    available: str | None
    read_at: datetime | None = None
    why: str = ""
    lasts: Lasts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All of it. `at` is when it was said; a daemon says it after each cycle and reload."""

    enterprise: str
    mode: str
    process: int
    started_at: datetime
    at: datetime
    policies: Policies
    next: tuple[Next, ...] = ()
    last: Done | None = None
    master: tuple[Funds, ...] = ()
    worst: tuple[Worst, ...] = ()
    is_stopping: bool = False
