"""What is done beside cycles, a little at a time: readings grow coarser, burns are found anew.

Each step is some milliseconds and a transaction of its own; one that was not taken loses nothing.
It may not be in the way of a move: the daemon takes no step while money may be under way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from budgetd.config.schema import Config
from budgetd.ledger import forecasts
from budgetd.ledger.store import Ledger
from budgetd.ledger.thinning import Retention, thin

STEP_EVERY = timedelta(seconds=2)
_RESTS = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class Tending:
    """Takes one step at each call, and rests for a minute when nothing was left to do."""

    ledger: Ledger
    clock: Callable[[], datetime]
    _rests_from: datetime | None = field(default=None, init=False)

    def step(self, config: Config) -> None:
        """One step. Raises `StoreError` where the state fails."""
        now = self.clock()
        if self._rests_from is not None and timedelta(0) <= now - self._rests_from < _RESTS:
            return
        spans = config.readings
        kept = Retention(every=spans.every, hourly=spans.hourly, daily=spans.daily)
        is_more = thin(self.ledger, now, kept)
        is_more = forecasts.refresh(self.ledger, now, config.timezone) or is_more
        self._rests_from = None if is_more else now
