"""What another set of policies would change, for machines: `budgetd.diff/1`.

It may not judge.
"""

from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.plans.comparing import Comparison, HoldShift, Line, Shift, Sums, Wanted
from budgetd.core.plans.plan import Plan

Json = dict[str, object]


def diff_json(old: Plan, new: Plan, found: Comparison) -> Json:
    """Amounts are text with two decimals, times RFC 3339 in UTC; `old` or `new` of a transfer or
    a hold is null where that set has none. Lines without a difference are left out."""
    return {
        "format": "budgetd.diff/1",
        "enterprise": new.enterprise,
        "taken_at": format_instant(new.taken_at),
        "currency": new.currency,
        "old_digest": old.policy_digest,
        "new_digest": new.policy_digest,
        "differs": found.differs,
        "transfers": [_shift(one) for one in found.shifts],
        "held": [_hold(one) for one in found.holds],
        "totals": [_line(one, "") for one in found.totals],
        "by_rule": [_line(one, "rule") for one in found.by_rule],
        "by_organization": [_line(one, "organization") for one in found.by_organization],
        "by_account": [_line(one, "account_id") for one in found.by_account],
    }


def _shift(one: Shift) -> Json:
    return {
        "rule": one.rule,
        "account": {"id": one.account.id, "name": one.account.name},
        "instrument": str(one.unit.instrument),
        "part": one.unit.part or None,
        "direction": str(one.direction),
        "old": _wanted(one.old),
        "new": _wanted(one.new),
    }


def _wanted(wanted: Wanted | None) -> Json | None:
    if wanted is None:
        return None
    return {"amount": format_amount(wanted.amount), "standing": str(wanted.standing)}


def _hold(one: HoldShift) -> Json:
    return {
        "rule": one.rule,
        "account": {"id": one.account.id, "name": one.account.name},
        "instrument": str(one.instrument),
        "old": None if one.old is None else str(one.old),
        "new": None if one.new is None else str(one.new),
        "old_selected": one.was_selected,
        "new_selected": one.is_selected,
    }


def _line(line: Line, key: str) -> Json:
    named: Json = {key: line.name} if key else {}
    return {
        **named,
        "instrument": str(line.instrument),
        "old": _sums(line.old),
        "new": _sums(line.new),
    }


def _sums(sums: Sums) -> Json:
    return {
        "transfers": sums.transfers,
        "allocate": format_amount(sums.allocated),
        "reclaim": format_amount(sums.reclaimed),
        "waiting": format_amount(sums.waiting),
    }
