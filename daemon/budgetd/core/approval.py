"""Proposals that wait for a person, and what a person has approved. Nouns; the ledger keeps them.

It may not decide what is proposed: a plan does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from budgetd.core.intent import Direction, Unit


class ProposalState(StrEnum):
    """Where a proposal stands; the last four are its ends."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    MOOT = "moot"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedItem:
    """One transfer of a proposal: the most that would move. `intent_id` is what came of it."""

    unit: Unit
    account_name: str
    amount: Decimal
    intent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a rule would move if a person agreed: one unit, or a batch that a limit withheld.

    `ask` is why a person is asked (`core.reason.Ask`), `limit` the limit of a batch. At
    `expires_at` it ends, approved or not.
    """

    id: str
    rule: str
    direction: Direction
    ask: str
    limit: str
    currency: str
    items: tuple[ProposedItem, ...]
    made_at: datetime
    expires_at: datetime
    state: ProposalState = ProposalState.OPEN
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One transfer that a person agreed to and that was not promised yet: at most `amount`."""

    proposal: str
    rule: str
    unit: Unit
    direction: Direction
    amount: Decimal
    by: str
    expires_at: datetime


def proposal_id(rule: str, direction: Direction, unit: Unit | None) -> str:
    """The name of a rule's proposal about a unit, or (None) about its batch: always the same."""
    about = "batch" if unit is None else f"{unit.account_id}\n{unit.instrument}\n{unit.part}"
    named = f"{rule}\n{direction}\n{about}"
    return f"p-{sha256(named.encode()).hexdigest()[:16]}"


def approved_for(
    approvals: Iterable[Approved], rule: str, unit: Unit, direction: Direction, now: datetime
) -> Approved | None:
    """What a person agreed that a rule may move of a unit now; None where nobody did."""
    for item in approvals:
        is_same = item.rule == rule and item.unit == unit and item.direction is direction
        if is_same and now < item.expires_at:
            return item
    return None
