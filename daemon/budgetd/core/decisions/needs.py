"""What must be read before a cycle can decide: which instruments of which accounts.

Pure. It may not read anything itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import Due, Key, live_rules, when_due
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.trigger import asks_burn
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.observation import Account, Observation, Status
from budgetd.core.policies.policy import PolicySet
from budgetd.core.policies.selector import Match, admits, selects

WATCHED_EVERY = timedelta(hours=6)
"""So often is read what only the history of a burn wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Answers, account by account, what the due rules want to know.

    `watched` are rules that will ask for a burn and are not due: what they are about is read now
    and then, so that there is a history when they are. `last_read` says when it last was.
    """

    due: tuple[tuple[NamedRule, Due], ...]
    limits: Limits
    master: frozenset[Instrument]
    now: datetime
    decided: Collection[Key] = frozenset()
    watched: tuple[NamedRule, ...] = ()
    last_read: Mapping[tuple[str, Instrument], datetime] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[NamedRule, ...]:
        """The due rules."""
        return tuple(named for named, _ in self.due)

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments to read of each account; one that no rule looks at is left out, and
        so is one that has decided every slot of the rules that do."""
        found: dict[str, set[Instrument]] = defaultdict(set)
        fleet = Fleet(tuple(accounts))
        for named, due in self.due:
            for account in fleet.select(named.rule.accounts):
                is_open = not due.slots or due.slot_of(named.name, account.id, self.decided)
                if is_open and due.is_for(account.id) and self._may_act(named, account):
                    found[account.id].add(named.rule.instrument)
        for named in self.watched:
            for account in fleet.select(named.rule.accounts):
                if self._is_old(account, named.instrument) and self._may_act(named, account):
                    found[account.id].add(named.instrument)
        return {account_id: frozenset(wanted) for account_id, wanted in found.items()}

    def _is_old(self, account: Account, instrument: Instrument) -> bool:
        last = self.last_read.get((account.id, instrument))
        return last is None or not timedelta(0) <= self.now - last < WATCHED_EVERY

    def _may_act(self, named: NamedRule, account: Account) -> bool:
        if not admits(named.rule.accounts, account):
            return False
        never = self.limits.never
        moves = named.rule.direction is not None
        return not moves or never is None or selects(never, account) is False


def needs(
    policies: PolicySet, blank: Observation, limits: Limits, only: str | None = None
) -> Needs:
    """What the rules that are due want to read, on an observation without accounts."""
    asked = [
        (named, when_due(named, blank, limits, only))
        for named in live_rules(policies, blank, limits, only)
    ]
    # A person's command reads what it decides on; the history is the daemon's to keep.
    watched = [
        named
        for named, due in asked
        if blank.served is not None and not due.is_for_all and asks_burn(named.rule)
    ]
    chosen = tuple((named, due) for named, due in asked if due.is_due)
    master = {Instrument.CASH}
    for named, _ in chosen:
        if named.rule.direction is Direction.ALLOCATE or named.rule.accounts == "master":
            master.add(named.rule.instrument)
    return Needs(
        due=chosen,
        limits=limits,
        master=frozenset(master),
        now=blank.taken_at,
        decided=blank.decided,
        watched=tuple(watched),
        last_read=blank.last_read,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """The needs of somebody who wants to see it all."""

    master: frozenset[Instrument] = frozenset(Instrument)

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """Every instrument of every normal account."""
        return {
            account.id: frozenset(Instrument)
            for account in accounts
            if account.status is Status.NORMAL
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The needs of a plan that was made before: its own units, and no more; without any, those of
    somebody who wants the list of accounts alone."""

    units: Mapping[str, frozenset[Instrument]]
    master: frozenset[Instrument]

    @classmethod
    def of_units(cls, units: Iterable[Unit]) -> "Named":
        """What these units are about."""
        found: dict[str, set[Instrument]] = defaultdict(set)
        for unit in units:
            found[unit.account_id].add(unit.instrument)
        every = frozenset(instrument for wanted in found.values() for instrument in wanted)
        return cls(
            units={account_id: frozenset(wanted) for account_id, wanted in found.items()},
            master=every | {Instrument.CASH},
        )

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments of those accounts that the plan names."""
        return {
            account.id: self.units[account.id] for account in accounts if account.id in self.units
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """The needs of somebody who asks about one account, by its id or its name. One that is not
    normal is read where one of the selectors means it."""

    wanted: str
    selectors: tuple[Match | str, ...] = ()
    master: frozenset[Instrument] = frozenset(Instrument)

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """Everything of that account."""
        return {
            account.id: frozenset(Instrument)
            for account in accounts
            if self.wanted in (account.id, account.name) and self._may_act(account)
        }

    def _may_act(self, account: Account) -> bool:
        return account.status is Status.NORMAL or any(
            selects(one, account) is True and admits(one, account) for one in self.selectors
        )
