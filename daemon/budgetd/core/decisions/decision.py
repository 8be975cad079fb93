"""What one rule says of one account: a wish, an alert, or a hold, always with a reason.

Nouns alone; `deciding` makes them and `planning` turns wishes into transfers.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument, Move, Unit
from budgetd.core.observation import Account, Coupon, CreditLedger
from budgetd.core.policies.policy import Action, Rule
from budgetd.core.reason import Ask, Hold, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRule:
    """A rule under its full name `policy/rule`, and what it does, found once: a rule is asked of
    thousands of accounts."""

    name: str
    rule: Rule
    action: Action = field(init=False, repr=False, compare=False)
    action_name: str = field(init=False, repr=False, compare=False)
    instrument: Instrument = field(init=False, repr=False, compare=False)
    direction: Direction | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("action", "action_name", "instrument", "direction"):
            object.__setattr__(self, name, getattr(self.rule, name))

    def held(
        self,
        account: Account,
        reason: Hold,
        detail: str = "",
        *,
        until: datetime | None = None,
        reading: Decimal | None = None,
    ) -> "Held":
        """The hold of an account of which nothing more is asked."""
        return Held(
            rule=self.name,
            account=account,
            instrument=self.instrument,
            reason=reason,
            until=until,
            reading=reading,
            detail=detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A reclaim that is to be announced: so much of a unit, for a slot where the rule has them."""

    unit: Unit
    period: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The rule does nothing, and why. `until` is when that ends by itself, where that is known;
    `period` is the slot it was asked for, of a calendar rule; `announces` what a hold for its
    notice makes known."""

    rule: str
    account: Account
    instrument: Instrument
    reason: Hold
    until: datetime | None = None
    reading: Decimal | None = None
    detail: str = ""
    coupon: Coupon | None = None
    period: str = ""
    announces: tuple[Announcement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The rule is due and triggered: the amount is still to be found.

    `slot_at` is when its slot comes, which may lie ahead where it is announced before.
    `ledgers` are the account's own, of a reclaim those it may be taken from; `coupon` the one to
    take home. `trigger` is what an allocation must at least lift the reading to, `aim` the amount
    that a target or `keep` in days of burn comes to, `lasts` the time to empty; None is unknown.
    `hold` says why the amount cannot be found: the rule decides all the same, and nothing moves.
    `is_rest` says that parts of it have moved; `served` are those of them that were moved before
    this plan, where a process ended between two.
    """

    named: NamedRule
    account: Account
    reading: Decimal
    read_at: datetime
    why: Why
    trigger: Decimal | None = None
    aim: Decimal | None = None
    lasts: timedelta | None = None
    period: str = ""
    ask: Ask | None = None
    ledgers: tuple[CreditLedger, ...] = ()
    coupon: Coupon | None = None
    unit_reading: Decimal | None = None
    late_since: datetime | None = None
    slot_at: datetime | None = None
    hold: Hold | None = None
    is_rest: bool = False
    served: tuple[Move, ...] = ()

    def is_ahead(self, now: datetime) -> bool:
        """Whether its slot is still to come: then it is announced, and nothing is decided."""
        return self.slot_at is not None and self.slot_at > now

    def held(self, reason: Hold, detail: str = "", *, until: datetime | None = None) -> Held:
        """The hold of a wish that comes to nothing."""
        return Held(
            rule=self.named.name,
            account=self.account,
            instrument=self.named.instrument,
            reason=reason,
            until=until,
            reading=self.reading,
            detail=detail,
            coupon=self.coupon,
            period=self.period,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alert that holds now, at the slot of a `period` where its rule has a calendar. Nothing
    moves. Without a reading, `why` is that nothing was read for long, or that a cap is used."""

    rule: str
    account: Account
    instrument: Instrument
    severity: str
    reading: Decimal | None
    read_at: datetime | None
    why: Why | Hold
    period: str = ""


Decision = Held | Wish | Raised
