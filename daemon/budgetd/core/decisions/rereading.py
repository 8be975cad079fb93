"""What is left to read where young readings are known already.

A daemon reads a fleet over and over: what it has read lately serves again, unless a slot has
come since. Pure. It may not know moves: who knows which accounts moved leaves them out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.needs import Needs
from budgetd.core.intent import Instrument
from budgetd.core.observation import Account, Ok, Readings
from budgetd.core.policies.schedule import latest_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Rereading:
    """The needs of a cycle less what `known` says: `ok` readings begun from `since` to `now`, not
    before the newest slot of a rule that selects the account."""

    needs: Needs
    known: Mapping[str, Readings]
    since: datetime
    now: datetime

    @property
    def master(self) -> frozenset[Instrument]:
        """The master is read anew by each cycle."""
        return self.needs.master

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments of each account that must be read again."""
        found = tuple(accounts)
        slots = self._slots(found)
        left: dict[str, frozenset[Instrument]] = {}
        for account_id, wanted in self.needs.of(found).items():
            since = max(self.since, slots.get(account_id, self.since))
            known = self.known.get(account_id)
            missing = {
                one for one in wanted if known is None or not self._serves(known, one, since)
            }
            if missing:
                left[account_id] = frozenset(missing)
        return left

    def _serves(self, readings: Readings, instrument: Instrument, since: datetime) -> bool:
        """Whether a known reading is young enough. One from ahead of now is not: the clock has
        stepped back since, and nobody knows how old it is."""
        reading = readings.of(instrument)
        return isinstance(reading, Ok) and since <= reading.read_at <= self.now

    def _slots(self, accounts: tuple[Account, ...]) -> dict[str, datetime]:
        """By account, the newest slot of the calendar rules that want to know it."""
        fleet = Fleet(accounts)
        found: dict[str, datetime] = {}
        for named in self.needs.rules:
            schedule, zone = named.rule.schedule, named.rule.timezone or self.needs.limits.zone
            slot = latest_slot(schedule, zone, self.now) if schedule is not None else None
            if slot is None:
                continue
            for account in fleet.select(named.rule.accounts):
                found[account.id] = max(slot.at, found.get(account.id, slot.at))
        return found


def merged(known: Readings | None, fresh: Readings | None) -> Readings:
    """Two readings of one account as one: what was read last counts, a failure too."""
    if known is None or fresh is None:
        return fresh or known or Readings()
    return Readings(
        cash=known.cash if fresh.cash is None else fresh.cash,
        credit=known.credit if fresh.credit is None else fresh.credit,
        coupons=known.coupons if fresh.coupons is None else fresh.coupons,
    )
