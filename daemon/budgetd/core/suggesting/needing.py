"""What the accounts of a rule spend in some time: who counts, and who needs most.

The widest account decides, since one number serves all. It may not know rules' numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from budgetd.core.burn import Burn
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Unit
from budgetd.core.money import CENT, ZERO
from budgetd.core.observation import Account, Observation, Status
from budgetd.core.policies.policy import Lift, Rule
from budgetd.core.policies.selector import admits, selects
from budgetd.core.suggesting.suggestion import FEWEST_DAYS, Basis, Setting, Spender

ENOUGH = Decimal("0.9")
"""The share of the accounts that must be known before a number speaks for all of them."""

UNEVEN = 4
"""So many times what the account in the middle needs the widest may need, for one number."""

TRUSTED_FOR = timedelta(days=7)
"""A burn that rests on nothing younger says nothing of today."""

_DAY = timedelta(days=1)


def selected_by(rule: Rule, fleet: Fleet, limits: Limits) -> list[Account]:
    """The accounts that a rule may move money of: normal ones, others where their status is named
    and they get none."""
    is_lift = isinstance(rule.action, Lift)
    return [
        account
        for account in fleet.select(rule.accounts)
        if (account.status is Status.NORMAL or (not is_lift and admits(rule.accounts, account)))
        and (limits.never is None or selects(limits.never, account) is False)
    ]


def spenders_of(rule: Rule, accounts: Iterable[Account], observation: Observation) -> list[Spender]:
    """Those of whose spending enough was seen, and lately; idle ones too."""
    found = []
    for account in accounts:
        burn = observation.burns.get(Unit(account_id=account.id, instrument=rule.instrument))
        if burn is None or burn.at < observation.taken_at - TRUSTED_FOR:
            continue
        if burn.days_observed >= FEWEST_DAYS:
            found.append(Spender(account=account, burn=burn))
    return found


def basis_of(
    name: str, selected: int, spenders: list[Spender], observation: Observation, setting: Setting
) -> Basis:
    """The data that suggestions for a rule rest on."""
    days = [one.burn.days_observed for one in spenders]
    since = setting.now - setting.days * _DAY
    return Basis(
        selected=selected,
        known=len(spenders),
        least_days=min(days, default=ZERO),
        most_days=max(days, default=ZERO),
        transfers=sum(
            move.rule == name and move.counts and move.made_at >= since
            for move in observation.moves
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What an account spends in some time: the upper edge and the middle."""

    account: Account
    edge: Decimal
    middle: Decimal


def needs_of(spenders: Iterable[Spender], length: timedelta, setting: Setting) -> list[Need]:
    """What each account that spends anything does in so long, from the worst day of the coming
    week on; the least first, by the edge."""
    found = [_need(one, length, setting) for one in spenders if not one.burn.is_idle]
    return sorted(found, key=lambda need: (need.edge, need.account.id))


def _need(one: Spender, length: timedelta, setting: Setting) -> Need:
    bands = [
        _grown(one.burn, day).spends(setting.now + day * _DAY, length, setting.limits.zone)
        for day in range(_starts(one.burn))
    ]
    return Need(
        account=one.account,
        edge=max(band.high for band in bands),
        middle=max(band.middle for band in bands),
    )


def _starts(burn: Burn) -> int:
    """The days on which a time may begin that differ from each other."""
    return 7 if len(set(burn.weekdays)) > 1 or burn.growth > 0 else 1


def _grown(burn: Burn, days: int) -> Burn:
    """The burn as it will be in some days: what grows goes on."""
    return replace(burn, level=burn.level * (1 + max(burn.growth, ZERO)) ** days)


def usual_of(needs: list[Need]) -> Need:
    """The account in the middle."""
    return needs[(len(needs) - 1) // 2]


def is_uneven(needs: list[Need]) -> bool:
    """Whether one number for all is far too much for most."""
    return needs[-1].edge > UNEVEN * usual_of(needs).edge


def grain_of(multiple_of: Decimal | None, value: Decimal) -> Decimal:
    """What a number is rounded to: as the rule rounds; else to two figures."""
    if multiple_of is not None:
        return multiple_of
    if value < 10:
        return max(CENT, Decimal("0.10"))
    figures = Decimal(value).log10().to_integral_value(ROUND_FLOOR)
    return Decimal(10) ** int(figures - 1)
