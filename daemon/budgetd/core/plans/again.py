"""Deciding one planned transfer again, on what is known now: never more than was planned.

The same `decide` and `make_plan` as the plan itself, on one account. Pure.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.decision import Held, Wish
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Unit
from budgetd.core.observation import Account, Observation
from budgetd.core.plans.by_hand import BY_HAND, Order, plan_by_hand
from budgetd.core.plans.consent import at_most
from budgetd.core.plans.plan import Transfer, Withheld
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What was seen and agreed: which unit a rule may move how much of, at the most, and until
    when it may be sent. `said` is what a person said to it, kept with the intent. `period` is the
    slot it was for; None is whichever is open."""

    id: str
    rule: str
    account: Account
    direction: Direction
    unit: Unit
    amount: Decimal
    expires_at: datetime
    said: tuple[tuple[str, str], ...] = ()
    period: str | None = None


def promised_of(transfer: Transfer, expires_at: datetime) -> Promised:
    """What a plan shows of a transfer, as the bound of what may be carried out."""
    return Promised(
        id=transfer.id,
        rule=transfer.rule,
        account=transfer.account,
        direction=transfer.direction,
        unit=transfer.unit,
        amount=transfer.amount,
        expires_at=expires_at,
        period=transfer.period,
    )


def decide_again(
    promised: Promised, frame: Frame, observation: Observation, limits: Limits, only: str | None
) -> Transfer | Held | Withheld | None:
    """The transfer as it is right now, for no more than was promised, or why it is not.

    `observation` knows the one account. None means that no rule has a word on it any more.
    """
    if promised.rule == BY_HAND:
        return _by_hand_again(promised, frame, observation, limits)
    decisions = decide(frame.policies, observation, limits, only)
    # What else is wished for was withheld, waits for a person, or has its turn later; what has
    # moved by now stands among the moves. So nothing else may take from this one.
    decisions.made = [
        item for item in decisions.made if not isinstance(item, Wish) or _is_of(promised, item)
    ]
    plan = make_plan(frame, decisions, observation, limits)
    for transfer in plan.transfers:
        if _is_same(promised, transfer):
            return at_most(transfer, promised.amount)
    for withheld in plan.withheld:
        if _is_same(promised, withheld.transfer):
            return withheld
    return _hold_of(promised, plan.held)


def _by_hand_again(
    promised: Promised, frame: Frame, observation: Observation, limits: Limits
) -> Transfer | Held | Withheld:
    order = Order(
        account=promised.account,
        direction=promised.direction,
        instrument=promised.unit.instrument,
        amount=promised.amount,
        part=promised.unit.part,
    )
    return plan_by_hand(order, frame, observation, limits)


def _is_of(promised: Promised, wish: Wish) -> bool:
    is_same_coupon = wish.coupon is None or wish.coupon.child_id == promised.unit.part
    return wish.named.name == promised.rule and is_same_coupon


def _is_same(promised: Promised, transfer: Transfer) -> bool:
    same_rule = transfer.rule == promised.rule and transfer.direction is promised.direction
    same_slot = promised.period in (None, transfer.period)
    return same_rule and same_slot and transfer.unit == promised.unit


def _hold_of(promised: Promised, held: tuple[Held, ...]) -> Held | None:
    own = [item for item in held if item.rule == promised.rule]
    for item in own:
        if item.coupon is not None and item.coupon.child_id == promised.unit.part:
            return item
    return next((item for item in own if item.reason is not Hold.NOT_DUE), next(iter(own), None))
