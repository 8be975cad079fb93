"""Slots that are over: which of them were served, and whom the others left out.

A slot is closed once, and then nobody serves it any more. Pure: the ledger remembers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from budgetd.core.decisions.deciding import MASTER, unfit
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import Key, is_over, is_valid
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Instrument, State
from budgetd.core.observation import Observation
from budgetd.core.policies.policy import Mode, PolicySet
from budgetd.core.policies.schedule import Schedule, Slot, slots_back
from budgetd.core.reason import Hold

MOST_TOLD = 100
"""So many missed slots of a rule are told one by one; the older ones are counted."""

MOST_LOOKED_AT = 5000
"""How far back a rule's slots are looked at, after a long absence."""

FIRST_LABELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A slot that is over. `undone` is how many accounts it has not served."""

    rule: str
    period: str
    at: datetime
    until: datetime
    undone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A slot that ended without having served every account it was about.

    `undone` counts those of `selected` accounts it left out, `accounts` are the first labels of
    them. `reason` is what last held most of them, None where nobody tried. `older` is how many
    slots of the rule before this one were missed as well and are not told one by one.
    """

    rule: str
    period: str
    at: datetime
    until: datetime
    undone: int
    selected: int
    accounts: tuple[str, ...]
    reason: Hold | None = None
    older: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of slots: until when they were looked at (None: never), which units are
    decided, and what held the others, by rule and period."""

    looked_at: datetime | None
    decided: Collection[Key]
    held: Mapping[tuple[str, str], Hold]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The slots to be closed now, and those of them that people are to hear of."""

    ended: tuple[Ended, ...]
    missed: tuple[Missed, ...]


def close(policies: PolicySet, observation: Observation, limits: Limits, past: Past) -> Closing:
    """Every slot that ended since slots were last looked at, on a fleet that was read.

    Rules that only observe have nothing to miss; a slot that selects nobody is served.
    """
    fleet = Fleet(observation.accounts)
    done = _done(observation, past)
    ended: list[Ended] = []
    missed: list[Missed] = []
    for name, rule in policies.rules():
        named = NamedRule(name=name, rule=rule)
        if rule.schedule is None or rule.mode is Mode.OBSERVE:
            continue
        slots = list(_ended(named, rule.schedule, observation, limits, past.looked_at))
        accounts = _about(named, fleet, limits) if slots else {}
        undone = [(slot, accounts.keys() - done[name, slot.period]) for slot in slots]
        ended += (
            Ended(rule=name, period=slot.period, at=slot.at, until=slot.until, undone=len(left))
            for slot, left in undone
        )
        missed += _told(name, [(slot, left) for slot, left in undone if left], accounts, past)
    return Closing(ended=tuple(ended), missed=tuple(sorted(missed, key=lambda one: one.at)))


def _done(observation: Observation, past: Past) -> dict[tuple[str, str], set[str]]:
    """The accounts that are done, by rule and period. Coupons are done when all of them are."""
    done: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rule, account_id, period in past.decided:
        done[rule, period].add(account_id)
    for move in observation.moves:
        if move.state is State.SETTLED and move.unit.instrument is not Instrument.COUPON:
            done[move.rule, move.period].add(move.unit.account_id)
    return done


def _ended(
    named: NamedRule,
    schedule: Schedule,
    observation: Observation,
    limits: Limits,
    looked_at: datetime | None,
) -> Iterator[Slot]:
    """The slots of a rule that are over and were not closed, newest first."""
    now, since = observation.taken_at, observation.first_loaded.get(named.name)
    zone = named.rule.timezone or limits.zone
    ends = named.rule.valid.until
    if since is None:
        return
    for number, slot in enumerate(slots_back(schedule, zone, now)):
        is_old = looked_at is not None and slot.label_ends <= looked_at
        if slot.at < since or is_old or number == MOST_LOOKED_AT:
            return
        until = slot.until if ends is None else min(slot.until, ends.after(zone))
        if until > now or not is_valid(named.rule, zone, slot.at):
            continue
        if not is_over(slot, named.name, observation):
            yield replace(slot, until=until)


def _about(named: NamedRule, fleet: Fleet, limits: Limits) -> dict[str, str]:
    """The accounts that a slot of the rule was to serve: their labels, in order, by id."""
    if named.rule.accounts == "master":
        return {MASTER.id: MASTER.label}
    chosen = [one for one in fleet.select(named.rule.accounts) if unfit(named, one, limits) is None]
    return {account.id: account.label for account in sorted(chosen, key=lambda one: one.label)}


def _told(
    rule: str,
    missed: list[tuple[Slot, set[str]]],
    accounts: Mapping[str, str],
    past: Past,
) -> Iterator[Missed]:
    """The newest of a rule's missed slots, the oldest of which counts those before it."""
    for number, (slot, undone) in enumerate(missed[:MOST_TOLD], 1):
        first = (label for account_id, label in accounts.items() if account_id in undone)
        yield Missed(
            rule=rule,
            period=slot.period,
            at=slot.at,
            until=slot.until,
            undone=len(undone),
            selected=len(accounts),
            accounts=tuple(islice(first, FIRST_LABELS)),
            reason=past.held.get((rule, slot.period)),
            older=len(missed) - MOST_TOLD if number == MOST_TOLD else 0,
        )
