"""What the pretended provider keeps: purses, ledgers, coupons, accounts, records, charges.

Amounts are integer minor units (1.00 is 100), instants are aware UTC datetimes of whole
seconds. It may not decide whether a movement is allowed, nor know how anything is sent.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

PAST_KEPT = 64


class Kind(StrEnum):
    """The four movements the provider offers."""

    ALLOCATE = "allocate"
    RECLAIM = "reclaim"
    GRANT = "grant"
    TAKE_BACK = "take_back"


class Instrument(StrEnum):
    """What is moved; the values are the provider's own names."""

    CASH = "BALANCE_TYPE_DEBIT"
    CREDIT = "BALANCE_TYPE_CREDIT"
    COUPON = "BALANCE_TYPE_COUPON"


class Refusal(Exception):  # noqa: N818 - the provider's word: it refuses, nothing has failed
    """A movement or a request the provider turns down, as it would answer it."""

    def __init__(self, status: int, code: str, message: str, items: tuple[str, ...] = ()) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fail_check_items = items


class Purse:
    """An amount that remembers what it was, so that a stale read can be served."""

    __slots__ = ("amount", "past")

    def __init__(self, amount: int = 0) -> None:
        self.amount = amount
        self.past: deque[tuple[datetime, int]] = deque(maxlen=PAST_KEPT)

    def change(self, by: int, at: datetime) -> None:
        """Adds `by` (which may be negative); raises `ValueError` rather than go below zero."""
        if self.amount + by < 0:
            raise ValueError("a purse was overdrawn")
        self.past.append((at, self.amount))
        self.amount += by

    def as_of(self, at: datetime) -> int:
        """The amount at that instant, as far back as the last changes are remembered."""
        value = self.amount
        for changed_at, before in reversed(self.past):
            if changed_at <= at:
                break
            value = before
        return value


@dataclass(slots=True, kw_only=True)
class Ledger:
    """One credit ledger; `held` is the part of its balance that cannot be allocated."""

    expire_time: datetime | None
    limit: int
    purse: Purse
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLimit:
    """One condition of a coupon (API notes of ep_00024)."""

    info_id: str
    limit_key: str
    value1: str


@dataclass(slots=True, kw_only=True)
class Coupon:
    """A coupon; one with a `source_id` is the child that an allocation made of that coupon."""

    id: str
    plan_name: str
    plan_id: str
    face_value: int
    purse: Purse
    effective_time: datetime
    expire_time: datetime
    source_id: str | None = None
    use_limits: tuple[UseLimit, ...] = ()
    reclaimed: bool = False
    created_at: datetime


class Charge(NamedTuple):
    """What one service cost an account on one day (a UTC+8 date), by means of payment."""

    day: date
    service: str
    cash: int
    credit: int
    coupon: int

    @property
    def total(self) -> int:
        """Everything the charge took, in minor units."""
        return self.cash + self.credit + self.coupon


@dataclass(slots=True, kw_only=True)
class Account:
    """A customer, the master included. `cash` came from the master, `own_cash` did not."""

    id: str
    name: str
    display_name: str | None
    org_id: str
    status: int = 1
    custody: bool = False
    cash: Purse = field(default_factory=Purse)
    own_cash: Purse = field(default_factory=Purse)
    over_invoiced: int = 0
    debt: int = 0
    ledgers: dict[datetime | None, Ledger] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)
    credit_check_items: tuple[str, ...] = ()
    shows_bills: bool = True
    charges: list[Charge] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A node of the enterprise's tree; the root has no parent."""

    id: str
    name: str
    parent_id: str | None
    relation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """A line of one owner's account book; `amount` is signed."""

    serial: int
    owner_id: str
    instrument: Instrument
    trade_type: str
    trade_detail_type: str
    at: datetime
    amount: int
    balance_after: int
    account_name: str | None
    coupon_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A movement as asked for. `amount` is None for a take-back, which takes what is there."""

    kind: Kind
    customer_id: str
    instrument: Instrument
    amount: int | None = None
    key: str | None = None
    ledger: datetime | None = None
    coupon_id: str | None = None
    sub_coupon_id: str | None = None
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A movement as it happened: the amount really moved, and when."""

    serial: int
    move: Move
    amount: int
    at: datetime
    sub_coupon_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCard:
    """A stored-value card of the master; no operation moves it."""

    id: str
    name: str
    face_value: int
    balance: int
    effective_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """One instrument's sums: what was put in must be what is held plus what was spent."""

    instrument: Instrument
    funded: int
    master: int
    members: int
    spent: int

    @property
    def holds(self) -> bool:
        """Whether not one minor unit was made or lost."""
        return self.funded == self.master + self.members + self.spent
