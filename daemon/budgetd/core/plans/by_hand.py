"""A move by hand: what a person asks for, decided and planned like a rule's own wish.

The same rails, limits and amounts as for rules, except that whoever gives the order is the
person whom `approval_above` would ask. It moves all of the amount or nothing. Pure.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from budgetd.core.decisions.deciding import Decisions, decide_alone
from budgetd.core.decisions.decision import Held, NamedRule, Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Account, Coupon, CreditLedger, Observation, Ok, Readings
from budgetd.core.plans.funds import Purse
from budgetd.core.plans.plan import Transfer, Withheld
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import (
    CouponChoice,
    GrantCoupons,
    Reclaim,
    ReclaimCoupons,
    Rule,
    TopUp,
)
from budgetd.core.policies.selector import Match
from budgetd.core.reason import Ask, Hold

BY_HAND = "by hand"
"""The rule that a move by hand is kept under; no policy can have one of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """What an order names and is not there: nothing of it can be meant. `there` are those that
    are, each with what is in it; `owner` is the account, None the master."""

    part: str
    instrument: Instrument
    owner: Account | None
    there: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asks for.

    `amount` is above zero with two decimals, of a coupon to take home the whole that is left of
    it. `part` is the ledger's `expire_time`, the master's coupon to grant from, or the child
    coupon to take home; None leaves the choice (coupons to take home must be named).
    """

    account: Account
    direction: Direction
    instrument: Instrument
    amount: Decimal
    part: str | None = None


def absent_of(order: Order, observation: Observation) -> Absent | None:
    """The coupon or ledger that an order names, where a good reading shows no such one."""
    is_out = order.direction is Direction.ALLOCATE
    own = observation.master if is_out else observation.readings_of(order.account.id)
    reading = own.coupons if order.instrument is Instrument.COUPON else own.credit
    if order.part is None or order.instrument is Instrument.CASH or not isinstance(reading, Ok):
        return None
    there = tuple(_known(one) for one in reading.value)
    if order.part in (name for name, _ in there):
        return None
    return Absent(
        part=order.part,
        instrument=order.instrument,
        owner=None if is_out else order.account,
        there=there,
    )


def _known(one: CreditLedger | Coupon) -> tuple[str, Decimal]:
    """The name of a part as orders give it, and what can be moved of it."""
    if isinstance(one, CreditLedger):
        return one.expire_time or "", one.available or ZERO
    return one.child_id or one.coupon_id, one.balance


def plan_by_hand(
    order: Order, frame: Frame, observation: Observation, limits: Limits
) -> Transfer | Held | Withheld:
    """The transfer that carries an order out, or why none does."""
    seen = _narrowed(order, observation)
    held = _short_of(order, seen)
    if held is not None:
        return held
    decided = _decided(order, seen, limits)
    plan = make_plan(frame, decided, seen, limits)
    if plan.withheld:
        return plan.withheld[0]
    if plan.held or not plan.transfers:
        held = next(iter(plan.held), None) or _held(order, Hold.UNREAD)
        if held.reason is not Hold.MASTER_SHORT:
            return held
        return replace(held, detail=_what_there_is(decided, seen, limits))
    if any(one.ask not in (None, Ask.APPROVAL_ABOVE) for one in plan.transfers):
        return _held(order, Hold.AWAITING_APPROVAL)
    if len(plan.transfers) > 1:
        return _held(order, _shortage(order), "it would take several ledgers or coupons; name one")
    if plan.transfers[0].amount != order.amount:
        return _held(order, _shortage(order), _what_there_is(decided, seen, limits))
    return replace(plan.transfers[0], ask=None)


def _decided(order: Order, seen: Observation, limits: Limits) -> Decisions:
    named = NamedRule(name=BY_HAND, rule=_rule(order, seen))
    return decide_alone(named, order.account, seen, limits)


def _rule(order: Order, seen: Observation) -> Rule:
    """The rule that would want exactly this."""
    accounts = Match(id=(order.account.id,))
    amount = order.amount
    match order.instrument, order.direction:
        case Instrument.COUPON, Direction.ALLOCATE:
            choice = CouponChoice(use_limits="any")
            grant = GrantCoupons(add=amount, min=amount, coupons=choice)
            return Rule(name="transfer", accounts=accounts, grant_coupons=grant)
        case Instrument.COUPON, _:
            return Rule(name="transfer", accounts=accounts, reclaim_coupons=ReclaimCoupons())
        case Instrument.CREDIT, Direction.ALLOCATE:
            lift = TopUp(add=amount, min=amount, instrument=Instrument.CREDIT)
            return Rule(name="transfer", accounts=accounts, top_up=lift)
        case Instrument.CASH, Direction.ALLOCATE:
            lift = TopUp(add=amount, min=amount)
            return Rule(name="transfer", accounts=accounts, top_up=lift)
        case _:
            keep = max((_there(order, seen) or ZERO) - amount, ZERO)
            least = min(amount, Reclaim.model_fields["min"].default)
            home = Reclaim(
                keep=keep,
                min=least,
                instrument=Instrument.CREDIT
                if order.instrument is Instrument.CREDIT
                else Instrument.CASH,
            )
            return Rule(name="transfer", accounts=accounts, reclaim=home)


def _narrowed(order: Order, observation: Observation) -> Observation:
    """The observation with nothing but the part of each side that the order names."""
    if order.part is None or order.instrument is Instrument.CASH:
        return observation
    own = observation.readings_of(order.account.id)
    if order.direction is Direction.ALLOCATE:
        return replace(observation, master=_only(observation.master, order.part))
    return replace(
        observation, readings={**observation.readings, order.account.id: _only(own, order.part)}
    )


def _only(readings: Readings, part: str) -> Readings:
    def is_part(one: CreditLedger | Coupon) -> bool:
        return _known(one)[0] == part

    credit, coupons = readings.credit, readings.coupons
    if isinstance(credit, Ok):
        credit = Ok(tuple(one for one in credit.value if is_part(one)), credit.read_at)
    if isinstance(coupons, Ok):
        coupons = Ok(tuple(one for one in coupons.value if is_part(one)), coupons.read_at)
    return replace(readings, credit=credit, coupons=coupons)


def _there(order: Order, seen: Observation) -> Decimal | None:
    """What the account has of it, as far as it is known."""
    readings = seen.readings_of(order.account.id)
    match order.instrument:
        case Instrument.CASH:
            return readings.cash.value if isinstance(readings.cash, Ok) else None
        case Instrument.CREDIT:
            if not isinstance(readings.credit, Ok):
                return None
            return total(one.amount for one in readings.credit.value if one.amount is not None)
        case Instrument.COUPON:
            if not isinstance(readings.coupons, Ok):
                return None
            return total(one.balance for one in readings.coupons.value)


def _short_of(order: Order, seen: Observation) -> Held | None:
    """A reclaim of more than there is, or of another amount than a coupon holds."""
    if order.direction is Direction.ALLOCATE:
        return None
    there = _there(order, seen)
    if there is None:
        return _held(order, Hold.UNREAD)
    if order.instrument is Instrument.COUPON and there != order.amount:
        return _held(order, Hold.RECLAIMABLE, f"a coupon comes home whole: it holds {there:,.2f}")
    if there < order.amount:
        return _held(order, Hold.RECLAIMABLE, f"it has {there:,.2f}")
    return None


def _what_there_is(decided: Decisions, seen: Observation, limits: Limits) -> str:
    """What the master could give of what was asked for."""
    wish = next((one for one in decided.made if isinstance(one, Wish)), None)
    if wish is None or wish.named.direction is not Direction.ALLOCATE:
        return ""
    purse = Purse(seen, History(seen, limits.reflected_after), limits)
    return f"the master can give {purse.left(wish, ()):,.2f}"


def _shortage(order: Order) -> Hold:
    is_out = order.direction is Direction.ALLOCATE
    return Hold.MASTER_SHORT if is_out else Hold.RECLAIMABLE


def _held(order: Order, reason: Hold, detail: str = "") -> Held:
    return Held(
        rule=BY_HAND,
        account=order.account,
        instrument=order.instrument,
        reason=reason,
        detail=detail,
    )
