"""A plan as it lies in a file: what `apply` needs of it, or what is wrong with it.

Nouns alone; `plan_json` writes and reads the file. They may not say whether a plan is too old,
already used or of other policies: that needs a clock, a ledger and a configuration.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from budgetd.core.intent import Direction, Unit


class Fault(StrEnum):
    """What is wrong with a text that should be a saved plan."""

    NOT_A_PLAN = "not_a_plan"
    OTHER_FORMAT = "other_format"
    EDITED = "edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """Why a text is refused as a saved plan, in words for people."""

    fault: Fault
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTransfer:
    """One movement that was shown: enough to decide it again. `amount` is the most that may move.

    With `needs_approval` it is a proposal, which carrying out the plan does not move.
    """

    id: str
    rule: str
    direction: Direction
    unit: Unit
    account_name: str
    amount: Decimal
    needs_approval: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What a file promises. `currency` is empty where nothing would move; `only` is the rule that
    was asked by name, due or not, and is asked so again."""

    enterprise: str
    mode: str
    policy_digest: str
    plan_digest: str
    taken_at: datetime
    expires_at: datetime
    is_preview: bool
    currency: str
    transfers: tuple[SavedTransfer, ...]
    only: str | None = None

    @property
    def moves(self) -> tuple[SavedTransfer, ...]:
        """The transfers that need nobody's approval."""
        return tuple(transfer for transfer in self.transfers if not transfer.needs_approval)
