"""What is left to read where young readings are known already.

A daemon reads a fleet over and over: what it has read lately serves again, unless a slot has
come or a move has ended since. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.needs import Needs
from budgetd.core.intent import Instrument
from budgetd.core.observation import Account, Observation, Ok, Readings
from budgetd.core.policies.schedule import latest_slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Rereading:
    """The needs of a cycle less what `known` says: `ok` readings begun at `since` or later, not
    before the newest slot of a rule that selects the account, nor before its last move ended."""

    needs: Needs
    known: Mapping[str, Readings]
    since: datetime
    ended: Mapping[str, datetime]
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
            later = (slots.get(account_id), self.ended.get(account_id))
            since = max([self.since, *(at for at in later if at is not None)])
            known = self.known.get(account_id)
            missing = {one for one in wanted if known is None or not _is_young(known, one, since)}
            if missing:
                left[account_id] = frozenset(missing)
        return left

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


def rereading(
    needs: Needs, blank: Observation, known: Mapping[str, Readings], since: datetime
) -> Rereading:
    """What is left to read of `needs`, on an observation without accounts."""
    ended: dict[str, datetime] = {}
    for move in blank.moves:
        if move.ended_at is not None:
            account_id = move.unit.account_id
            ended[account_id] = max(move.ended_at, ended.get(account_id, move.ended_at))
    return Rereading(needs=needs, known=known, since=since, ended=ended, now=blank.taken_at)


def merged(known: Readings | None, fresh: Readings | None) -> Readings:
    """Two readings of one account as one: what was read last counts, a failure too."""
    if known is None or fresh is None:
        return fresh or known or Readings()
    return Readings(
        cash=known.cash if fresh.cash is None else fresh.cash,
        credit=known.credit if fresh.credit is None else fresh.credit,
        coupons=known.coupons if fresh.coupons is None else fresh.coupons,
    )


def _is_young(readings: Readings, instrument: Instrument, since: datetime) -> bool:
    reading = readings.of(instrument)
    return isinstance(reading, Ok) and reading.read_at >= since
