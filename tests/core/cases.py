"""Worked examples of the decision, read from files: what is observed, and what must follow.

A case is a document like any other of budgetd: policies are read by the product's own models,
amounts are exact, and a key that is not known is an error.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from budgetd.core.approval import Approved
from budgetd.core.burn import Burn
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.decision import Held
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.fields import (
    Amount,
    AmountOrZero,
    Document,
    Duration,
    Percent,
    Text,
    Whole,
)
from budgetd.core.documents.fields import Zone as ZoneField
from budgetd.core.documents.placing import read_model
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.moment import format_instant, parse_instant
from budgetd.core.money import ZERO, format_amount, parse_amount, total
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Sample,
    Stale,
    Status,
    Unknown,
)
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import Policy, PolicySet, Rule
from budgetd.core.policies.selector import Match


def _instant(value: object) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(str(value))


def _truth(value: object) -> bool:
    return {"yes": True, "no": False}[value] if isinstance(value, str) else bool(value)


Instant = Annotated[datetime, BeforeValidator(_instant)]
Truth = Annotated[bool, BeforeValidator(_truth)]
NOW = parse_instant("2026-11-30T14:00:00Z")
NOTHING = timedelta(0)


class GivenLimits(Document):
    """The limits that a case sets; the others are as the product's defaults."""

    zone: ZoneField = ZoneInfo("Asia/Shanghai")
    reserve: AmountOrZero = ZERO
    never: Match | None = None
    per_cycle_amount: Amount = Decimal("100000.00")
    per_cycle_transfers: Whole = 100
    per_cycle_share: Percent = Decimal("0.5")
    per_day_amount: Amount = Decimal("500000.00")
    approval_above: Amount = Decimal("20000.00")
    reflected_after: Duration = timedelta(minutes=15)
    unknown_readings: Percent = Decimal("0.1")
    sudden_zeros: Percent = Decimal("0.05")
    act_within: Duration = timedelta(minutes=2)

    def limits(self) -> Limits:
        """The same as the core takes them."""
        return Limits(**dict(self))


class GivenLedger(Document):
    """One credit ledger; an amount that is left out is a null of the provider."""

    expires: Text | None = None
    amount: AmountOrZero | None = None
    available: AmountOrZero | None = None

    def ledger(self) -> CreditLedger:
        """The same as an observation holds it."""
        return CreditLedger(
            expire_time=self.expires,
            expires_at=parse_instant(self.expires) if self.expires else None,
            amount=self.amount,
            available=self.available,
        )


class GivenCoupon(Document):
    """One coupon: of the master, or of an account, where `child` is written."""

    coupon: Text
    child: Text | None = None
    plan_name: Text = "plan"
    balance: AmountOrZero
    expires: Instant | None = None
    has_use_limits: Truth = False

    def made(self) -> Coupon:
        """The same as an observation holds it."""
        return Coupon(
            coupon_id=self.coupon,
            child_id=self.child,
            plan_name=self.plan_name,
            balance=self.balance,
            effective_at=None,
            expires_at=self.expires,
            has_use_limits=self.has_use_limits,
        )


class GivenReadings(Document):
    """What was read. A reading is a value, or one of the words `unread`, `unmanageable`;
    `stale` makes the others too old."""

    cash: Text | None = None
    credit: tuple[GivenLedger, ...] | Text | None = None
    coupons: tuple[GivenCoupon, ...] | Text | None = None
    stale: Truth = False
    read_ago: Duration = NOTHING

    def readings(self, now: datetime) -> Readings:
        """The same as an observation holds it."""
        cash: Decimal | str | None = self.cash
        if self.cash is not None and self.cash[0].isdigit():
            cash = parse_amount(self.cash)
        credit: object = self.credit
        if isinstance(self.credit, tuple):
            credit = tuple(item.ledger() for item in self.credit)
        coupons: object = self.coupons
        if isinstance(self.coupons, tuple):
            coupons = tuple(item.made() for item in self.coupons)
        return Readings(
            cash=self._reading(cash, now),
            credit=self._reading(credit, now),
            coupons=self._reading(coupons, now),
        )

    def _reading(self, value: object, now: datetime) -> Reading | None:
        begun = now - self.read_ago
        if value is None:
            return None
        if isinstance(value, str):
            assert value in ("unread", "unmanageable"), value
            return Unknown("it failed", begun, is_unmanageable=value == "unmanageable")
        return Stale(value, begun) if self.stale else Ok(value, begun)


class GivenAccount(GivenReadings):
    """An account and what was read of it. Without `org` it is in /R&D; `unknown` is no unit."""

    org: Text = "/R&D"
    org_id: Text | None = None
    name: Text | None = None
    display_name: Text = ""
    status: Status = Status.NORMAL
    copies: Whole = 0

    def account(self, account_id: str) -> Account:
        """The account alone."""
        path = tuple(part for part in self.org.split("/") if part)
        unit = Organization(
            id=self.org_id or f"o-{self.org}", name=path[-1] if path else "", path=path
        )
        return Account(
            id=account_id,
            name=self.name or account_id,
            display_name=self.display_name,
            status=self.status,
            organization=None if self.org == "unknown" else unit,
        )


class GivenMove(Document):
    """A past move. Times are how long ago; `sent` and `ended` follow `made` if left out."""

    rule: Text = "p/r"
    account: Text = "a"
    instrument: Instrument = Instrument.CASH
    part: Text = ""
    direction: Direction = Direction.ALLOCATE
    amount: Amount
    state: State = State.SETTLED
    made: Duration
    sent: Duration | None = None
    ended: Duration | None = None
    reading: AmountOrZero | None = None
    period: Text = ""
    child: Text | None = None
    unsent: Truth = False
    busy: Truth = False

    def move(self, number: int, now: datetime) -> Move:
        """The same as an observation holds it."""
        is_open = self.state not in (State.SETTLED, State.REFUSED, State.CANCELLED, State.VOID)
        sent = None if self.unsent else self.sent if self.sent is not None else self.made
        ended = None if is_open else self.ended if self.ended is not None else self.made
        return Move(
            id=f"m{number}",
            rule=self.rule,
            unit=Unit(account_id=self.account, instrument=self.instrument, part=self.part),
            direction=self.direction,
            amount=self.amount,
            state=self.state,
            made_at=now - self.made,
            sent_at=None if sent is None else now - sent,
            ended_at=None if ended is None else now - ended,
            reading=self.reading,
            period=self.period,
            child_coupon_id=self.child,
            was_busy=self.busy,
        )


class GivenSamples(Document):
    """Kept readings of one account, as `30m 10.00`: how long ago, and what."""

    account: Text = "a"
    instrument: Instrument = Instrument.CASH
    values: tuple[Text, ...]


class GivenBurn(Document):
    """What is known of spending: so much a day, the same on all days. `spread` is a share of it,
    `value` the last reading it rests on, `at` how long ago that was; of the account's `part`, a
    coupon, or of all it has."""

    account: Text = "a"
    instrument: Instrument = Instrument.CASH
    part: Text = ""
    level: AmountOrZero
    spread: Percent | None = None
    at: Duration = timedelta(minutes=30)
    value: AmountOrZero = ZERO
    idle: Duration | None = None
    lately: AmountOrZero | None = None

    def burn(self, now: datetime) -> Burn:
        """The same as an observation holds it."""
        return Burn(
            at=now - self.at,
            value=self.value,
            level=self.level,
            spread=(self.spread or ZERO) ** 2,
            idle=self.idle or timedelta(0),
            lately=self.lately,
        )


class GivenSum(Document):
    """What older moves sum up to."""

    account: Text = "a"
    instrument: Instrument = Instrument.CASH
    direction: Direction = Direction.ALLOCATE
    amount: Amount


class GivenSlot(Document):
    """A calendar slot that is done for an account."""

    rule: Text = "p/r"
    account: Text = "a"
    period: Text


class Expected(Document):
    """The plan, told in lines; what is left out is expected to be empty. `count_*` stand in
    place of the lines where there would be too many."""

    transfers: tuple[Text, ...] = ()
    held: tuple[Text, ...] = ()
    withheld: tuple[Text, ...] = ()
    unreadable: tuple[Text, ...] = ()
    alerts: tuple[Text, ...] = ()
    observed: tuple[Text, ...] = ()
    steps: tuple[Text, ...] | None = None
    short_by: tuple[AmountOrZero, ...] | None = None
    periods: tuple[Text, ...] | None = None
    count_transfers: Whole | None = None
    count_held: Whole | None = None
    count_withheld: Whole | None = None
    allocate: AmountOrZero | None = None
    reclaim: AmountOrZero | None = None
    master_after: AmountOrZero | None = None
    accounts_read: Whole | None = None


class GivenApproval(Document):
    """What a person agreed to, for an hour from now on."""

    rule: Text
    account: Text
    amount: Amount
    direction: Direction
    instrument: Instrument = Instrument.CASH
    part: Text = ""

    def approved(self, now: datetime) -> Approved:
        """The same as an observation knows it."""
        unit = Unit(account_id=self.account, instrument=self.instrument, part=self.part)
        return Approved(
            proposal="p-1",
            rule=self.rule,
            unit=unit,
            direction=self.direction,
            amount=self.amount,
            by="ana",
            expires_at=now + timedelta(hours=1),
        )


class Case(Document):
    """One worked example. `rules` are those of a policy named `p`."""

    about: Text
    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    limits: GivenLimits = GivenLimits()
    now: Instant = NOW
    only: Text | None = None
    preview: Truth = False
    accounts: dict[str, GivenAccount]
    master: GivenReadings = GivenReadings(cash="100000.00")
    moves: tuple[GivenMove, ...] = ()
    samples: tuple[GivenSamples, ...] = ()
    burns: tuple[GivenBurn, ...] = ()
    moved_before: tuple[GivenSum, ...] = ()
    first_loaded: dict[str, Instant] = Field({})
    decided: tuple[GivenSlot, ...] = ()
    approved: tuple[GivenApproval, ...] = ()
    expect: Expected

    def policy_set(self) -> PolicySet:
        """The policies in force."""
        own = (Policy(version=1, policy="p", rules=self.rules),) if self.rules else ()
        return PolicySet((*own, *self.policies), digest="sha256:case")

    def observation(self) -> Observation:
        """All that is known."""
        given = dict(_each(self.accounts))
        samples = {
            (item.account, item.instrument): tuple(_samples(item.values, self.now))
            for item in self.samples
        }
        return Observation(
            taken_at=self.now,
            currency="CNY",
            accounts=tuple(item.account(name) for name, item in sorted(given.items())),
            readings={
                name: found
                for name, item in given.items()
                if (found := item.readings(self.now)) != Readings()
            },
            master=self.master.readings(self.now),
            moves=tuple(move.move(number, self.now) for number, move in enumerate(self.moves)),
            samples=samples,
            burns={
                Unit(account_id=item.account, instrument=item.instrument, part=item.part): (
                    item.burn(self.now)
                )
                for item in self.burns
            },
            moved_before={
                (item.account, item.instrument, item.direction): item.amount
                for item in self.moved_before
            },
            first_loaded=self.first_loaded,
            decided=frozenset((item.rule, item.account, item.period) for item in self.decided),
            approvals=tuple(item.approved(self.now) for item in self.approved),
            is_preview=self.preview,
        )

    def plan(self, policies: PolicySet, observation: Observation) -> Plan:
        """What the product makes of it."""
        limits = self.limits.limits()
        frame = Frame(enterprise="acme", mode="enforce", policies=policies)
        decisions = decide(policies, observation, limits, self.only)
        return make_plan(frame, decisions, observation, limits)


def _each(accounts: dict[str, GivenAccount]) -> Iterator[tuple[str, GivenAccount]]:
    for name, item in accounts.items():
        if item.copies:
            yield from ((f"{name}{number:03}", item) for number in range(1, item.copies + 1))
        else:
            yield name, item


def _samples(values: Iterable[str], now: datetime) -> Iterator[Sample]:
    for text in values:
        ago, amount = text.split()
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[ago[-1]]
        yield Sample(now - timedelta(**{unit: int(ago[:-1])}), parse_amount(amount))


@dataclass(frozen=True, slots=True)
class Told:
    """A plan in the words of a case."""

    plan: Plan

    def lines(self, expected: Expected) -> dict[str, object]:
        """What a case may expect, as far as it does."""
        plan = self.plan
        told: dict[str, object] = {
            "transfers": tuple(tell(item) for item in plan.transfers),
            "held": tuple(tell_held(item) for item in plan.held),
            "withheld": tuple(f"{tell(item.transfer)} {item.limit}" for item in plan.withheld),
            "unreadable": tuple(f"{item.account.id} {item.reason}" for item in plan.unreadable),
            "alerts": tuple(
                f"{item.rule} {item.account.id} {item.severity} {item.why}" for item in plan.alerts
            ),
            "observed": tuple(tell(item) for item in plan.observed),
            "steps": tuple(
                f"{step.step} {format_amount(step.amount)}"
                for item in plan.transfers
                for step in item.steps
            ),
            "periods": tuple(item.period for item in plan.transfers),
            "short_by": tuple(item.short_by for item in plan.transfers),
            "allocate": self._sum(Direction.ALLOCATE),
            "reclaim": self._sum(Direction.RECLAIM),
            "master_after": plan.master.cash_after,
            "accounts_read": plan.accounts_read,
        }
        for name in ("transfers", "held", "withheld"):
            told[f"count_{name}"] = len(getattr(plan, name))
            if getattr(expected, f"count_{name}") is not None and not getattr(expected, name):
                told[name] = ()
        return {key: value for key, value in told.items() if getattr(expected, key) is not None}

    def _sum(self, direction: Direction) -> Decimal:
        return total(item.amount for item in self.plan.moves if item.direction is direction)


def tell(item: Transfer) -> str:
    """`+ p/r a 50.00 -> 60.00 below_trigger`, then the part of the unit, and what it asks."""
    sign = "+" if item.direction is Direction.ALLOCATE else "-"
    words = [sign, item.rule, item.account.id, format_amount(item.amount), "->"]
    words += [format_amount(item.after), str(item.why)]
    words += [f"of {item.unit.part}"] if item.unit.part else []
    words += [f"asks {item.ask}"] if item.ask else []
    return " ".join(words)


def tell_held(item: Held) -> str:
    """`p/r a cooldown until 2026-11-30T15:00:00Z`."""
    words = [item.rule, item.account.id, str(item.reason)]
    words += [f"until {format_instant(item.until)}"] if item.until else []
    return " ".join(words)


def read_case(path: Path) -> Case:
    """The case in a file; what is wrong with it is raised as an assertion."""
    found = read_model(path.read_bytes(), path.name, Case)
    assert isinstance(found, Case), "\n".join(str(problem) for problem in found)
    return found
