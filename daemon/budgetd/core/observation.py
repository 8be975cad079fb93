"""Everything known at one instant: the fleet, its readings, the master, and our own past moves.

Nouns alone. It may not read anything itself; `observe` fills it from the provider and the
ledger, `plan --snapshot` from a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from budgetd.core.intent import Direction, Instrument, Move, Unit

if TYPE_CHECKING:
    # Selectors name accounts: to read policies, what else may be known need not be loaded.
    from budgetd.core.approval import Approved
    from budgetd.core.burn import Burn
    from budgetd.core.pause import Pause

T = TypeVar("T")


class Status(StrEnum):
    """An account's standing with the provider (ListEnterpriseSubCustomers, `status`)."""

    NORMAL = "normal"
    CREATING = "creating"
    CLOSING = "closing"
    CLOSED = "closed"
    REGISTERING = "registering"
    AWAITING_ACTIVATION = "awaiting_activation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One unit of the tree. `path` holds the names from the root's child down to it; the root's
    is empty."""

    id: str
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A member account. `organization` is None when its unit is not in the tree that was read."""

    id: str
    name: str
    display_name: str
    status: Status
    organization: Organization | None

    @property
    def label(self) -> str:
        """Its unit and name as reports show them: `R&D/prod-web`."""
        if self.organization is None or not self.organization.path:
            return self.name
        return "/".join((*self.organization.path, self.name))


@dataclass(frozen=True, slots=True)
class Ok(Generic[T]):
    """A value that may be acted on; `read_at` is when the read began."""

    value: T
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Stale(Generic[T]):
    """A value too old to act on."""

    value: T
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """No value: why, in words for people. An unmanageable account (CBC.99000086, CBC.99000047)
    is left out and is not counted among the unreadable."""

    reason: str
    read_at: datetime
    is_unmanageable: bool = False


Reading = Ok[T] | Stale[T] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLedger:
    """One credit ledger. `expire_time` is the provider's own text, echoed exactly (None: never);
    `amount` is what can still be spent, `available` what can be moved; None there is unknown."""

    expire_time: str | None
    expires_at: datetime | None
    amount: Decimal | None
    available: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A voucher. `coupon_id` is the master's; `child_id` is the account's part of it (None on the
    master's own list)."""

    coupon_id: str
    child_id: str | None
    plan_name: str
    balance: Decimal
    effective_at: datetime | None
    expires_at: datetime | None
    has_use_limits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What was read of one account, or of the master; None is what nobody asked for."""

    cash: Reading[Decimal] | None = None
    credit: Reading[tuple[CreditLedger, ...]] | None = None
    coupons: Reading[tuple[Coupon, ...]] | None = None

    def of(
        self, instrument: Instrument
    ) -> Reading[Decimal] | Reading[tuple[CreditLedger, ...]] | Reading[tuple[Coupon, ...]] | None:
        """The reading of one instrument."""
        match instrument:
            case Instrument.CASH:
                return self.cash
            case Instrument.CREDIT:
                return self.credit
            case Instrument.COUPON:
                return self.coupons


@dataclass(frozen=True, slots=True)
class Sample:
    """One kept reading of an account: when it began and what it said."""

    read_at: datetime
    value: Decimal


NOTHING_READ = Readings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Which slots of a rule are over and told: every one up to `through`, and these periods."""

    through: datetime
    periods: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """When a reclaim was announced, and how much of: no more than that is taken."""

    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that one cycle knows.

    `samples` are kept readings by (account id, instrument), oldest first, without the ones in
    `readings`. `moves` are the intents of the last 32 days and every open one, `moved_before`
    the sums of the older ones by (account id, instrument, direction). `first_loaded` says since
    when a rule is known (a rule that is missing is new), `decided` which (rule, account id,
    period) are done, `over` which slots of a rule nobody serves any more. `notices` are the
    reclaims that were announced, by (rule, unit, period). `pauses` are in force or over by their
    own time, `approvals` what a person agreed to and that was not promised yet, `declined` which
    proposals a person said no to, by name, and until when they are not made again.
    A preview sees slots from before its rules were loaded.
    `served` says which tick of each `every` rule was served last; None where they are always
    due, as for a person. `began_at` is when the cycle began to read: what was due then was read.
    `fleet` is how many normal accounts there are, where `accounts` are not all of them.
    `planned` are the moves that were made of the plan which is carried out, by id: what is decided
    again are its other parts.
    `burns` are what is known of spending, by unit: without a part all that an account has of an
    instrument. `last_read` says of what alerts watch for being unread, or a burn wants, when it was
    last read, or first seen.
    """

    taken_at: datetime
    currency: str
    accounts: tuple[Account, ...]
    readings: Mapping[str, Readings]
    master: Readings
    moves: tuple[Move, ...] = ()
    samples: Mapping[tuple[str, Instrument], tuple[Sample, ...]] = field(default_factory=dict)
    moved_before: Mapping[tuple[str, Instrument, Direction], Decimal] = field(default_factory=dict)
    first_loaded: Mapping[str, datetime] = field(default_factory=dict)
    decided: frozenset[tuple[str, str, str]] = frozenset()
    over: Mapping[str, Over] = field(default_factory=dict)
    notices: Mapping[tuple[str, Unit, str], Announced] = field(default_factory=dict)
    pauses: "tuple[Pause, ...]" = ()
    approvals: "tuple[Approved, ...]" = ()
    declined: Mapping[str, datetime] = field(default_factory=dict)
    served: Mapping[str, datetime] | None = None
    burns: "Mapping[Unit, Burn]" = field(default_factory=dict)
    last_read: Mapping[tuple[str, Instrument], datetime] = field(default_factory=dict)
    began_at: datetime | None = None
    fleet: int | None = None
    planned: frozenset[str] = frozenset()
    is_preview: bool = False

    @property
    def normal(self) -> int:
        """How many normal accounts there are."""
        if self.fleet is not None:
            return self.fleet
        return sum(account.status is Status.NORMAL for account in self.accounts)

    def readings_of(self, account_id: str) -> Readings:
        """What was read of an account; nothing at all is `NOTHING_READ`."""
        return self.readings.get(account_id, NOTHING_READ)
