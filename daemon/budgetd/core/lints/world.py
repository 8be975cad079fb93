"""A small world: one account, a rich master, and the real engine, cycle after cycle.

What it tells is what `decide` and `make_plan` did, and nothing else. The limits of the config
are set aside, all but its zone: a lint is about rules. It may not know lints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.burn import Burn
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Move, Unit
from budgetd.core.money import LARGEST, ZERO, parse_amount, show_amount
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Sample,
)
from budgetd.core.plans.outcome import settled_move
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import PolicySet, Rule
from budgetd.core.policies.schedule import next_slot

RICH = parse_amount("1000000000.00")
LONG_SINCE = timedelta(days=400)
HOUR = timedelta(hours=1)


def unlimited(limits: Limits) -> Limits:
    """The limits with nothing but the zone left of them."""
    return replace(
        limits,
        reserve=ZERO,
        never=None,
        per_cycle_amount=LARGEST,
        per_cycle_transfers=10**9,
        per_cycle_share=Decimal(1),
        per_day_amount=LARGEST,
        approval_above=LARGEST,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One transfer that the engine made, or asked for where a person has to agree."""

    at: datetime
    transfer: Transfer

    @property
    def is_up(self) -> bool:
        """Whether it goes to the account."""
        return self.transfer.direction is Direction.ALLOCATE


@dataclass(slots=True, kw_only=True)
class World:
    """One account between cycles. `value` is its cash or credit; `expires_at` that of its credit;
    `coupons` its own, `gifts` the master's; `burn` what it is known to spend a day."""

    policies: PolicySet
    limits: Limits
    account: Account
    instrument: Instrument
    since: datetime
    value: Decimal = ZERO
    expires_at: datetime | None = None
    coupons: dict[str, Coupon] = field(default_factory=dict)
    gifts: tuple[Coupon, ...] = ()
    burn: Decimal | None = None
    moves: list[Move] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)

    def cycle(self, at: datetime) -> Plan:
        """One cycle at an instant, on readings of that instant; what moves is settled at once."""
        observation = self._observation(at)
        limits = unlimited(self.limits)
        decisions = decide(self.policies, observation, limits)
        frame = Frame(enterprise="lint", mode="enforce", policies=self.policies)
        plan = make_plan(frame, decisions, observation, limits)
        self.samples.append(Sample(at, self.value))
        for transfer in plan.transfers:
            self.movements.append(Movement(at=at, transfer=transfer))
            if transfer.ask is None:
                self._settle(at, transfer)
        return plan

    def _observation(self, at: datetime) -> Observation:
        key = (self.account.id, self.instrument)
        return Observation(
            taken_at=at,
            currency="CNY",
            accounts=(self.account,),
            readings={self.account.id: self._readings(at)},
            master=Readings(
                cash=Ok(RICH, at), credit=Ok((_ledger(RICH, None),), at), coupons=Ok(self.gifts, at)
            ),
            moves=tuple(self.moves),
            samples={key: tuple(self.samples)},
            burns=self._burns(at),
            first_loaded={name: self.since - LONG_SINCE for name, _ in self.policies.rules()},
        )

    def _burns(self, at: datetime) -> dict[Unit, Burn]:
        if self.burn is None:
            return {}
        unit = Unit(account_id=self.account.id, instrument=self.instrument)
        return {unit: Burn(at=at, value=self.value, level=self.burn)}

    def _readings(self, at: datetime) -> Readings:
        match self.instrument:
            case Instrument.CASH:
                return Readings(cash=Ok(self.value, at))
            case Instrument.CREDIT:
                return Readings(credit=Ok((_ledger(self.value, self.expires_at),), at))
            case Instrument.COUPON:
                return Readings(coupons=Ok(tuple(self.coupons.values()), at))

    def _settle(self, at: datetime, transfer: Transfer) -> None:
        is_up = transfer.direction is Direction.ALLOCATE
        child = f"child-{len(self.moves) + 1}" if is_up else None
        if self.instrument is not Instrument.COUPON:
            self.value += transfer.amount if is_up else -transfer.amount
        elif is_up:
            assert transfer.coupon is not None
            self.coupons[child or ""] = replace(
                transfer.coupon, child_id=child, balance=transfer.amount
            )
        else:
            del self.coupons[transfer.unit.part]
        self.moves.append(replace(settled_move(transfer, at), child_coupon_id=child))

    def holding(self) -> str:
        """What the account has, in words."""
        if self.instrument is Instrument.COUPON:
            held = sum((coupon.balance for coupon in self.coupons.values()), ZERO)
            return f"coupons {show_amount(held)}"
        spends = f", which spends {show_amount(self.burn)} a day" if self.burn else ""
        return f"{self.instrument} {show_amount(self.value)}{spends}"

    def told(self, most: int = 6) -> list[str]:
        """Its movements, a line each."""
        return [self.tell(movement) for movement in self.movements[:most]]

    def tell(self, movement: Movement) -> str:
        """One movement in a line."""
        one = movement.transfer
        local = movement.at.astimezone(self.limits.zone)
        verb = ("gets" if movement.is_up else "gives") if one.ask is None else f"asks ({one.ask})"
        return (
            f"{local:%Y-%m-%d %H:%M} reads {show_amount(one.reading)}: {verb}"
            f" {show_amount(one.amount)} by {one.rule} -> {show_amount(one.after)}"
        )


def introduce(account: Account, holding: str) -> str:
    """The account and what it has, in a line."""
    unit = account.organization
    where = "/" + "/".join(unit.path) if unit is not None else "no known unit"
    return f"say the account {account.name} in {where}, {holding}:"


def _ledger(value: Decimal, expires_at: datetime | None) -> CreditLedger:
    return CreditLedger(
        expire_time=expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if expires_at else None,
        expires_at=expires_at,
        amount=value,
        available=value,
    )


def moments(rules: Sequence[Rule], limits: Limits, now: datetime) -> list[datetime]:
    """When cycles are worth playing: around the slots of the rules, else hour by hour."""
    since = min([max([now, *_beginnings(rules, limits)]), *_ends(rules, limits)])
    found: set[datetime] = set()
    for rule in rules:
        for slot_at in _slots(rule, limits, since):
            found |= {slot_at - HOUR, slot_at, slot_at + HOUR, slot_at + 2 * HOUR}
    if not found:
        hours = (0, 1, 2, 3, 4, 8, 12, 25, 26, 50, 24 * 8, 24 * 32)
        return [since + HOUR * hour for hour in hours]
    return sorted(at for at in found if at >= since - HOUR)


def _beginnings(rules: Sequence[Rule], limits: Limits) -> Iterator[datetime]:
    for rule in rules:
        if rule.valid.from_ is not None:
            yield rule.valid.from_.first(rule.timezone or limits.zone)


def _ends(rules: Sequence[Rule], limits: Limits) -> Iterator[datetime]:
    """Some hours before the rules end, so that those whose time is over can be shown at all."""
    for rule in rules:
        if rule.valid.until is not None:
            yield rule.valid.until.after(rule.timezone or limits.zone) - 4 * HOUR


def _slots(rule: Rule, limits: Limits, since: datetime) -> Iterator[datetime]:
    """The next three slots of a calendar rule."""
    if rule.schedule is None or not rule.schedule.is_calendar:
        return
    at = since
    for _ in range(3):
        slot = next_slot(rule.schedule, rule.timezone or limits.zone, at)
        if slot is None:
            return
        yield slot.at
        at = slot.at
