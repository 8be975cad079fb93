"""How long money lasts: the master's at the burn of all it feeds, and the accounts that end first.

Pure. What is not known is left out and counted; it may not decide.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from budgetd.core.burn import FOREVER, Burn, Runway
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Account, Observation, Ok
from budgetd.core.policies.policy import PolicySet
from budgetd.core.standing import Lasts, Worst

MOST = 5
_ENOUGH = Decimal("0.9")
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
    """How long cash lasts, at the burns that the observation knows.

    The master feeds the accounts of its cash top-ups. Where nine of ten have a known burn, the
    others are taken to burn what those do on average; else its runway is not known.
    """
    fed = _fed(observation, policies)
    burns = [burn for account_id in fed if (burn := _burn(observation, account_id)) is not None]
    master = None
    cash = observation.master.cash
    if isinstance(cash, Ok) and burns and len(burns) >= _ENOUGH * len(fed):
        together = summed(burns, Decimal(len(fed)) / len(burns))
        left = max(cash.value - limits.reserve, ZERO)
        master = lasts_of(together.runway(left, observation.taken_at, limits.zone))
    worst = tuple(_worst(observation, limits))
    return Lasting(master=master, known=len(burns), fed=len(fed), worst=worst)


def lasts_of(runway: Runway) -> Lasts:
    """A runway as a standing tells it: whole seconds, None without an end."""

    def told(length: timedelta) -> int | None:
        return None if length == FOREVER else length // timedelta(seconds=1)

    return Lasts(low_s=told(runway.low), middle_s=told(runway.middle), high_s=told(runway.high))


def summed(burns: Iterable[Burn], share: Decimal = Decimal(1)) -> Burn:
    """What accounts burn together, times a share: they vary each for itself, so that their sum is
    surer than each of them."""
    known = tuple(burns)
    level = sum((burn.level for burn in known), Decimal(0))
    newest = max(known, key=lambda burn: burn.at)
    if not level:
        return newest
    weights = [burn.level / level for burn in known]

    def mean(values: Iterable[Decimal]) -> Decimal:
        pairs = zip(weights, values, strict=True)
        return sum((weight * value for weight, value in pairs), Decimal(0))

    def variance(values: Iterable[Decimal]) -> Decimal:
        pairs = zip(weights, values, strict=True)
        return sum((weight * weight * value for weight, value in pairs), Decimal(0))

    return Burn(
        at=newest.at,
        value=newest.value,
        level=level * share,
        growth=mean(burn.growth for burn in known),
        weekdays=tuple(mean(burn.weekdays[day] for burn in known) for day in range(7)),
        spread=variance(burn.spread for burn in known),
        doubt=variance(burn.doubt for burn in known),
        drift=variance(burn.drift for burn in known),
        days_observed=min(burn.days_observed for burn in known),
    )


def _fed(observation: Observation, policies: PolicySet) -> frozenset[str]:
    fleet = Fleet(observation.accounts)
    return frozenset(
        account.id
        for _, rule in policies.rules()
        if rule.direction is Direction.ALLOCATE and rule.instrument is Instrument.CASH
        for account in fleet.select(rule.accounts)
    )


def _burn(observation: Observation, account_id: str) -> Burn | None:
    return observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))


def _worst(observation: Observation, limits: Limits) -> Iterable[Worst]:
    accounts: Mapping[str, Account] = {account.id: account for account in observation.accounts}
    near: list[tuple[Decimal, str, Decimal, Burn]] = []
    for account_id, readings in observation.readings.items():
        burn = _burn(observation, account_id)
        if burn is None or burn.is_idle or not isinstance(readings.cash, Ok):
            continue
        if account_id in accounts:
            value = readings.cash.value
            near.append((value / burn.level, account_id, value, burn))
    near.sort(key=lambda one: one[:2])
    ends = [
        (burn.runway(value, observation.taken_at, limits.zone), account_id)
        for _, account_id, value, burn in near[: MOST * _CLOSE]
    ]
    ends.sort(key=lambda one: (one[0].low, one[1]))
    for runway, account_id in ends[:MOST]:
        yield Worst(id=account_id, label=accounts[account_id].label, lasts=lasts_of(runway))
