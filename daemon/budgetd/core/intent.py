"""The life of one transfer: what it is about, the states it may be in, and the ways between them.

The states and the table of lawful steps stand here and nowhere else. It may not touch the
world: the ledger stores what this file allows, the executor walks along it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from budgetd.core.answer import AnswerClass


class Instrument(StrEnum):
    """What is moved: prepaid money, post-paid credit (by ledger), or vouchers."""

    CASH = "cash"
    CREDIT = "credit"
    COUPON = "coupon"


class Direction(StrEnum):
    """Which way: from the master to the account, or home."""

    ALLOCATE = "allocate"
    RECLAIM = "reclaim"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unit:
    """What a move is about; at most one intent of a unit is open at a time.

    `part` is empty for cash, the ledger's `expire_time` (empty: permanent) for credit, the
    master's coupon id for a grant and the child coupon's id for a reclaim of coupons.
    """

    account_id: str
    instrument: Instrument
    part: str = ""


class State(StrEnum):
    """Where an intent stands; the folded outcome of its events."""

    PREPARED = "prepared"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    NEEDS_HUMAN = "needs_human"
    SETTLED = "settled"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    VOID = "void"


FINAL = frozenset({State.SETTLED, State.REFUSED, State.CANCELLED, State.VOID})
OPEN = frozenset(State) - FINAL
NEVER_MOVED = frozenset({State.REFUSED, State.CANCELLED, State.VOID})
MOST_DOUBTS = 3
"""So many open intents that have met an unknown answer, and nothing new is sent."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.PREPARED: frozenset({State.SENDING, State.CANCELLED, State.REFUSED}),
    State.SENDING: frozenset({State.SETTLED, State.REFUSED, State.IN_DOUBT, State.PREPARED}),
    State.IN_DOUBT: frozenset(
        {
            State.SENDING,
            State.SETTLED,
            State.VOID,
            State.NEEDS_HUMAN,
            # The answer that was missing may still come, to a process that was only asleep.
            State.REFUSED,
            State.PREPARED,
        }
    ),
    State.NEEDS_HUMAN: frozenset({State.SETTLED, State.VOID}),
    State.SETTLED: frozenset(),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset(),
    State.VOID: frozenset(),
}


class IllegalTransitionError(Exception):
    """A step that the table does not allow: a fault of ours, found before anything is written."""


def check_transition(before: State, after: State) -> None:
    """Raises `IllegalTransitionError` for a step the table does not allow."""
    if after not in TRANSITIONS[before]:
        raise IllegalTransitionError(f"an intent cannot go from {before} to {after}")


def join(answers: list[AnswerClass | None]) -> State:
    """The state that **all** attempts together prove, never the last one alone.

    An entry is one attempt's class, in the order sent; `None` is an attempt without an answer.
    An attempt that provably was not executed and may be repeated leaves the intent `prepared`.
    """
    if AnswerClass.SETTLED in answers:
        return State.SETTLED
    unproven = {None, AnswerClass.UNKNOWN, AnswerClass.RECEIVED_BEFORE}
    if unproven & set(answers):
        return State.IN_DOUBT
    last = answers[-1] if answers else AnswerClass.RETRYABLE
    if last in (AnswerClass.RETRYABLE, AnswerClass.BUSY):
        return State.PREPARED
    return State.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One intent as the core sees it: what is promised, what became of it, when.

    `amount` is what was asked for, or what was really moved once that is known. `reading` is
    what the unit itself read before (None for coupons), `sent_at` the last signing, `ended_at`
    the instant of the final state, `child_coupon_id` what a grant created. `was_busy` says of
    what is over unmoved that it met another task of the master, which a copy of it may have been.
    `before` is what all of the account's coupons read when one was granted; else None.
    """

    id: str
    rule: str
    unit: Unit
    direction: Direction
    amount: Decimal
    state: State
    made_at: datetime
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    reading: Decimal | None = None
    read_at: datetime | None = None
    period: str = ""
    child_coupon_id: str | None = None
    was_busy: bool = False
    before: Decimal | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still move money."""
        return self.state in OPEN

    @property
    def counts(self) -> bool:
        """Whether caps and limits count it: all but refused, cancelled and void."""
        return self.state not in NEVER_MOVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is durably promised before anything is sent: the row of W1, which never changes.

    `key` is the provider's `trans_id`, made once; `body` the exact bytes that are sent, every
    time. `unit_reading` is what the unit itself read (None for coupons); after `expires_at` it
    is not sent for the first time any more. `epoch` numbers the ledger's openings for writing.
    """

    id: str
    key: str
    rule: str
    policy_digest: str
    account_id: str
    account_name: str
    unit: Unit
    direction: Direction
    coupon_id: str
    amount: Decimal
    currency: str
    operation: str
    body: bytes
    why: str
    period: str
    reading: Decimal
    unit_reading: Decimal | None
    read_at: datetime
    master_read_at: datetime | None
    made_at: datetime
    expires_at: datetime
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending of an intent. Without `answered_at` nothing is known of it."""

    number: int
    signed_at: datetime
    body_hash: str
    answer_class: AnswerClass | None = None
    phase: str = ""
    status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    answered_at: datetime | None = None
