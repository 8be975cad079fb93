"""A comparison of ledger, records and readings for machines: `budgetd.reconcile/1`.

It may not judge.
"""

from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.reconciliation import DEAD_TIME, Change, Discrepancy, Sent
from budgetd.core.rises import Rise
from budgetd.report.reconciled import Reconciled

Json = dict[str, object]


def reconcile_json(found: Reconciled) -> Json:
    """Amounts are text with two decimals, times RFC 3339 in UTC. `record` or `transfer` is null
    where a discrepancy has none."""
    return {
        "format": "budgetd.reconcile/1",
        "enterprise": found.enterprise,
        "begins": format_instant(found.begins),
        "read_at": format_instant(found.read_at),
        "records": {str(name): number for name, number in found.records.items()},
        "unread": {str(name): why for name, why in found.unread.items()},
        "confirmed": found.confirmed,
        "awaited": found.awaited,
        "discrepancies": [_discrepancy(one) for one in found.discrepancies],
        "in_doubt": [_doubtful(one) for one in found.doubtful],
        "rises": [_rise(one, found.names.get(one.account_id, "")) for one in found.rises],
    }


def _discrepancy(one: Discrepancy) -> Json:
    return {
        "finding": str(one.finding),
        "transfer": one.intent_id or None,
        "record": None if one.change is None else _change(one.change),
    }


def _change(change: Change) -> Json:
    return {
        "id": change.id,
        "at": format_instant(change.at),
        "instrument": str(change.instrument),
        "direction": str(change.direction),
        "amount": format_amount(change.amount),
        "coupon_id": change.coupon_id or None,
        "account_name": change.account_name or None,
    }


def _doubtful(sent: Sent) -> Json:
    return {
        "transfer": sent.id,
        "state": str(sent.state),
        "amount": format_amount(sent.amount),
        "until": format_instant(sent.last_at + DEAD_TIME),
    }


def _rise(rise: Rise, name: str) -> Json:
    return {
        "account": {"id": rise.account_id, "name": name},
        "instrument": str(rise.instrument),
        "amount": format_amount(rise.amount),
        "begins": format_instant(rise.begins),
        "ends": format_instant(rise.ends),
    }
