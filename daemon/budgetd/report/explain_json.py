"""Why every rule does, or does not do, something to one account, as data: `budgetd.explain/1`.

Amounts are text with two decimals, times RFC 3339 in UTC. It may not decide.
"""

import json
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import FOREVER, Runway
from budgetd.core.decisions.funding import Funding, lasts_of
from budgetd.core.moment import format_duration, format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Account, Observation, Ok, Readings, Stale, Unknown
from budgetd.core.plans.explaining import Distance, Explained, Explanation
from budgetd.core.plans.plan import Plan
from budgetd.core.reason import Hold
from budgetd.report.ahead import Ahead, ahead_of, edges_s, until
from budgetd.report.plan_json import plan_document

Json = dict[str, object]
FORMAT = "budgetd.explain/1"
_LISTS = ("transfers", "withheld", "observed", "alerts", "held")
"""What a plan says of a rule, each item as in `budgetd.plan/1`."""
_EDGES = ("low", "middle", "high")


def explain_json(
    told: Explanation,
    observation: Observation,
    looked_at: datetime,
    zone: ZoneInfo,
    funding: Funding | None = None,
) -> str:
    """The document as text. It is ASCII, so that no name can act on a terminal."""
    plan = plan_document(told.plan)
    document: Json = {
        "format": FORMAT,
        "enterprise": told.plan.enterprise,
        "mode": told.plan.mode,
        "taken_at": format_instant(told.plan.taken_at),
        "policy_digest": told.plan.policy_digest,
        "preview": told.plan.is_preview,
        "account": _account(told.account),
        "readings": _readings(observation.readings_of(told.account.id), looked_at),
        "burn": _burn(ahead_of(observation, told.account.id, zone, funding)),
        "rules": [_rule(one, plan, told.plan.taken_at) for one in told.rules],
        **{name: plan.get(name, []) for name in _LISTS},
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _account(account: Account) -> Json:
    unit = account.organization
    return {
        "id": account.id,
        "name": account.name,
        "display_name": account.display_name,
        "org": None if unit is None else "/" + "/".join(unit.path),
        "status": account.status.value,
    }


def _burn(ahead: Ahead | None) -> Json | None:
    """What the account spends of its cash in the next 24 hours, and for how long it lasts: each
    with its band, the lower edge of a runway at the upper one of the burn; null is unknown, and
    of a runway for ever. `kept_s` is with the rules in force, null where none feeds it."""
    if ahead is None:
        return None
    band, lasts, kept = ahead.spends, ahead.lasts, ahead.kept
    return {
        "daily": {name: format_amount(getattr(band, name)) for name in _EDGES},
        "lasts_s": None if lasts is None else edges_s(lasts_of(lasts)),
        "kept_s": None if kept is None else edges_s(kept.lasts),
        "kept_until": None if kept is None else until(kept),
    }


def _readings(readings: Readings, now: datetime) -> Json:
    """Each reading with its age in seconds; null where nobody asks for it."""
    return {name: _reading(getattr(readings, name), now) for name in ("cash", "credit", "coupons")}


def _reading(reading: object, now: datetime) -> Json | None:
    match reading:
        case Ok() | Stale():
            value = reading.value
            count = len(value) if isinstance(value, tuple) else None
            said: Json = {
                "state": "ok" if isinstance(reading, Ok) else "stale",
                "amount": _amount(value) if isinstance(value, Decimal) else None,
                "listed": count,
            }
        case Unknown():
            said = {"state": "unknown", "reason": reading.reason}
        case _:
            return None
    age = max(int((now - reading.read_at).total_seconds()), 0)
    return {**said, "read_at": format_instant(reading.read_at), "age_s": age}


def _rule(one: Explained, plan: Json, now: datetime) -> Json:
    name = one.named.name
    return {
        "rule": name,
        "action": one.named.action_name,
        "instrument": one.named.instrument.value,
        "priority": one.named.rule.priority,
        "mode": one.named.rule.mode.value,
        "selected": not one.misses,
        "not_selected": list(one.misses),
        "in_force": one.is_live,
        "due": one.due.is_due and one.is_live,
        "next_due": _instant(one.next_at),
        "triggers": [_distance(distance, now) for distance in one.distances],
        **_of_rule(plan, name, one.holds_until),
        "then": None if one.then is None else _then(one.then, name),
    }


def _then(plan: Plan, rule: str) -> Json:
    """What the same readings would bring at the end of the holds."""
    return {"at": format_instant(plan.taken_at), **_of_rule(plan_document(plan), rule, None)}


def _of_rule(plan: Json, rule: str, cap_ends: datetime | None) -> Json:
    found: Json = {}
    for name in _LISTS:
        items = plan.get(name, [])
        assert isinstance(items, list)
        found[name] = [_until(item, cap_ends) for item in items if item["rule"] == rule]
    return found


def _until(item: Json, cap_ends: datetime | None) -> Json:
    """A hold for a cap ends with the span of that cap."""
    return {**item, "until": _instant(cap_ends)} if item.get("reason") == Hold.CAP else item


def _distance(distance: Distance, now: datetime) -> Json:
    """`bound` is the amount; of a runway, what its length is at the upper edge of the burn."""
    takes, length = distance.crossing, distance.length
    return {
        "key": distance.key,
        "length": None if length is None else format_duration(length),
        "bound": format_amount(distance.bound),
        "reading": format_amount(distance.reading),
        "distance": format_amount(distance.gap),
        "holds": distance.is_met,
        "crossing": None if takes is None else _crossing(takes, now),
    }


def _crossing(takes: Runway, now: datetime) -> Json:
    """When the reading gets to the bound at its burn; null is never."""
    lengths = {"early": takes.low, "middle": takes.middle, "late": takes.high}
    return {
        name: None if length == FOREVER else format_instant(now + length)
        for name, length in lengths.items()
    }


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else format_amount(value)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)
