"""What two sets of policies want to know of one fleet, together: it is read once for both.

Pure. It may not ask for more than either does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from budgetd.core.decisions.needs import Needs
from budgetd.core.intent import Instrument
from budgetd.core.observation import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """The needs of both, each reading asked for once."""

    one: Needs
    other: Needs

    @property
    def master(self) -> frozenset[Instrument]:
        """What is read of the master."""
        return self.one.master | self.other.master

    def of(self, accounts: Iterable[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments of each account that either wants."""
        found = tuple(accounts)
        wanted = dict(self.one.of(found))
        for account_id, instruments in self.other.of(found).items():
            wanted[account_id] = wanted.get(account_id, frozenset()) | instruments
        return wanted
