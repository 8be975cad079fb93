"""Slots that are over: which of them were served, and whom the others left out.

A slot is closed once, and then nobody serves it any more. Pure: the ledger remembers.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from budgetd.core.decisions.deciding import MASTER, unfit
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import Key, is_over, is_valid
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.observation import Observation
from budgetd.core.policies.policy import Mode, PolicySet
from budgetd.core.policies.schedule import (
    MOST_OPEN_SLOTS,
    Schedule,
    Slot,
    next_slot,
    open_slots,
    slots_back,
)
from budgetd.core.reason import Hold

MOST_TOLD = 100
"""So many missed slots of a rule are told one by one; the older ones are counted."""

MOST_LOOKED_AT = 5000
"""How far back a rule's slots are looked at, after a long absence."""

FIRST_LABELS = 5

ZONES_APART = timedelta(days=2)
"""No change of zone moves the end of a label farther."""


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
class Opened:
    """A slot that has come and is not closed yet, or the one that comes next, as its rule had it
    then."""

    rule: str
    period: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of slots: until when they were looked at (None: never), which were open then
    or waited for, which units are decided, and what held the others, by rule and period."""

    looked_at: datetime | None
    opened: tuple[Opened, ...]
    decided: Collection[Key]
    held: Mapping[tuple[str, str], Hold]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The slots to be closed now, those of them that people are to hear of, and all that are
    open or waited for."""

    ended: tuple[Ended, ...]
    missed: tuple[Missed, ...]
    opened: tuple[Opened, ...]


def close(policies: PolicySet, observation: Observation, limits: Limits, past: Past) -> Closing:
    """Every slot that ended since slots were last looked at, on a fleet that was read.

    Rules that only observe have nothing to miss; a slot that selects nobody is served.
    """
    fleet = Fleet(observation.accounts)
    done = _done(observation, past)
    ended: list[Ended] = []
    missed: list[Missed] = []
    opened: list[Opened] = []
    for name, rule in policies.rules():
        named = NamedRule(name=name, rule=rule)
        if rule.schedule is None or rule.mode is Mode.OBSERVE:
            continue
        known = _Known(named, observation, limits)
        is_open = known.open()
        opened += (
            Opened(rule=name, period=slot.period, at=slot.at, until=slot.until)
            for slot in (*is_open, *known.ahead())
        )
        slots = known.ended(past, is_open)
        accounts = _about(named, fleet, limits) if slots else {}
        undone = [(slot, accounts.keys() - done[name, slot.period]) for slot in slots]
        ended += (
            Ended(rule=name, period=slot.period, at=slot.at, until=slot.until, undone=len(left))
            for slot, left in undone
        )
        missed += _told(name, [(slot, left) for slot, left in undone if left], accounts, past)
    return Closing(
        ended=tuple(ended),
        missed=tuple(sorted(missed, key=lambda one: one.at)),
        opened=tuple(opened),
    )


def _done(observation: Observation, past: Past) -> dict[tuple[str, str], set[str]]:
    """The accounts that are done, by rule and period. What is served in parts, coupons and ledgers
    to reclaim from, is done when all of them are."""
    done: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rule, account_id, period in past.decided:
        done[rule, period].add(account_id)
    for move in observation.moves:
        is_part = move.unit.instrument is Instrument.COUPON or (
            move.unit.instrument is Instrument.CREDIT and move.direction is Direction.RECLAIM
        )
        if move.state is State.SETTLED and not is_part:
            done[move.rule, move.period].add(move.unit.account_id)
    return done


@dataclass(frozen=True, slots=True)
class _Known:
    """The slots of one rule, as it is now."""

    named: NamedRule
    observation: Observation
    limits: Limits

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its schedule."""
        return self.named.rule.timezone or self.limits.zone

    def _until(self, slot: Slot) -> datetime:
        """When it is over: at the latest with the rule itself."""
        ends = self.named.rule.valid.until
        return slot.until if ends is None else min(slot.until, ends.after(self.zone))

    def _counts(self, slot: Slot) -> bool:
        """Whether the rule lived when the slot came, and nobody closed it before."""
        is_over_ = is_over(slot, self.named.name, self.observation)
        return not is_over_ and is_valid(self.named.rule, self.zone, slot.at)

    def open(self) -> list[Slot]:
        """Those that are served now, oldest first."""
        schedule, since = self._schedule, self._since
        if since is None:
            return []
        found = open_slots(schedule, self.zone, self.observation.taken_at)
        return [
            slot
            for slot in found
            if slot.at >= since
            and self._until(slot) > self.observation.taken_at
            and self._counts(slot)
        ]

    def ahead(self) -> tuple[Slot, ...]:
        """The one that comes next, if any."""
        slot = next_slot(self._schedule, self.zone, self.observation.taken_at)
        return (slot,) if slot is not None and self._counts(slot) else ()

    def ended(self, past: Past, is_open: Collection[Slot]) -> list[Slot]:
        """Those that are over and were not closed, newest first: by the schedule as it is, and
        those that were open under another one."""
        now = self.observation.taken_at
        waited_for = {one.period for one in past.opened if one.rule == self.named.name}
        found = {slot.period: slot for slot in self._ended_since(past.looked_at, waited_for)}
        kept = found.keys() | {slot.period for slot in (*is_open, *self.ahead())}
        for one in past.opened:
            # Where a schedule has more open slots than are looked at, the oldest wait unseen.
            is_unseen = len(is_open) == MOST_OPEN_SLOTS and one.until > now
            # One that lies ahead again will come again: the clock was stepped back.
            is_unseen = is_unseen or one.at > now
            if one.rule == self.named.name and one.period not in kept and not is_unseen:
                until = min(one.until, now)
                slot = Slot(period=one.period, at=one.at, until=until, label_ends=until)
                if not is_over(slot, one.rule, self.observation):
                    found[one.period] = slot
        return sorted(found.values(), key=lambda slot: slot.at, reverse=True)

    def _ended_since(
        self, looked_at: datetime | None, waited_for: Collection[str]
    ) -> Iterator[Slot]:
        """Those whose labels have ended since then; where another zone ended one before, those
        that were waited for."""
        since, now = self._since, self.observation.taken_at
        if since is None:
            return
        for number, slot in enumerate(slots_back(self._schedule, self.zone, now)):
            age = looked_at - slot.label_ends if looked_at is not None else -ZONES_APART
            if slot.at < since or age >= ZONES_APART or number == MOST_LOOKED_AT:
                return
            until, is_new = self._until(slot), age < timedelta(0) or slot.period in waited_for
            if is_new and until <= now and self._counts(slot):
                yield replace(slot, until=until)

    @property
    def _schedule(self) -> Schedule:
        schedule = self.named.rule.schedule
        assert schedule is not None
        return schedule

    @property
    def _since(self) -> datetime | None:
        """Since when the rule is known; it has no slots from before."""
        return self.observation.first_loaded.get(self.named.name)


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
