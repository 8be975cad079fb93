"""Suggestions for machines: `budgetd.suggest/1`.

It may not judge.
"""

from collections.abc import Sequence

from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Account, Observation
from budgetd.core.suggesting.suggestion import Advice, Basis, ByRunway, Number, ShortCap
from budgetd.report.ahead import seconds
from budgetd.report.suggest_words import number_words, outcome_words, runway_yaml

Json = dict[str, object]


def suggest_json(
    advice: Sequence[Advice], observation: Observation, days: int, *, enterprise: str, digest: str
) -> Json:
    """Amounts are text with two decimals, lengths whole seconds, times RFC 3339 in UTC; `review`
    marks a cut of more than half, `digest` names the policies that were looked at."""
    return {
        "format": "budgetd.suggest/1",
        "enterprise": enterprise,
        "taken_at": format_instant(observation.taken_at),
        "currency": observation.currency,
        "policy_digest": digest,
        "days": days,
        "suggested": sum(len(one.numbers) for one in advice),
        "rules": [_advice(one) for one in advice],
    }


def _advice(one: Advice) -> Json:
    return {
        "rule": one.rule,
        "path": one.path,
        "outcome": str(one.outcome),
        "why": outcome_words(one),
        "basis": None if one.basis is None else _basis(one.basis),
        "waits": [{"cause": str(w.cause), "length_s": seconds(w.length)} for w in one.waits],
        "numbers": [_number(number) for number in one.numbers],
        "short_caps": [_cap(cap) for cap in one.short_caps],
        "by_runway": None if one.by_runway is None else _by_runway(one.by_runway),
    }


def _basis(basis: Basis) -> Json:
    return {
        "accounts": basis.selected,
        "known": basis.known,
        "days_observed": {"least": str(basis.least_days), "most": str(basis.most_days)},
        "transfers": basis.transfers,
    }


def _number(number: Number) -> Json:
    return {
        "role": str(number.role),
        "where": number.place.where,
        "line": number.place.line,
        "column": number.place.column,
        "old": format_amount(number.old),
        "new": format_amount(number.new),
        "review": number.is_cut,
        "why": number_words(number),
        "account": _account(number.account),
        "length_s": seconds(number.length),
        "edge": "upper" if number.is_edge else "middle",
        "spends": format_amount(number.spends),
        "middle": format_amount(number.middle),
        "base": format_amount(number.base),
        "bound": number.bound or None,
    }


def _cap(cap: ShortCap) -> Json:
    return {
        "cap": cap.name,
        "bound": format_amount(cap.bound),
        "spends": format_amount(cap.spends),
        "length_s": seconds(cap.length),
        "account": None if cap.account is None else _account(cap.account),
    }


def _by_runway(found: ByRunway) -> Json:
    return {
        "yaml": list(runway_yaml(found)),
        "widest": _account(found.widest),
        "most": format_amount(found.most),
        "usual": format_amount(found.usual),
    }


def _account(account: Account) -> Json:
    return {"id": account.id, "name": account.name}
