"""How long money lasts: the master's at the burn of all it feeds, and the accounts that end first.

Pure. What is not known is left out and counted; it may not decide.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from heapq import nsmallest

from budgetd.core.burn import Burn
from budgetd.core.decisions.funding import Funding, lasts_of
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Account, Observation, Ok
from budgetd.core.policies.policy import PolicySet
from budgetd.core.standing import Lasts, Worst

MOST = 5
_CLOSE = 4  # times as many as are shown are looked at closely: weekdays change the order a little


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """The master's runway in cash, None where it is not known, and the accounts whose cash ends
    first. `known` of the `fed` accounts have a known burn."""

    master: Lasts | None
    known: int
    fed: int
    worst: tuple[Worst, ...]


def lasting(observation: Observation, policies: PolicySet, limits: Limits) -> Lasting:
    """How long cash lasts, at the burns that the observation knows."""
    funding = Funding(observation, policies, limits)
    worst = tuple(_worst(observation, limits, funding))
    return Lasting(
        master=None if funding.master is None else lasts_of(funding.master),
        known=funding.known,
        fed=len(funding.fed),
        worst=worst,
    )


def _burn(observation: Observation, account_id: str) -> Burn | None:
    return observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))


def _worst(observation: Observation, limits: Limits, funding: Funding) -> Iterable[Worst]:
    accounts: Mapping[str, Account] = {account.id: account for account in observation.accounts}
    ends = []
    for _, account_id, value in nsmallest(MOST * _CLOSE, _days_left(observation, accounts)):
        burn = _burn(observation, account_id)
        assert burn is not None
        ends.append((burn.runway(value, observation.taken_at, limits.zone), account_id))
    ends.sort(key=lambda one: (one[0].low, one[1]))
    for runway, account_id in ends[:MOST]:
        yield Worst(
            id=account_id,
            label=accounts[account_id].label,
            lasts=lasts_of(runway),
            kept=funding.of(account_id),
        )


def _days_left(
    observation: Observation, accounts: Collection[str]
) -> Iterator[tuple[Decimal, str, Decimal]]:
    """By account, the days of its level that are left, and its cash. Thousands of burns are
    looked at and none is held."""
    for account_id, readings in observation.readings.items():
        if account_id in accounts and isinstance(readings.cash, Ok):
            burn = _burn(observation, account_id)
            if burn is not None and not burn.is_idle:
                yield readings.cash.value / burn.level, account_id, readings.cash.value
