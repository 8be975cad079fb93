"""The life of an alert: what crossed its trigger, what still holds, what is over, and why.

Pure. It may not tell anybody, nor remember: the ledger keeps which alerts are known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from budgetd.core.decisions.deciding import MASTER
from budgetd.core.decisions.decision import Held, NamedRule, Raised
from budgetd.core.decisions.due import live_rules
from budgetd.core.decisions.limits import Limits
from budgetd.core.observation import Account, Observation
from budgetd.core.policies.policy import Alert, Mode, PolicySet
from budgetd.core.policies.selector import selects
from budgetd.core.reason import Hold

DEFAULT_COOLDOWN = timedelta(hours=24)
Key = tuple[str, str]


class Turn(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    REPEATED = "repeated"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAlert:
    """An alert that was raised and is not over. `told_at` is when people last heard of it."""

    rule: str
    account_id: str
    account_name: str
    severity: str
    raised_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One alert that people are to hear of now.

    `raised` is None where it is over, and then `why` says why, empty for the usual reason: a good
    reading shows it. `channels` are those the rule names.
    """

    turn: Turn
    rule: str
    account_id: str
    account_name: str
    severity: str
    since: datetime
    raised: Raised | None = None
    why: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one cycle says of alerts: those that hold, and the holds of all rules."""

    raised: Sequence[Raised]
    held: Sequence[Held]


def notices(
    policies: PolicySet,
    observation: Observation,
    limits: Limits,
    watched: Watched,
    known: Iterable[KnownAlert],
) -> tuple[Notice, ...]:
    """What is raised, repeated and over now, in order of rule and account.

    Where a reading is missing or cannot be judged, nothing is said: unread is neither. A clock
    that steps back repeats nothing.
    """
    now = observation.taken_at
    watching = _watching(policies, observation, limits)
    holding = {(item.rule, item.account.id): item for item in watched.raised}
    holding = {key: item for key, item in holding.items() if key[0] in watching}
    before = {(alert.rule, alert.account_id): alert for alert in known}
    found = [
        _notice(Turn.RAISED, item, watching[key[0]], now)
        for key, item in holding.items()
        if key not in before
    ]
    found += [
        _notice(Turn.REPEATED, item, watching[key[0]], before[key].raised_at)
        for key, item in holding.items()
        if key in before and now - before[key].told_at >= _cooldown(watching[key[0]])
    ]
    gone = {key: alert for key, alert in before.items() if key not in holding}
    found += _over(gone, watching, observation, watched.held)
    return tuple(sorted(found, key=lambda notice: (notice.rule, notice.account_id)))


def _watching(
    policies: PolicySet, observation: Observation, limits: Limits
) -> dict[str, NamedRule]:
    """The alerts in force; a rule in `mode: observe` tells nobody."""
    return {
        named.name: named
        for named in live_rules(policies, observation, limits, None)
        if isinstance(named.action, Alert) and named.rule.mode is not Mode.OBSERVE
    }


def _cooldown(named: NamedRule) -> timedelta:
    return named.rule.cooldown or DEFAULT_COOLDOWN


def _notice(turn: Turn, raised: Raised, named: NamedRule, since: datetime) -> Notice:
    return Notice(
        turn=turn,
        rule=raised.rule,
        account_id=raised.account.id,
        account_name=raised.account.label,
        severity=raised.severity,
        since=since,
        raised=raised,
        channels=channels_of(named),
    )


def channels_of(named: NamedRule) -> tuple[str, ...]:
    """The channels that an alert names; none where it leaves that to their severities."""
    assert isinstance(named.action, Alert)
    return named.action.notify or ()


def _over(
    gone: Mapping[Key, KnownAlert],
    watching: Mapping[str, NamedRule],
    observation: Observation,
    held: Iterable[Held],
) -> Iterator[Notice]:
    accounts = {account.id: account for account in observation.accounts}
    accounts[MASTER.id] = MASTER
    reasons = {(hold.rule, hold.account.id): hold.reason for hold in held}
    for key, alert in gone.items():
        named = watching.get(alert.rule)
        why = _end(named, accounts.get(alert.account_id), reasons.get(key))
        if why is not None:
            yield Notice(
                turn=Turn.OVER,
                rule=alert.rule,
                account_id=alert.account_id,
                account_name=alert.account_name,
                severity=alert.severity,
                since=alert.raised_at,
                why=why,
                channels=channels_of(named) if named else (),
            )


def _end(named: NamedRule | None, account: Account | None, reason: Hold | None) -> str | None:
    """Why an alert that does not hold any more is over; None where that is not known."""
    if named is None:
        return "its rule is not in force any more"
    if account is None:
        return "the account is not in the list any more"
    if reason is Hold.NOT_TRIGGERED:
        return ""
    if reason is Hold.NOT_NORMAL:
        return "the account is not in normal standing any more"
    if reason is None and account is not MASTER and selects(named.rule.accounts, account) is False:
        return "its rule does not select the account any more"
    return None
