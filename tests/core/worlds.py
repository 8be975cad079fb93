"""Made-up worlds for property tests: rules, accounts, readings, a master and a past.

A world follows from a number, so that thousands are made in no time and a failing one is named
by its number. Rules need not be wise: what a plan promises holds for foolish ones too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import FINAL, Direction, Instrument, Move, State, Unit
from budgetd.core.money import ZERO, format_amount, from_minor
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Readings,
    Sample,
    Stale,
    Status,
    Unknown,
)
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import Policy, PolicySet

NOW = datetime(2026, 11, 30, 14, tzinfo=UTC)
READ_AT = NOW - timedelta(seconds=30)
NAMES = ("a", "b", "c", "d", "e", "f")
EXPIRE_TIMES = (None, "2026-12-10T00:00:00Z", "2027-06-30T00:00:00Z")
MASTER_COUPONS = ("m1", "m2", "m3")
CAP_NAMES = (
    "account_per_day",
    "account_per_week",
    "account_per_month",
    "account_ever",
    "rule_per_day",
    "rule_per_week",
    "rule_per_month",
)
T = TypeVar("T")
UNIT = Organization(id="o", name="R&D", path=("R&D",))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One thing to decide."""

    policies: PolicySet
    observation: Observation
    limits: Limits

    @property
    def frame(self) -> Frame:
        """What its plan says of itself."""
        return Frame(enterprise="acme", mode="enforce", policies=self.policies)

    def plan(self) -> Plan:
        """Decided and planned."""
        decisions = decide(self.policies, self.observation, self.limits)
        return make_plan(self.frame, decisions, self.observation, self.limits)


class Maker(Random):
    """Draws the parts of one world."""

    def amount(self, low: int, high: int) -> Decimal:
        """An amount within bounds in cents; every other one is round."""
        cents = self.randint(low, high)
        if self.random() < 0.5:
            cents = max(low, cents - cents % 10000)
        return from_minor(cents)

    def text(self, low: int, high: int) -> str:
        """An amount as it is written in rules."""
        return format_amount(self.amount(low, high))

    def chance(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self.random() < share

    def some(self, values: Sequence[T], least: int = 0) -> list[T]:
        """Some of the values, in any order."""
        return self.sample(values, self.randint(least, len(values)))

    def lift(self) -> dict[str, object]:
        """What a top-up or a grant says of its amount."""
        action = self.rails()
        action["when"] = {"below": self.text(100, 100000)}
        if self.chance(0.6):
            action["to"] = self.text(10000, 200000)
            if self.chance(0.3):
                action["to"] = self.in_days()
                action["when"] = {"any": [action["when"], {"runway_below": "3d"}]}
            if self.chance(0.4):
                action["multiple_of"] = self.text(100, 30000)
        else:
            action["add"] = self.text(1000, 60000)
        return action

    def in_days(self) -> dict[str, object]:
        """A target in days of burn, within bounds."""
        found: dict[str, object] = {"runway": self.choice(("4d", "14d", "30d"))}
        found["at_most"] = self.text(150000, 300000)
        if self.chance(0.5):
            found["at_least"] = self.text(10000, 100000)
        return found

    def rails(self) -> dict[str, object]:
        """The bounds of one amount."""
        rails: dict[str, object] = {}
        if self.chance(0.3):
            rails["min"] = self.text(100, 30000)
        if self.chance(0.3):
            rails["max"] = self.text(100, 150000)
        return rails

    def action(self) -> dict[str, object]:
        """One action of five."""
        instrument = self.choice(("cash", "cash", "credit"))
        kinds = ("lift", "lift", "reclaim", "reclaim", "grant", "coupons", "alert")
        match self.choice(kinds):
            case "lift":
                return {"top_up": {**self.lift(), "instrument": instrument}}
            case "reclaim":
                return {"reclaim": self.reclaim(instrument)}
            case "grant":
                return {"grant_coupons": self.lift()}
            case "coupons":
                when = {"balance_at_least": self.text(100, 50000)}
                return {"reclaim_coupons": {"when": when}}
            case _:
                return {"alert": {"when": {"below": self.text(100, 100000)}}}

    def reclaim(self, instrument: str) -> dict[str, object]:
        """What a reclaim says."""
        action = self.rails()
        if self.chance(0.3):
            action["multiple_of"] = self.text(100, 30000)
        when = {"above": self.text(0, 200000)}
        return {**action, "instrument": instrument, "when": when, "keep": self.text(0, 100000)}

    def rule(self, name: str) -> dict[str, object]:
        """One rule."""
        rule: dict[str, object] = {
            "name": name,
            "accounts": "all" if self.chance(0.4) else {"id": self.some(NAMES, 1)},
            "priority": self.choice(("1", "2", "3", "4", "100")),
            "mode": self.choice(("enforce",) * 6 + ("propose", "observe")),
            **self.action(),
        }
        if self.chance(0.4):
            names = self.sample(CAP_NAMES, 2)
            rule["caps"] = {cap: self.text(10000, 300000) for cap in names}
        if self.chance(0.4):
            rule["cooldown"] = "1h"
        return rule

    def read(self, value: object) -> Any:
        """The value as it was read, if it was."""
        match self.choice(("ok",) * 20 + ("stale", "unread", "unmanageable")):
            case "ok":
                return Ok(value, READ_AT)
            case "stale":
                return Stale(value, NOW - timedelta(hours=2))
            case word:
                return Unknown("it failed", READ_AT, is_unmanageable=word == "unmanageable")

    def ledgers(self) -> tuple[CreditLedger, ...]:
        """Credit."""
        return tuple(
            CreditLedger(
                expire_time=text,
                expires_at=datetime.fromisoformat(text) if text else None,
                amount=None if self.chance(0.03) else self.amount(0, 150000),
                available=self.amount(0, 150000),
            )
            for text in self.some(EXPIRE_TIMES)
        )

    def coupons(self, owner: str = "") -> tuple[Coupon, ...]:
        """Coupons of an account, or of the master."""
        return tuple(
            Coupon(
                coupon_id=name,
                child_id=f"{owner}-{name}" if owner else None,
                plan_name="plan",
                balance=self.amount(0, 80000),
                effective_at=None,
                expires_at=self.choice((None, NOW + timedelta(days=9))),
            )
            for name in self.some(MASTER_COUPONS)
        )

    def readings(self, owner: str = "") -> Readings:
        """What was read of an account, or of the master."""
        return Readings(
            cash=self.read(self.amount(0, 300000)),
            credit=self.read(self.ledgers()),
            coupons=self.read(self.coupons(owner)),
        )

    def move(self, number: int) -> Move:
        """Something of the past."""
        instrument = self.choice(list(Instrument))
        direction = self.choice(list(Direction))
        account, coupon = self.choice(NAMES), self.choice(MASTER_COUPONS)
        part = {
            Instrument.CASH: "",
            Instrument.CREDIT: self.choice(EXPIRE_TIMES) or "",
            Instrument.COUPON: coupon if direction is Direction.ALLOCATE else f"{account}-{coupon}",
        }[instrument]
        state = self.choice([State.SETTLED] * 5 + list(State))
        made = NOW - timedelta(minutes=self.choice((3, 10, 20, 50, 1500, 12000, 40000)))
        return Move(
            id=f"m{number}",
            rule=f"p/r{self.randint(0, 5)}",
            unit=Unit(account_id=account, instrument=instrument, part=part),
            direction=direction,
            amount=self.amount(1, 60000),
            state=state,
            made_at=made,
            sent_at=None if state is State.PREPARED else made,
            ended_at=made + timedelta(minutes=1) if state in FINAL else None,
            reading=None if self.chance(0.3) else self.amount(0, 100000),
        )

    def limits(self) -> Limits:
        """The guards, tight every other time."""
        large = Decimal(10**6)

        def bound() -> Decimal:
            return large if self.chance(0.6) else self.amount(50000, 400000)

        return Limits(
            zone=ZoneInfo(self.choice(("Asia/Shanghai", "UTC", "America/New_York"))),
            reserve=ZERO if self.chance(0.5) else self.amount(0, 100000),
            never=None,
            per_cycle_amount=bound(),
            per_cycle_transfers=self.choice((100, 100, 4)),
            per_cycle_share=Decimal(1),
            per_day_amount=bound(),
            approval_above=bound(),
            reflected_after=timedelta(minutes=15),
            unknown_readings=Decimal("0.5"),
            act_within=timedelta(minutes=2),
        )

    def observation(self) -> Observation:
        """What is known."""
        names = sorted(self.some(NAMES, 1))
        statuses = (Status.NORMAL,) * 9 + (Status.CLOSING,)
        return Observation(
            taken_at=NOW,
            currency="CNY",
            accounts=tuple(
                Account(
                    id=name,
                    name=name,
                    display_name="",
                    status=self.choice(statuses),
                    organization=UNIT,
                )
                for name in names
            ),
            readings={name: self.readings(name) for name in names},
            master=self.readings(),
            moves=tuple(self.move(number) for number in range(self.randint(0, 6))),
            samples={
                (name, Instrument.CASH): (
                    Sample(NOW - timedelta(minutes=30), self.amount(0, 100000)),
                )
                for name in names
            },
            burns={
                Unit(account_id=name, instrument=instrument): self.burn()
                for name in names
                for instrument in (Instrument.CASH, Instrument.CREDIT)
                if self.chance(0.5)
            },
        )

    def burn(self) -> Burn:
        """What an account spends; every tenth spends nothing."""
        return Burn(
            at=NOW - timedelta(minutes=self.randint(1, 300)),
            value=self.amount(0, 100000),
            level=ZERO if self.chance(0.1) else self.amount(100, 50000),
            growth=Decimal(self.randint(-50, 50)) / 1000,
            spread=Decimal(self.randint(0, 900)) / 1000,
            doubt=Decimal(self.randint(0, 100)) / 1000,
            skew=Decimal(self.randint(0, 25)) / 10,
            idle=timedelta(days=self.randint(0, 20)),
            lately=self.amount(0, 100000) if self.chance(0.5) else None,
        )


def world_of(number: int) -> World:
    """The world with this number."""
    maker = Maker(number)
    rules = [maker.rule(f"r{index}") for index in range(maker.randint(1, 6))]
    policy = Policy.model_validate({"version": "1", "policy": "p", "rules": rules})
    return World(
        policies=PolicySet((policy,), digest="sha256:world"),
        observation=maker.observation(),
        limits=maker.limits(),
    )
