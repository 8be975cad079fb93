"""What became of one transfer of a plan that was carried out. A noun alone."""

from dataclasses import dataclass
from decimal import Decimal

from budgetd.core.intent import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`amount` is what moved, or what was asked for where nothing is known to have moved.

    `note` says why: the provider's words of a refusal, what is being waited for in doubt.
    """

    transfer_id: str
    state: State
    amount: Decimal
    note: str = ""
