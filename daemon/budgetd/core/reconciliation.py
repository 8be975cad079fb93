"""What the provider's change records prove about our moves: evidence by count, and discrepancies.

No record names the member or the key, so one record proves nothing about one intent: only the
numbers of a family (one way, one instrument, one amount) do. Pure. It may not settle anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from budgetd.core.intent import NEVER_MOVED, Direction, Instrument, State

SIGNATURE_LIFE = timedelta(minutes=15)
"""After it the gateway refuses a signed request, so a delayed one cannot start executing."""
CLOCK_BOUND = timedelta(minutes=2)
"""How far our clock may be off the provider's; beyond it nothing is sent."""
PROCESSING = timedelta(minutes=8)
"""How long a request that was accepted in time may take to move money."""
RECORD_LAG = timedelta(minutes=20)
"""How late a record, or a reading, may show a movement."""
DEAD_TIME = SIGNATURE_LIFE + CLOCK_BOUND + PROCESSING + RECORD_LAG
"""Counted from the last signing: 45 minutes. A read begun later that shows nothing proves it."""
_WIDEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the master's own book: so much went out to, or came home from, some member."""

    id: str
    at: datetime
    instrument: Instrument
    direction: Direction
    amount: Decimal
    coupon_id: str = ""
    account_name: str = ""


Family = tuple[Instrument, Direction, str, Decimal | None]
"""What cannot be told apart in the records. A coupon comes home with whatever it holds, so the
amount is no part of that family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An intent that left at least once: what was asked for, when, and what is believed of it.

    `ended_at` is when it became final; `is_by_answer` whether the provider's own answer settled
    it; `was_received` whether an attempt was told that its key had been seen, `was_contested`
    whether one was refused for what an earlier copy of ours could have caused.
    """

    id: str
    state: State
    instrument: Instrument
    direction: Direction
    amount: Decimal
    coupon_id: str
    account_name: str
    first_at: datetime
    last_at: datetime
    ended_at: datetime | None = None
    is_by_answer: bool = False
    was_received: bool = False
    was_contested: bool = False

    @property
    def may_have_moved(self) -> bool:
        """Whether a record may be its own: not of one that never moved, unless by a copy."""
        return self.was_contested or self.state not in NEVER_MOVED

    @property
    def family(self) -> Family:
        """The records that could be its own."""
        return _family(self.instrument, self.direction, self.coupon_id, self.amount)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Within which its movement, if any, is booked."""
        begins = self.first_at - CLOCK_BOUND
        if self.is_by_answer and self.ended_at is not None:
            return begins, self.ended_at + CLOCK_BOUND
        return begins, self.last_at + SIGNATURE_LIFE + CLOCK_BOUND + PROCESSING

    def is_dead(self, at: datetime) -> bool:
        """Whether what a read begun at that instant does not show can no longer come."""
        return at >= self.last_at + DEAD_TIME


def _family(
    instrument: Instrument, direction: Direction, coupon_id: str, amount: Decimal
) -> Family:
    is_whole = instrument is Instrument.COUPON and direction is Direction.RECLAIM
    return (instrument, direction, coupon_id, None if is_whole else amount)


def family_of(change: Change) -> Family:
    """The family a record belongs to."""
    return _family(change.instrument, change.direction, change.coupon_id, change.amount)


_NO_CLAIMS: Mapping[str, str] = MappingProxyType({})


class Proof(StrEnum):
    """What a count of records proves about the doubtful intents of a family."""

    ALL_MOVED = "all_moved"
    NONE_MOVED = "none_moved"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """`records` of a family within a window, against `settled` and `doubtful` intents.

    `own` is, where everything moved, a record for each doubtful intent, by its id: which of them
    is whose cannot be told. `begins` and `ends` are the window.
    """

    proof: Proof
    records: int
    settled: int
    doubtful: int
    begins: datetime
    ends: datetime
    own: Mapping[str, Change] = field(default_factory=dict)


def count(
    doubtful: Sequence[Sent],
    sent: Iterable[Sent],
    changes: Iterable[Change],
    read_at: datetime,
    claimed: Mapping[str, str] = _NO_CLAIMS,
) -> Count:
    """Counts the records of one family against its intents, in doubt (at least one) and settled.

    `claimed` are record ids by intent id. `changes` were read at `read_at`, which is after the
    dead time of the doubtful ones or proves nothing of what did not move. The window is widened,
    by an hour each way at the most and never to where records may still be missing, until no
    settled intent's own window lies across its edge; where one still does, it may have its record
    inside or outside, and only what holds either way is a proof. An intent that is open otherwise
    may have moved, or may yet, and one that was refused for what a copy of ours may have caused
    may have moved by that copy.
    """
    family = doubtful[0].family
    ids = {one.id for one in doubtful}
    known, told = tuple(sent), tuple(changes)
    others = [one for one in known if one.may_have_moved and one.family == family]
    others = [one for one in others if one.id not in ids]
    begins, ends = _widened(doubtful, others, read_at - RECORD_LAG)
    inside = sorted(
        (one for one in told if family_of(one) == family and begins <= one.at <= ends),
        key=lambda one: (one.at, one.id),
    )
    settled = [one for one in others if one.state is State.SETTLED]
    complete_until = min(ends, read_at - RECORD_LAG)
    sure = sum(begins <= one.window[0] and one.window[1] <= complete_until for one in settled)
    touching = sum(one.window[0] <= ends and begins <= one.window[1] for one in others)
    own: Mapping[str, Change] = {}
    proof = Proof.UNCLEAR
    if len(inside) == sure:
        proof = Proof.NONE_MOVED
    elif len(inside) - touching == len(doubtful):
        left_over = _left_over(inside, settled, claimed)
        own = _owned(doubtful, left_over, _names_of(known, told))
        proof = Proof.ALL_MOVED if len(own) == len(doubtful) else Proof.UNCLEAR
    return Count(
        proof=proof,
        records=len(inside),
        settled=sure,
        doubtful=len(doubtful),
        begins=begins,
        ends=ends,
        own=own if proof is Proof.ALL_MOVED else {},
    )


def _widened(
    doubtful: Sequence[Sent], others: Sequence[Sent], complete_until: datetime
) -> tuple[datetime, datetime]:
    begins = min(one.window[0] for one in doubtful)
    ends = max(one.window[1] for one in doubtful)
    earliest, latest = begins - _WIDEST, max(ends, min(ends + _WIDEST, complete_until))
    is_growing = True
    while is_growing:
        is_growing = False
        for one in others:
            start, end = one.window
            if start <= ends and begins <= end and (start < begins or end > ends):
                wider = max(min(begins, start), earliest), min(max(ends, end), latest)
                is_growing = is_growing or wider != (begins, ends)
                begins, ends = wider
    return begins, ends


def _left_over(
    inside: Sequence[Change], settled: Sequence[Sent], claimed: Mapping[str, str]
) -> list[Change]:
    """The records that no settled intent has, or takes, as its own."""
    known = set(claimed.values())
    free = [change for change in inside if change.id not in known]
    taken = set(matched((one for one in settled if one.id not in claimed), free).values())
    return [change for change in free if change.id not in taken]


def _owned(
    doubtful: Sequence[Sent], left_over: Sequence[Change], names: "_Names"
) -> dict[str, Change]:
    """A record for each doubtful intent, within its own window and naming no other account.

    What the name in a record means is documented nowhere: it may contradict, and never proves.
    """
    free, found = list(left_over), dict[str, Change]()
    for one in sorted(doubtful, key=lambda one: (one.window[1], one.id)):
        begins, ends = one.window
        for change in free:
            if begins <= change.at <= ends and not names.contradict(change, one):
                found[one.id] = change
                free.remove(change)
                break
    return found


@dataclass(frozen=True, slots=True)
class _Names:
    """The accounts that were ever sent to, and whether records have been seen to name them."""

    known: frozenset[str]
    are_members: bool

    def contradict(self, change: Change, one: Sent) -> bool:
        """Whether a record names another account than the intent's."""
        if change.account_name in ("", one.account_name):
            return False
        return self.are_members or change.account_name in self.known


def _names_of(sent: Sequence[Sent], changes: Sequence[Change]) -> _Names:
    answered = {(one.family, one.account_name) for one in sent if one.is_by_answer}
    named = {(family_of(change), change.account_name) for change in changes}
    return _Names(frozenset(one.account_name for one in sent), bool(answered & named))


def matched(sent: Iterable[Sent], changes: Iterable[Change]) -> dict[str, str]:
    """Which record is taken as which settled intent's own, by intent id: within a family any of
    its amount will do, so each intent takes the earliest that lies in its window, those that end
    first choosing first."""
    free: dict[Family, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=lambda one: (one.at, one.id)):
        free[family_of(change)].append(change)
    found: dict[str, str] = {}
    for one in sorted(sent, key=lambda one: (one.window[1], one.id)):
        begins, ends = one.window
        for change in free.get(one.family, ()):
            if begins <= change.at <= ends and change.amount == one.amount:
                found[one.id] = change.id
                free[one.family].remove(change)
                break
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A record of the provider that is taken as one intent's own, for ever: booked at `moved_at`,
    claimed at `at`."""

    record_id: str
    moved_at: datetime
    at: datetime


class Finding(StrEnum):
    """What a comparison of ledger and records can find."""

    EXTERNAL = "external"
    """A movement that is not ours: made by hand in the console, or by somebody else."""
    CONTRADICTED = "contradicted"
    """A record that fits an intent of ours which is refused, cancelled or void."""
    DOUBLED = "doubled"
    """A second record where one intent of ours moved once."""
    UNRECORDED = "unrecorded"
    """A settled intent without a record, long after it must have one."""


ALARMING = frozenset({Finding.CONTRADICTED, Finding.DOUBLED})
"""What stops all sending until a person has looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that ledger and records do not agree about."""

    finding: Finding
    change: Change | None = None
    intent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Ledger against records. `confirmed` are the records newly taken as an intent's own, by
    intent id."""

    confirmed: Mapping[str, str]
    discrepancies: tuple[Discrepancy, ...]


def compare(
    sent: Sequence[Sent], changes: Sequence[Change], claimed: Mapping[str, str], read_at: datetime
) -> Comparison:
    """Every record against every intent that was sent; `claimed` are record ids by intent id.

    A record that a doubtful intent may turn out to explain is left alone until that is known.
    """
    known = set(claimed.values())
    free = [change for change in changes if change.id not in known]
    settled = [one for one in sent if one.state is State.SETTLED and one.id not in claimed]
    confirmed = matched(settled, free)
    taken = set(confirmed.values())
    found = [
        said
        for change in free
        if change.id not in taken and (said := _unexplained(change, sent)) is not None
    ]
    # Records of this way have been seen to work: one of our own is among them.
    ways = {
        (one.instrument, one.direction) for one in sent if one.id in claimed or one.id in confirmed
    }
    found += [
        Discrepancy(finding=Finding.UNRECORDED, intent_id=one.id)
        for one in settled
        if one.id not in confirmed
        and one.is_dead(read_at)
        and (one.instrument, one.direction) in ways
    ]
    return Comparison(confirmed=confirmed, discrepancies=tuple(found))


def _unexplained(change: Change, sent: Sequence[Sent]) -> Discrepancy | None:
    """What a record is that no settled intent has for its own; None while doubt may have it."""
    family = family_of(change)
    near = [
        one for one in sent if one.family == family and one.window[0] <= change.at <= one.window[1]
    ]
    states = {one.state: one for one in near}
    if states.keys() & {State.SENDING, State.IN_DOUBT, State.NEEDS_HUMAN, State.PREPARED}:
        return None
    if State.SETTLED in states:
        return Discrepancy(
            finding=Finding.DOUBLED, change=change, intent_id=states[State.SETTLED].id
        )
    if near:
        return Discrepancy(finding=Finding.CONTRADICTED, change=change, intent_id=near[0].id)
    return Discrepancy(finding=Finding.EXTERNAL, change=change)
