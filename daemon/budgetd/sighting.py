"""What was read beside others, and how much of it holds after they have moved.

No clock says in which order a reading and another process's move came; the ledger's events do.
It may not read anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from budgetd.core.observation import Observation, Readings
from budgetd.ledger.store import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was read beside others, and the last event of the ledger before any of it was."""

    observation: Observation
    seq: int

    def moved(self, ledger: Ledger) -> frozenset[str]:
        """The accounts that anything was done about since: of them the readings may not tell."""
        return frozenset(move.unit.account_id for move in ledger.changed_since(self.seq))

    def unmoved(self, ledger: Ledger) -> Mapping[str, Readings]:
        """The readings of the others."""
        moved = self.moved(ledger)
        return {
            account_id: readings
            for account_id, readings in self.observation.readings.items()
            if account_id not in moved
        }
