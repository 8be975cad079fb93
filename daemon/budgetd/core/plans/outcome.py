"""What became of one transfer when a cycle carried it out. A noun, for reports and replays."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from budgetd.core.decisions.decision import Held
from budgetd.core.intent import Direction, Move, State, Unit
from budgetd.core.observation import Account
from budgetd.core.plans.again import Promised
from budgetd.core.plans.plan import Transfer, Withheld
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A transfer's end in this cycle.

    `state` is None when it was decided again and held, or was not promised for another reason;
    then `hold`, or the `limit` that withheld it, may say which. `amount` is what moved, or
    would have. `note` is one line for people: the provider's words of a refusal, what is being
    waited for in doubt.
    """

    id: str
    rule: str
    account: Account
    direction: Direction
    unit: Unit
    amount: Decimal
    state: State | None
    note: str = ""
    hold: Hold | None = None
    limit: str = ""


def outcome_of(
    item: Promised | Transfer,
    state: State | None,
    *,
    amount: Decimal | None = None,
    note: str = "",
    hold: Hold | None = None,
) -> Outcome:
    """The end of one item; its amount is the one promised where no other is known."""
    return Outcome(
        id=item.id,
        rule=item.rule,
        account=item.account,
        direction=item.direction,
        unit=item.unit,
        amount=item.amount if amount is None else amount,
        state=state,
        note=note,
        hold=hold,
    )


def held_back(item: Promised, reason: Hold, detail: str = "") -> Held:
    """Why an item is not promised."""
    return Held(
        rule=item.rule,
        account=item.account,
        instrument=item.unit.instrument,
        reason=reason,
        detail=detail,
    )


def not_sent(item: Promised, why: Held | Withheld | None) -> Outcome:
    """The end of an item that was decided again and is not promised; None is without a word."""
    if isinstance(why, Withheld):
        return replace(outcome_of(item, None), limit=why.limit)
    if why is None:
        return outcome_of(item, None, note="its rule has no word on it any more")
    return outcome_of(item, None, note=why.detail, hold=why.reason)


def settled_move(transfer: Transfer, at: datetime) -> Move:
    """The move that a transfer is where it is promised, sent and settled at one instant."""
    return Move(
        id=transfer.id,
        rule=transfer.rule,
        unit=transfer.unit,
        direction=transfer.direction,
        amount=transfer.amount,
        state=State.SETTLED,
        made_at=at,
        sent_at=at,
        ended_at=at,
        reading=transfer.unit_reading,
        read_at=transfer.read_at,
        period=transfer.period,
    )
