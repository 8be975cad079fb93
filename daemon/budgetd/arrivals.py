"""What the plan that is carried out has given by now, and what the accounts it went to read since.

A master that is read again has given it already: unless the accounts are read again as well, it
would be taken off once more. It may not decide who gets what.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from budgetd.core.decisions.rereading import merged
from budgetd.core.intent import Direction, Instrument, Intent
from budgetd.core.money import ZERO
from budgetd.core.observation import Observation, Ok, Readings
from budgetd.core.plans.again import Promised
from budgetd.observe import Observer


@dataclass(slots=True, kw_only=True)
class Arrivals:
    """What one plan has given. A reading takes about a second: none is made while the master has
    enough for the next, though all that was given were taken off it twice."""

    observer: Observer
    reserve: Decimal
    _sums: dict[Instrument, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    _unread: dict[str, frozenset[Instrument]] = field(default_factory=dict)
    _seen: dict[str, Readings] = field(default_factory=dict)

    def promised(self, intent: Intent) -> None:
        """It may leave the master from now on."""
        if intent.direction is Direction.ALLOCATE:
            self._sums[intent.unit.instrument] += intent.amount

    def settled(self, intent: Intent) -> None:
        """It has left the master for good."""
        unit = intent.unit
        if intent.direction is Direction.ALLOCATE:
            before = self._unread.get(unit.account_id, frozenset())
            self._unread[unit.account_id] = before | {unit.instrument}

    async def read(self, item: Promised, observation: Observation) -> Mapping[str, Readings]:
        """What the accounts read that were given something, where the next may need to know it."""
        if not self._is_plenty(item, observation):
            unread, self._unread = self._unread, {}
            for account_id, found in (await self.observer.some(unread)).items():
                self._seen[account_id] = merged(self._seen.get(account_id), found)
        return self._seen

    def _is_plenty(self, item: Promised, observation: Observation) -> bool:
        """Of money alone: credit and coupons are given from one ledger or coupon each."""
        cash, instrument = observation.master.cash, item.unit.instrument
        if instrument is not Instrument.CASH or not isinstance(cash, Ok):
            return False
        return cash.value - self.reserve >= 2 * self._sums[instrument] + item.amount
