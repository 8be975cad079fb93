"""What people write: policies, their rules, actions, triggers, rails. Shapes and single fields.

What spans several fields or rules is judged in `validation`. It may not decide.
"""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from functools import cache, cached_property
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from budgetd.core.documents.fields import (
    Amount,
    AmountOrZero,
    Document,
    Duration,
    HoldsFor,
    Moment,
    Name,
    Percent,
    Priority,
    Text,
    Texts,
    Times,
    Version,
    Zone,
    complain,
    later,
)
from budgetd.core.intent import Direction, Instrument
from budgetd.core.moment import format_duration
from budgetd.core.money import parse_amount
from budgetd.core.policies.schedule import Schedule
from budgetd.core.policies.selector import Selector
from budgetd.core.policies.window import NotDuring

SMALLEST = parse_amount("1.00")
DEFAULT_PRIORITY = 100
RUNWAY = "at the upper edge of its burn; unknown until three days were read: holds `no_burn`"
IDLE = "nothing was spent for so long, 28d at most; time at 0.00 does not count"
LAPSE = "at the coupon's own use so much is left when it expires; unknown like a runway"
LONGEST_IDLE = timedelta(days=28)
ANY = "one of these must hold, beside the other keys"


class Mode(StrEnum):
    """What a rule may do under the master switch."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    ENFORCE = "enforce"


def _money_instrument(value: object) -> object:
    if value not in ("cash", "credit"):
        raise complain("`cash` or `credit`", value)
    return Instrument(str(value))


MoneyInstrument = Annotated[
    Literal[Instrument.CASH, Instrument.CREDIT], BeforeValidator(_money_instrument)
]


def _target_form(value: object) -> str:
    return "\0runway" if isinstance(value, dict | Document) else "\0amount"


def _not_too_idle(value: timedelta) -> timedelta:
    if value > LONGEST_IDLE:
        raise complain("at most 28d", format_duration(value), "so far back readings are looked at")
    return value


Idle = Annotated[Duration, AfterValidator(_not_too_idle)]


class RunwayTarget(Document):
    """A target in days of burn, within bounds."""

    runway: Duration = Field(description="so many days of burn")
    at_least: Amount | None = Field(None, description="never a target below this")
    at_most: Amount | None = Field(None, description="never a target above this; needed")


class RunwayKeep(Document):
    """What stays, in days of burn, never less than `at_least`."""

    runway: Duration = Field(description="so many days of burn")
    at_least: AmountOrZero | None = Field(None, description="never less than this stays")


Target = Annotated[
    Annotated[Amount, Tag("\0amount")] | Annotated[RunwayTarget, Tag("\0runway")],
    Discriminator(_target_form),
]
Keep = Annotated[
    Annotated[AmountOrZero, Tag("\0amount")] | Annotated[RunwayKeep, Tag("\0runway")],
    Discriminator(_target_form),
]


class Condition(Document):
    """Parts of one `when`: all that are written must hold; `any` needs one of its own."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    for_: HoldsFor | None = Field(None, alias="for", description="how long it must have held")

    @model_validator(mode="after")
    def _says_something(self) -> "Condition":
        if not any(name != "for_" for name in self.model_fields_set):
            raise PydanticCustomError("field", "an empty `when`; leave it out or name a trigger")
        return self


class TopUpWhen(Condition):
    """When to top up or to grant."""

    below: Amount | None = Field(None, description="strict: at exactly this much nothing happens")
    runway_below: Duration | None = Field(None, description=RUNWAY)
    any: tuple["TopUpWhen", ...] | None = Field(None, min_length=1, description=ANY)


class ReclaimWhen(Condition):
    """When to take money home."""

    above: AmountOrZero | None = Field(None, description="strict: more than this")
    runway_above: Duration | None = Field(None, description=RUNWAY)
    expires_within: Duration | None = Field(
        None, description="credit alone: ledgers that end so soon"
    )
    any: tuple["ReclaimWhen", ...] | None = Field(None, min_length=1, description=ANY)
    idle_for: Idle | None = Field(None, description=IDLE)


class CouponWhen(Condition):
    """Which child coupons to take home."""

    expires_within: Duration | None = Field(None, description="it lapses so soon")
    balance_at_least: Amount | None = Field(None, description="so much of it is left")
    plan_name: Texts | None = Field(None, description="globs over the coupon's plan name")
    any: tuple["CouponWhen", ...] | None = Field(None, min_length=1, description=ANY)
    will_lapse: Amount | None = Field(None, description=LAPSE)
    idle_for: Idle | None = Field(None, description=IDLE)


class AlertWhen(Condition):
    """When to raise an alert."""

    below: Amount | None = Field(None, description="strict: less than this")
    above: AmountOrZero | None = Field(None, description="strict: more than this")
    runway_below: Duration | None = Field(None, description=RUNWAY)
    runway_above: Duration | None = Field(None, description=RUNWAY)
    expires_within: Duration | None = Field(None, description="credit and coupons")
    balance_at_least: Amount | None = Field(None, description="coupons: so much is left")
    any: tuple["AlertWhen", ...] | None = Field(None, min_length=1, description=ANY)
    unread_for: Duration | None = Field(None, description="nothing could be read for so long")
    cap_used: Percent | None = Field(
        None,
        description="so much of an `account_*` cap of a rule on the account is used;"
        " of `master`: of a `rule_*` cap of any rule",
    )
    idle_for: Idle | None = Field(None, description=IDLE)
    will_lapse: Amount | None = Field(None, description="coupons: " + LAPSE)


class Sized(Document):
    """The rails of one amount."""

    min: Amount = Field(SMALLEST, description="less than this is not moved; 1.00")
    max: Amount | None = Field(None, description="of one transfer")
    multiple_of: Amount | None = Field(None, description="amounts are whole multiples of this")


class Lift(Sized):
    """An amount that lifts an account: to a target, or by whole steps."""

    when: TopUpWhen | None = Field(None, description="left out: once a period of its calendar")
    to: Target | None = Field(None, description="the target: an amount, or days of burn")
    add: Amount | None = Field(None, description="or whole steps: the fewest that clear `below`")
    split: Annotated[None, BeforeValidator(later("split"))] = None
    reading: Annotated[None, BeforeValidator(later("reading"))] = None

    @model_validator(mode="after")
    def _one_amount(self) -> "Lift":
        if (self.to is None) == (self.add is None):
            raise PydanticCustomError("field", "expected one of `to` and `add`")
        return self


class TopUp(Lift):
    """Money to an account."""

    instrument: MoneyInstrument = Field(Instrument.CASH, description="what is moved")
    ledger: Literal["latest", "soonest", "permanent"] | None = Field(
        None, description="credit: which of the master's ledgers gives; `latest` if left out"
    )
    lives_at_least: Duration | None = Field(None, description="credit: of a ledger that counts")


class Reclaim(Sized):
    """Money home from an account."""

    instrument: MoneyInstrument = Field(Instrument.CASH, description="what is moved")
    when: ReclaimWhen | None = Field(None, description="left out: once a period of its calendar")
    keep: Keep = Field(description="what stays: an amount, 0.00 too, or days of burn")
    reading: Annotated[None, BeforeValidator(later("reading"))] = None


class CouponChoice(Document):
    """Which of the master's coupons may be granted, and which of the account's count."""

    plan_name: Texts | None = Field(None, description="globs over the coupon's plan name")
    lives_at_least: Duration | None = Field(None, description="before it lapses")
    use_limits: Literal["any"] | None = Field(None, description="also coupons with use limits")
    only_usable: Annotated[None, BeforeValidator(later("only_usable"))] = None


class GrantCoupons(Lift):
    """Coupons to an account."""

    coupons: CouponChoice = Field(
        default_factory=cache(CouponChoice), description="which coupons count and are given"
    )


class ReclaimCoupons(Document):
    """Whole child coupons home."""

    when: CouponWhen | None = Field(None, description="left out: every coupon, once a period")


class Alert(Document):
    """A word to people; nothing moves."""

    when: AlertWhen = Field(description="what it watches for")
    instrument: Literal[Instrument.CASH, Instrument.CREDIT, Instrument.COUPON] = Field(
        Instrument.CASH, description="what is watched"
    )
    severity: Literal["info", "warning", "critical"] = Field("warning", description="how loud")
    notify: Texts | None = Field(
        None, description="channels of `notify` in the config; left out: by their severities"
    )


class Guard(Document):
    """When a top-up is to be asked for, or not made; without history it holds nothing."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    burn_spike: Times | None = Field(
        None, description="the last day burned more than so many times the usual: a proposal"
    )
    idle_for: Idle | None = Field(None, description=IDLE + ": held")

    @model_validator(mode="after")
    def _says_something(self) -> "Guard":
        if self.burn_spike is None and self.idle_for is None:
            raise PydanticCustomError("field", "expected `burn_spike`, `idle_for` or both")
        return self


class Caps(Document):
    """Gross bounds over calendar periods of the configured zone; `account_*` by whatever rule."""

    account_per_day: Amount | None = Field(None, description="one account, whatever rule moves it")
    account_per_week: Amount | None = Field(None, description="one account, whatever rule moves it")
    account_per_month: Amount | None = Field(
        None, description="one account, whatever rule moves it"
    )
    account_ever: Amount | None = Field(None, description="one account, without end")
    rule_per_day: Amount | None = Field(None, description="this rule alone")
    rule_per_week: Amount | None = Field(None, description="this rule alone")
    rule_per_month: Amount | None = Field(None, description="this rule alone")


class Valid(Document):
    """From when until when a rule lives; a bare `until` date is included."""

    from_: Moment | None = Field(None, alias="from", description="nothing happens before")
    until: Moment | None = Field(None, description="nor after; a bare date is included")


ACTIONS = ("top_up", "reclaim", "grant_coupons", "reclaim_coupons", "alert")
Action = TopUp | Reclaim | GrantCoupons | ReclaimCoupons | Alert


class Rule(Document):
    """Selector, action, schedule and rails."""

    name: Name = Field(description="once in its policy; a renamed rule is a new one")
    accounts: Selector = Field(description="`all`, a mapping, or `master` (alerts alone)")
    description: Text | None = Field(None, description="for people")
    top_up: TopUp | None = Field(None, description="one action of five")
    reclaim: Reclaim | None = Field(None, description="one action of five")
    grant_coupons: GrantCoupons | None = Field(None, description="one action of five")
    reclaim_coupons: ReclaimCoupons | None = Field(None, description="one action of five")
    alert: Alert | None = Field(None, description="one action of five")
    schedule: Schedule | None = Field(None, description="left out: as fresh readings arrive")
    cooldown: Duration | None = Field(None, description="since the last attempt on the unit")
    caps: Caps = Field(default_factory=cache(Caps), description="gross bounds over periods")
    priority: Priority = Field(DEFAULT_PRIORITY, description="1 goes before 2")
    mode: Mode = Field(Mode.ENFORCE, description="what it may do under the master switch")
    valid: Valid = Field(default_factory=cache(Valid), description="when it lives at all")
    timezone: Zone | None = Field(
        None, description="of its schedule, `valid`, windows; not of caps"
    )
    not_during: NotDuring | None = Field(
        None, description="windows of the config in which it only holds"
    )
    guard: Guard | None = Field(None, description="top-ups and grants: when to ask or to rest")
    notice: Duration | None = Field(
        None, description="reclaims: announced so long before, then decided again"
    )

    @model_validator(mode="after")
    def _one_action(self) -> "Rule":
        written = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(written) != 1:
            found = " and ".join(written) or "none"
            raise PydanticCustomError(
                "field",
                "expected one action of {actions}, found {found}",
                {"actions": ", ".join(ACTIONS), "found": found},
            )
        return self

    @cached_property
    def action_name(self) -> str:
        """The key under which its action is written."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)

    @cached_property
    def action(self) -> Action:
        """Its one action."""
        chosen: Action = getattr(self, self.action_name)
        return chosen

    @cached_property
    def instrument(self) -> Instrument:
        """What it moves, or watches."""
        action = self.action
        if isinstance(action, GrantCoupons | ReclaimCoupons):
            return Instrument.COUPON
        return action.instrument

    @cached_property
    def direction(self) -> Direction | None:
        """Which way it moves; None for an alert."""
        match self.action:
            case TopUp() | GrantCoupons():
                return Direction.ALLOCATE
            case Reclaim() | ReclaimCoupons():
                return Direction.RECLAIM
            case _:
                return None


class Policy(Document):
    """One file: rules with one purpose."""

    version: Version = Field(description="of this format")
    policy: Name = Field(description="unique in its folder")
    description: Text | None = Field(None, description="for people")
    rules: tuple[Rule, ...] = Field(min_length=1, description="one or more")


class PolicySet:
    """All policies in force, in order of their names, and the digest that names the set."""

    def __init__(self, policies: tuple[Policy, ...], digest: str) -> None:
        self.policies = tuple(sorted(policies, key=lambda policy: policy.policy))
        self.digest = digest

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Each rule with its full name `policy/rule`."""
        for policy in self.policies:
            for rule in policy.rules:
                yield f"{policy.policy}/{rule.name}", rule
