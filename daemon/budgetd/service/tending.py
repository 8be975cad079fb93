"""What is done beside cycles, a little at a time: readings grow coarser, burns are found anew.

Each step is some milliseconds and a transaction of its own; one that was not taken loses nothing.
It may not be in the way of a move: the daemon takes no step while money may be under way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from budgetd.config.schema import Config
from budgetd.core.forecast.estimating import LOOKS_BACK
from budgetd.ledger import costs, forecasts
from budgetd.ledger.store import Ledger
from budgetd.ledger.thinning import Retention, thin
from budgetd.logs import logger
from budgetd.observe import CHINA, Observer
from budgetd.provider.errors import ProviderError

STEP_EVERY = timedelta(seconds=2)
BILLED_AFTER = timedelta(days=2)
"""Days that are younger may be billed in part."""

_RESTS = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class Tending:
    """Takes one step at each call, and rests for a minute when nothing was left to do."""

    ledger: Ledger
    clock: Callable[[], datetime]
    _rests_from: datetime | None = field(default=None, init=False)
    _all_asked_at: datetime | None = field(default=None, init=False)

    async def ask_costs(self, observer: Observer) -> None:
        """Asks what is billed for some accounts whose readings are too few; each at most once a
        day, whatever comes of it. Raises `StoreError` where the state fails."""
        now = self.clock()
        if _is_resting(self._all_asked_at, now):
            return
        accounts = costs.cold(self.ledger, now)
        self._all_asked_at = None if accounts else now
        if not accounts:
            return
        last = now.astimezone(CHINA).date() - BILLED_AFTER
        found: Mapping[str, Sequence[tuple[date, Decimal]]] = {}
        try:
            found = await observer.costs(accounts, last - LOOKS_BACK, last)
        except ProviderError as problem:
            logger().info("costs_unread", accounts=len(accounts), why=str(problem))
        costs.keep_costs(self.ledger, accounts, found, now)

    def step(self, config: Config) -> bool:
        """One step; whether there is another to take now. Raises `StoreError` where the state
        fails."""
        now = self.clock()
        if _is_resting(self._rests_from, now):
            return False
        spans = config.readings
        kept = Retention(every=spans.every, hourly=spans.hourly, daily=spans.daily)
        is_more = thin(self.ledger, now, kept)
        is_more = forecasts.refresh(self.ledger, now, config.timezone) or is_more
        self._rests_from = None if is_more else now
        return is_more


def _is_resting(since: datetime | None, now: datetime) -> bool:
    return since is not None and timedelta(0) <= now - since < _RESTS
