"""The accounts of an observation, indexed so that a selector finds its own without asking all.

It may not judge readings; what a selector means stands in `selector`.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

from budgetd.core.observation import Account
from budgetd.core.policies.selector import Match, OrganizationIds, org_matches, selects

_MAGIC = re.compile(r"[*?\[]")


class Fleet:
    """Finds the accounts a selector means."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        self.accounts = accounts
        self._by_id = {account.id: account for account in accounts}
        self._by_name = sorted(accounts, key=lambda account: account.name)
        self._names = [account.name for account in self._by_name]
        self._by_unit: dict[str, list[Account]] = defaultdict(list)
        self._units = {}
        for account in accounts:
            if account.organization is not None:
                self._by_unit[account.organization.id].append(account)
                self._units[account.organization.id] = account.organization

    def select(self, selector: Match | str) -> list[Account]:
        """The accounts for which the selector surely says yes, in order of their ids."""
        if isinstance(selector, str):
            return list(self.accounts) if selector == "all" else []
        found = [
            account for account in self._candidates(selector) if selects(selector, account) is True
        ]
        return sorted(found, key=lambda account: account.id)

    def _candidates(self, match: Match) -> Iterable[Account]:
        """A set that surely holds every account the selector means, as small as is cheap."""
        if match.id is not None:
            return [self._by_id[key] for key in set(match.id) if key in self._by_id]
        if match.name is not None:
            prefixes = [_MAGIC.split(pattern)[0] for pattern in match.name]
            if all(prefixes):
                return {account.id: account for account in self._named(prefixes)}.values()
        if match.org is not None:
            return self._in_units(match.org)
        return self.accounts

    def _named(self, prefixes: list[str]) -> Iterable[Account]:
        for prefix in prefixes:
            low = bisect_left(self._names, prefix)
            high = bisect_left(self._names, prefix + "\U0010ffff")
            yield from self._by_name[low:high]

    def _in_units(self, org: tuple[str, ...] | OrganizationIds) -> Iterable[Account]:
        for unit in self._units.values():
            if org_matches(org, unit):
                yield from self._by_unit[unit.id]
