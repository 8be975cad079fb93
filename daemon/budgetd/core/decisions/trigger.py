"""Whether a trigger holds: the parts of a `when`, judged on what was read.

The answer is true, false, or the hold that keeps it from being known; an unknown part never
makes a trigger true. It may not know rails or amounts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache

from budgetd.core.documents.fields import Lasting
from budgetd.core.money import ZERO
from budgetd.core.observation import Coupon, CreditLedger, Sample
from budgetd.core.policies.policy import (
    AlertWhen,
    Condition,
    CouponWhen,
    ReclaimWhen,
    Rule,
    RunwayKeep,
    RunwayTarget,
    TopUpWhen,
)
from budgetd.core.reason import Hold, Why

When = TopUpWhen | ReclaimWhen | CouponWhen | AlertWhen
Verdict = bool | Hold
Ahead = Callable[[timedelta], Decimal | None]


def _no_burn(_length: timedelta) -> Decimal | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one trigger is judged on: the value, its past, and the thing that may expire.

    Alerts are judged without a value too (None: not read); then `unread` says for how long, and
    `cap_used` is the largest used share of a cap, None where there is none. `ahead` says what is
    spent in a length of time at the most, `idle` for how long nothing was, `lapses` what of each
    coupon is left when it expires; None is unknown.
    """

    value: Decimal | None
    read_at: datetime
    now: datetime
    samples: Callable[[], Sequence[Sample]] = tuple
    coupon: Coupon | None = None
    ledgers: tuple[CreditLedger, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    unread: timedelta | None = None
    cap_used: Decimal | None = None
    ahead: Ahead = _no_burn
    idle: timedelta | None = None
    lapses: tuple[Decimal | None, ...] = ()


def holds(when: When, facts: Facts) -> Verdict:
    """Whether the trigger holds, or the hold that leaves it unknown."""
    now_true = _part(when, facts)
    if now_true is not True or when.for_ is None:
        return now_true
    return _has_lasted(when, when.for_, facts)


def _part(when: When, facts: Facts) -> Verdict:
    answers = [_test(name, value, facts) for name, value in written(when)]
    if when.any is not None:
        parts: tuple[When, ...] = when.any
        answers.append(_one_of([holds(part, facts) for part in parts]))
    if False in answers:
        return False
    return next((answer for answer in answers if answer is not True), True)


def _one_of(answers: list[Verdict]) -> Verdict:
    if True in answers:
        return True
    return next((answer for answer in answers if answer is not False), False)


def written(when: When) -> Iterator[tuple[str, object]]:
    """The parts that are written, by name."""
    for name in _parts_of(type(when)):
        value = getattr(when, name)
        if value is not None:
            yield name, value


@cache
def _parts_of(kind: type[Condition]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name not in ("for_", "any"))


def _has_lasted(when: When, lasting: Lasting, facts: Facts) -> bool:
    bare = when.model_copy(update={"for_": None})
    count, since = 1, facts.read_at
    for sample in reversed(facts.samples()):
        past = Facts(value=sample.value, read_at=sample.read_at, now=facts.now, ahead=facts.ahead)
        if sample.read_at >= facts.read_at:
            continue
        if _part(bare, past) is not True:
            break
        count, since = count + 1, sample.read_at
    if lasting.readings:
        return count >= lasting.readings
    return facts.read_at - since >= lasting.length


def _test(name: str, bound: object, facts: Facts) -> Verdict:
    if facts.value is None and name not in _WITHOUT_READING:
        return Hold.UNREAD
    return _TESTS[name](bound, facts)


def _value(facts: Facts) -> Decimal:
    assert facts.value is not None
    return facts.value


def _below(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, Decimal)
    return _value(facts) < bound


def _above(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, Decimal)
    return _value(facts) > bound


def _balance_at_least(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, Decimal)
    return (facts.coupon.balance if facts.coupon else _value(facts)) >= bound


def _expires_within(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, timedelta)
    if facts.coupon:
        return expires_by(facts.coupon.expires_at, facts.now + bound)
    moments = [ledger.expires_at for ledger in facts.ledgers]
    moments += [coupon.expires_at for coupon in facts.coupons]
    return any(expires_by(moment, facts.now + bound) for moment in moments)


def expires_by(expires_at: datetime | None, limit: datetime) -> bool:
    """Whether something that expires at all does so by that instant."""
    return expires_at is not None and expires_at <= limit


def _plan_name(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, tuple)
    return facts.coupon is not None and names(bound, facts.coupon)


def names(patterns: tuple[str, ...], coupon: Coupon) -> bool:
    """Whether one of the globs matches the coupon's plan name."""
    return any(fnmatchcase(coupon.plan_name, pattern) for pattern in patterns)


def _runway_below(bound: object, facts: Facts) -> Verdict:
    """At the upper edge of the burn, like every trigger: what is left is gone before that."""
    assert isinstance(bound, timedelta)
    spent = facts.ahead(bound)
    if spent is None:
        return Hold.NO_BURN
    return _value(facts) <= ZERO or spent > _value(facts)


def _runway_above(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, timedelta)
    spent = facts.ahead(bound)
    return Hold.NO_BURN if spent is None else spent < _value(facts)


def _will_lapse(bound: object, facts: Facts) -> Verdict:
    """Of several coupons one is enough; one whose use is not known may be it."""
    assert isinstance(bound, Decimal)
    if any(left is not None and left >= bound for left in facts.lapses):
        return True
    return Hold.NO_BURN if None in facts.lapses else False


def _idle_for(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, timedelta)
    return Hold.NO_BURN if facts.idle is None else facts.idle >= bound


def _unread_for(bound: object, facts: Facts) -> Verdict:
    """Since when nothing was read may itself be unknown: of an account that is new to us."""
    assert isinstance(bound, timedelta)
    return Hold.UNREAD if facts.unread is None else facts.unread >= bound


def _cap_used(bound: object, facts: Facts) -> Verdict:
    assert isinstance(bound, Decimal)
    return facts.cap_used is not None and facts.cap_used >= bound


_TESTS: dict[str, Callable[[object, Facts], Verdict]] = {
    "below": _below,
    "above": _above,
    "balance_at_least": _balance_at_least,
    "expires_within": _expires_within,
    "plan_name": _plan_name,
    "runway_below": _runway_below,
    "runway_above": _runway_above,
    "will_lapse": _will_lapse,
    "idle_for": _idle_for,
    "unread_for": _unread_for,
    "cap_used": _cap_used,
}

_WITHOUT_READING = frozenset({"unread_for", "cap_used"})

_WHY = {
    "below": Why.BELOW_TRIGGER,
    "above": Why.ABOVE_TRIGGER,
    "expires_within": Why.EXPIRING,
    "runway_below": Why.RUNWAY,
    "runway_above": Why.RUNWAY,
    "will_lapse": Why.EXPIRING,
    "idle_for": Why.IDLE,
}


def why(when: When | None, facts: Facts) -> Why:
    """The reason a transfer is given for: the first part of its trigger that holds."""
    if when is None:
        return Why.SCHEDULED
    for name, bound in written(when):
        if name in _WHY and _test(name, bound, facts) is True:
            return _WHY[name]
    for part in when.any or ():
        if holds(part, facts) is True:
            return why(part, facts)
    return Why.SCHEDULED


_WHY_RAISED = {"unread_for": Hold.UNREAD, "cap_used": Hold.CAP}


def why_raised(when: AlertWhen, facts: Facts) -> Why | Hold:
    """The reason an alert is given for: as of a transfer, or that nothing was read for long, or
    that a cap is nearly used."""
    for name, bound in written(when):
        if name in _WHY_RAISED and _test(name, bound, facts) is True:
            return _WHY_RAISED[name]
    for part in when.any or ():
        if holds(part, facts) is True:
            return why_raised(part, facts)
    return why(when, facts)


def mentions(when: When, name: str) -> bool:
    """Whether a trigger has a part of that name anywhere."""
    if name not in _parts_of(type(when)):
        return False
    parts: tuple[When, ...] = when.any or ()
    return getattr(when, name) is not None or any(mentions(part, name) for part in parts)


_ASKS_BURN = ("runway_below", "runway_above", "will_lapse", "idle_for")


def asks_burn(rule: Rule) -> bool:
    """Whether a rule can do nothing, or not all, without a known burn."""
    action = rule.action
    when: When | None = action.when
    is_asked = when is not None and any(mentions(when, name) for name in _ASKS_BURN)
    amounts = (getattr(action, "to", None), getattr(action, "keep", None))
    in_days = any(isinstance(amount, RunwayTarget | RunwayKeep) for amount in amounts)
    return is_asked or in_days or rule.guard is not None


def lift_bound(when: Condition | None, ahead: Ahead) -> Decimal | None:
    """What clears a lift's trigger: of parts that must all hold the least, of `any` the highest;
    `runway_below` at what it comes to. None where nothing that is known clears it."""
    spans = getattr(when, "runway_below", None)
    found = [getattr(when, "below", None), None if spans is None else ahead(spans)]
    parts = [lift_bound(part, ahead) for part in getattr(when, "any", None) or ()]
    found.append(max((bound for bound in parts if bound is not None), default=None))
    return min((bound for bound in found if bound is not None), default=None)


def bound_of(when: Condition | None, name: str) -> Decimal | None:
    """The highest amount written for `below`, or the lowest for `above`, anywhere in a trigger."""
    found = list(_bounds(when, name))
    if not found:
        return None
    return max(found) if name == "below" else min(found)


def _bounds(when: Condition | None, name: str) -> Iterator[Decimal]:
    if when is None:
        return
    own = getattr(when, name, None)
    if isinstance(own, Decimal):
        yield own
    parts: tuple[Condition, ...] = getattr(when, "any", None) or ()
    for part in parts:
        yield from _bounds(part, name)
