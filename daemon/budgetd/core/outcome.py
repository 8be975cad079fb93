"""What became of one planned transfer when a cycle carried it out. A noun, for reports."""

from dataclasses import dataclass
from decimal import Decimal

from budgetd.core.intent import State
from budgetd.core.plan import Transfer
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A transfer's end in this cycle.

    `state` is None when it was decided again and held, or never had its turn; then `hold` may
    say why. `amount` is what moved, or would have. `note` is one line for people.
    """

    transfer: Transfer
    state: State | None
    amount: Decimal
    note: str = ""
    hold: Hold | None = None
