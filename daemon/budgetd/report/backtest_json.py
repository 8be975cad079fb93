"""Replays side by side, for machines: `budgetd.backtest/1`.

It may not measure.
"""

from budgetd.core.backtest.result import Asked, Backtest, Day, Lack, Result
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount

Json = dict[str, object]
_SECOND = 1_000_000


def backtest_json(found: Backtest) -> Json:
    """Amounts are text with two decimals, times RFC 3339 in UTC, lengths whole seconds, of all
    accounts together. `asked` is null of what really happened, the first of `results`: nobody
    keeps it. Days are local."""
    return {
        "format": "budgetd.backtest/1",
        "enterprise": found.enterprise,
        "currency": found.currency,
        "from": format_instant(found.since),
        "to": format_instant(found.until),
        "accounts": found.accounts,
        "readings": found.readings,
        "cycles": found.cycles,
        "censored": _lack(found.censored),
        "strangers": found.strangers,
        "coupons_lapsed": {
            "coupons": found.lapsed.coupons,
            "amount": format_amount(found.lapsed.amount),
        },
        "master_recorded_since": (
            None if found.master_since is None else format_instant(found.master_since)
        ),
        "left_out": {name: list(rules) for name, rules in found.left_out.items()},
        "results": [_result(one) for one in found.results],
    }


def _result(one: Result) -> Json:
    return {
        "name": one.name,
        "policy_digest": one.digest,
        "transfers": one.transfers,
        "moved": [
            {
                "instrument": str(way.instrument),
                "direction": str(way.direction),
                "transfers": way.transfers,
                "amount": format_amount(way.amount),
            }
            for way in one.ways
        ],
        "below_trigger": _lack(one.below),
        "at_zero": _lack(one.dry),
        "mean_held": format_amount(one.held),
        "mean_idle": format_amount(one.idle),
        "peak_draw": format_amount(one.peak),
        "peak_at": None if one.peak_at is None else format_instant(one.peak_at),
        "by_rule": {
            rule: {"transfers": times, "amount": format_amount(amount)}
            for rule, (times, amount) in one.by_rule.items()
        },
        "days": [_day(day) for day in one.days],
        "asked": None if one.asked is None else _asked(one.asked),
    }


def _asked(one: Asked) -> Json:
    return {
        "cap_hits": one.cap_hits,
        "proposals": {str(why): times for why, times in sorted(one.proposals.items())},
        "holds": {str(reason): times for reason, times in sorted(one.holds.items())},
        "cycles": one.cycles,
    }


def _day(day: Day) -> Json:
    return {
        "day": day.day.isoformat(),
        "transfers": day.transfers,
        "allocate": format_amount(day.allocated),
        "reclaim": format_amount(day.reclaimed),
        "draw": format_amount(day.draw),
    }


def _lack(lack: Lack) -> Json:
    return {"seconds": lack.micros // _SECOND, "accounts": lack.accounts}
