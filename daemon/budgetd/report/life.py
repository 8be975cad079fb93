"""All that the ledger knows of one transfer, handed to reports as one noun.

It may not judge: `proof` says what it amounts to.
"""

from dataclasses import dataclass, field
from datetime import datetime

from budgetd.core.intent import Attempt, Intent, Move
from budgetd.core.observation import Sample
from budgetd.core.pause import Pause
from budgetd.core.reconciliation import Claim, Sent

Event = tuple[datetime, str, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One transfer from its promise on. `pause` holds it now, `claim` is the record that is its
    own; None where there is none."""

    intent: Intent
    move: Move
    attempts: tuple[Attempt, ...]
    events: tuple[Event, ...]
    claim: Claim | None = None
    pause: Pause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The events from the first to the last of one transfer; `broken` is the first one since that
    does not follow from the one before, None where all do."""

    first: int
    last: int
    broken: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A life and what stands around it: the kept readings of its account just before it left and
    just after it ended, and the transfers that no record could tell from it."""

    life: Life
    chain: Chain
    sent: Sent | None = None
    before: Sample | None = None
    after: Sample | None = None
    family: tuple[Sent, ...] = field(default=())
