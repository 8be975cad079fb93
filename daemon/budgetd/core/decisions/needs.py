"""What must be read before a cycle can decide: which instruments of which accounts.

Pure. It may not read anything itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import live_rules, when_due
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.observation import Account, Observation, Status
from budgetd.core.policies.policy import PolicySet
from budgetd.core.policies.selector import names_status, selects


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Answers, account by account, what the due rules want to know."""

    rules: tuple[NamedRule, ...]
    limits: Limits
    master: frozenset[Instrument]

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments to read of each account; one that no rule looks at is left out."""
        found: dict[str, set[Instrument]] = defaultdict(set)
        fleet = Fleet(tuple(accounts))
        for named in self.rules:
            for account in fleet.select(named.rule.accounts):
                if self._may_act(named, account):
                    found[account.id].add(named.rule.instrument)
        return {account_id: frozenset(wanted) for account_id, wanted in found.items()}

    def _may_act(self, named: NamedRule, account: Account) -> bool:
        selector = named.rule.accounts
        if account.status is not Status.NORMAL and not names_status(selector):
            return False
        never = self.limits.never
        moves = named.rule.direction is not None
        return not moves or never is None or selects(never, account) is False


def needs(
    policies: PolicySet, blank: Observation, limits: Limits, only: str | None = None
) -> Needs:
    """What the rules that are due want to read, on an observation without accounts."""
    due = [
        named
        for named in live_rules(policies, blank, limits, only)
        if when_due(named, blank, limits, only).is_due
    ]
    master = {Instrument.CASH}
    for named in due:
        if named.rule.direction is Direction.ALLOCATE or named.rule.accounts == "master":
            master.add(named.rule.instrument)
    return Needs(rules=tuple(due), limits=limits, master=frozenset(master))


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
    """The needs of a plan that was made before: its own units, and no more."""

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
    """The needs of somebody who asks about one account, by its id or its name."""

    wanted: str
    master: frozenset[Instrument] = frozenset(Instrument)

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """Everything of that account."""
        return {
            account.id: frozenset(Instrument)
            for account in accounts
            if self.wanted in (account.id, account.name) and account.status is Status.NORMAL
        }
