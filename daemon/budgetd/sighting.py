"""What was read beside others, and how much of it holds after they have moved.

No clock says in which order a reading and another process's move came; the ledger's events do.
It may not read anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from budgetd.core.observation import Observation, Readings
from budgetd.ledger.store import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was read beside others, and the last event of the ledger before any of it was. `took`
    is how long reading it all takes, `lasted` the whole cycle with its moves: the longest times
    of late, slowly forgotten."""

    observation: Observation
    seq: int
    took: timedelta = timedelta(0)
    lasted: timedelta = timedelta(0)

    def after(self, earlier: "Sighting | None") -> "Sighting":
        """The same with the times of late in mind: it may have read a part."""
        if earlier is None:
            return self
        took = max(self.took, earlier.took * 9 / 10)
        return replace(self, took=took, lasted=earlier.lasted * 9 / 10)

    def ended(self, lasted: timedelta) -> "Sighting":
        """The same at the end of its cycle."""
        return replace(self, lasted=max(lasted, self.lasted))

    def fresh_for(self, bound: timedelta, every: timedelta) -> timedelta:
        """How old a reading may be that serves again, so that none is older than `bound` before
        it is read the next time: a reading of all that begins `every` so often, or as soon as
        the last cycle is over, comes to it at the latest when it ends."""
        return max(timedelta(0), bound - max(every, self.lasted) - self.took)

    def waits_for(self, bound: timedelta, now: datetime) -> timedelta:
        """How long its next reading may still be put off, so that nobody's grows older than
        `bound`: who was read first then is read first again. A tenth is for the lists."""
        began_at = self.observation.began_at
        left = timedelta(0) if began_at is None else began_at + bound * 9 / 10 - now
        return max(timedelta(0), left)

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
