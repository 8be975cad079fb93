"""The plan as data: the document `budgetd.plan/1`, its digest, and the strict reading of it.

A saved plan is a promise of what was seen, so it is read as strictly as anything that moves
money: a text that was edited, cut off or written by something else is refused whole. It may
not open files or ask what time it is.
"""

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal

from budgetd.core.approval import proposal_id
from budgetd.core.decisions.decision import Held, Raised
from budgetd.core.intent import Direction, Instrument
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount, total
from budgetd.core.observation import Account, Coupon
from budgetd.core.plans.plan import FORMAT, Plan, Step, Transfer, Unreadable, Withheld
from budgetd.report.plan_reading import RefusedError, read_document, saved_plan_of
from budgetd.report.saved_plan import Fault, PlanProblem, SavedPlan

Json = dict[str, object]


def plan_json(plan: Plan) -> str:
    """The document as text. It is ASCII, so that no name can act on a terminal."""
    return json.dumps(plan_document(plan), indent=2, ensure_ascii=True) + "\n"


def plan_document(plan: Plan) -> Json:
    """`budgetd.plan/1`: amounts are text with two decimals, times RFC 3339 in UTC.

    Every hold is listed. `observed` is there only where a rule in `mode: observe` wanted
    something, `only` where one rule was asked by name.
    """
    document: Json = {
        "format": FORMAT,
        "enterprise": plan.enterprise,
        "mode": plan.mode,
        "taken_at": format_instant(plan.taken_at),
        "policy_digest": plan.policy_digest,
        "plan_digest": "",
        "expires_at": format_instant(plan.expires_at),
        "transfers": [_transfer(transfer) for transfer in plan.transfers],
        "held": [_held(held) for held in plan.held],
        "withheld": [_withheld(withheld) for withheld in plan.withheld],
        "preview": plan.is_preview,
        "unreadable": [_unreadable(item) for item in plan.unreadable],
        "alerts": [_alert(raised) for raised in plan.alerts],
        "totals": _totals(plan),
    }
    if plan.observed:
        document["observed"] = [_transfer(transfer) for transfer in plan.observed]
    if plan.only is not None:
        document["only"] = plan.only
    document["plan_digest"] = plan_digest(document)
    return document


def plan_digest(document: Json) -> str:
    """`sha256:` and 64 hex digits over the canonical JSON of all but `plan_digest` itself."""
    rest = {key: value for key, value in document.items() if key != "plan_digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read_plan(text: str) -> SavedPlan | PlanProblem:
    """The plan a text holds, or why it is refused.

    Refused are: what is not JSON (a file cut off included), a key given twice, numbers where
    text belongs, another format, and any difference from what the digest was made over.
    """
    try:
        document = read_document(text)
        if document.get("plan_digest") != plan_digest(document):
            raise RefusedError(
                Fault.EDITED, "the plan was changed after it was saved; make a new one"
            )
        return saved_plan_of(document)
    except RefusedError as refusal:
        return PlanProblem(fault=refusal.fault, message=refusal.message)


def _transfer(transfer: Transfer) -> Json:
    is_credit = transfer.instrument is Instrument.CREDIT
    return {
        "id": transfer.id,
        "rule": transfer.rule,
        "action": transfer.action,
        "direction": transfer.direction.value,
        "instrument": transfer.instrument.value,
        "account": _account(transfer.account),
        "amount": format_amount(transfer.amount),
        "currency": transfer.currency,
        "ledger": (transfer.unit.part or None) if is_credit else None,
        "coupon": _coupon(transfer.coupon) if transfer.coupon else None,
        "read_at": format_instant(transfer.read_at),
        "reading": format_amount(transfer.reading),
        "target": _amount(transfer.target),
        "after": format_amount(transfer.after),
        "reason": transfer.why.value,
        "steps": [_step(step) for step in transfer.steps],
        "needs_approval": transfer.ask is not None,
        "ask": transfer.ask.value if transfer.ask else None,
        "proposal": proposal_of(transfer),
    }


def proposal_of(transfer: Transfer) -> str | None:
    """The name of the proposal that a transfer waits for; None of one that needs nobody."""
    if transfer.ask is None:
        return None
    return proposal_id(transfer.rule, transfer.direction, transfer.unit)


def _withheld(withheld: Withheld) -> Json:
    """As a transfer, but `proposal` names the proposal of the whole batch."""
    return {
        **_transfer(withheld.transfer),
        "limit": withheld.limit,
        "proposal": withheld.proposal,
    }


def _held(held: Held) -> Json:
    document: Json = {
        "rule": held.rule,
        "account": _account(held.account),
        "reason": held.reason.value,
        "until": format_instant(held.until) if held.until else None,
        "reading": _amount(held.reading),
        "instrument": held.instrument.value,
    }
    if held.detail:
        document["detail"] = held.detail
    return document


def _unreadable(unreadable: Unreadable) -> Json:
    return {
        "account": _account(unreadable.account),
        "reason": unreadable.reason.value,
        "detail": unreadable.detail,
    }


def _alert(raised: Raised) -> Json:
    return {
        "rule": raised.rule,
        "account": _account(raised.account),
        "instrument": raised.instrument.value,
        "severity": raised.severity,
        "reading": None if raised.reading is None else format_amount(raised.reading),
        "read_at": None if raised.read_at is None else format_instant(raised.read_at),
        "reason": raised.why.value,
    }


def _account(account: Account) -> Json:
    return {"id": account.id, "name": account.name}


def _coupon(coupon: Coupon) -> Json:
    return {
        "coupon_id": coupon.coupon_id,
        "child_id": coupon.child_id,
        "plan_name": coupon.plan_name,
        "expires_at": format_instant(coupon.expires_at) if coupon.expires_at else None,
    }


def _step(step: Step) -> Json:
    return {"step": step.step, "amount": format_amount(step.amount), "note": step.note}


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else format_amount(value)


def _totals(plan: Plan) -> Json:
    document: Json = {}
    for instrument in Instrument:
        own = [transfer for transfer in plan.moves if transfer.instrument is instrument]
        document[instrument.value] = {
            direction.value: format_amount(_sum(own, direction)) for direction in Direction
        }
    return {**document, "transfers": len(plan.moves), "accounts_read": plan.accounts_read}


def _sum(transfers: Iterable[Transfer], direction: Direction) -> Decimal:
    return total(item.amount for item in transfers if item.direction is direction)
