"""Why every rule does, or does not do, something to one account: now, and when its hold ends.

The engine itself is asked, at this instant and at the ones that its holds name, on the same
readings. It may not decide anything otherwise, nor put it into words.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import Runway
from budgetd.core.decisions.caps import CapBook
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.decision import Held, NamedRule, Raised
from budgetd.core.decisions.due import Due, is_valid, when_due
from budgetd.core.decisions.explaining import misses
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Instrument, Unit
from budgetd.core.moment import resolve
from budgetd.core.observation import Account, Observation, Ok
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.schedule import next_slot, tick_of
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a reading is from an amount of a trigger: at exactly the amount nothing triggers.

    `key` is as it is written; of a runway, whose `length` is written, `bound` is what that is at
    the upper edge of the burn. `crossing` is how long it takes at the burn until the reading is
    at the amount; None where spending does not lead there, or the burn is not known.
    """

    key: str
    bound: Decimal
    reading: Decimal
    length: timedelta | None = None
    crossing: Runway | None = None

    @property
    def is_below(self) -> bool:
        """Whether the trigger holds below the amount."""
        return self.key.endswith("below")

    @property
    def gap(self) -> Decimal:
        """So far the reading may go until it is at the amount; negative where it is beyond it."""
        way = self.reading - self.bound
        return way if self.is_below else -way

    @property
    def is_met(self) -> bool:
        """Whether this part of the trigger holds."""
        return self.gap < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One rule on one account.

    `misses` are the keys of its selector that leave the account out; what else is said of such a
    rule is its calendar alone. `next_at` is when it is asked next; None where that is with every
    fresh reading, or never. `holds_until` is when the last of its holds that end by themselves
    does, the next slot included; `then` is the plan of that instant on the same readings.
    """

    named: NamedRule
    misses: tuple[str, ...]
    is_live: bool
    due: Due
    next_at: datetime | None
    distances: tuple[Distance, ...] = ()
    holds_until: datetime | None = None
    then: Plan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Every rule on one account, in the order in which they are asked, and the plan it is of."""

    account: Account
    plan: Plan
    rules: tuple[Explained, ...]


def explain(
    frame: Frame, observation: Observation, limits: Limits, only: str | None = None
) -> Explanation:
    """Why each rule, or `only` one, does or does not do something to the one account that the
    observation holds. The account is judged alone: what others take from the master or from a
    rule's cap before it is not seen."""
    (account,) = observation.accounts
    asked = _Asked(frame, observation, limits, only)
    plan = asked.plan()
    rules = sorted(
        (
            NamedRule(name=name, rule=rule)
            for name, rule in frame.policies.rules()
            if only in (None, name)
        ),
        key=lambda named: (named.rule.priority, named.name),
    )
    return Explanation(
        account=account,
        plan=plan,
        rules=tuple(_explained(asked, plan, named, account) for named in rules),
    )


def holds_of(plan: Plan, rule: str) -> tuple[Held, ...]:
    """The holds of one rule."""
    return tuple(held for held in plan.held if held.rule == rule)


def moves_of(plan: Plan, rule: str) -> tuple[Transfer, ...]:
    """What one rule moves, proposes, is withheld or would move if it did more than observe."""
    withheld = (item.transfer for item in plan.withheld)
    found = (*plan.transfers, *withheld, *plan.observed)
    return tuple(transfer for transfer in found if transfer.rule == rule)


def alerts_of(plan: Plan, rule: str) -> tuple[Raised, ...]:
    """The alerts of one rule."""
    return tuple(raised for raised in plan.alerts if raised.rule == rule)


@dataclass(frozen=True, slots=True)
class _Asked:
    frame: Frame
    observation: Observation
    limits: Limits
    only: str | None

    def plan(self, at: datetime | None = None) -> Plan:
        """The plan of now, or what it would be at another instant on the same readings."""
        seen = self.observation
        if at is not None:
            seen = replace(seen, taken_at=at, began_at=None, is_preview=True)
        made = decide(self.frame.policies, seen, self.limits, self.only)
        return make_plan(self.frame, made, seen, self.limits)


def _explained(asked: _Asked, plan: Plan, named: NamedRule, account: Account) -> Explained:
    now = asked.observation.taken_at
    zone = named.rule.timezone or asked.limits.zone
    due = when_due(named, asked.observation, asked.limits, asked.only)
    missed = misses(named.rule.accounts, account)
    bare = Explained(
        named=named,
        misses=missed,
        is_live=is_valid(named.rule, zone, now),
        due=due,
        next_at=_next_at(named, zone, now),
    )
    if missed or not bare.is_live:
        return bare
    until = _holds_until(asked, plan, named, account)
    then = asked.plan(until) if until is not None and until > now else None
    reading = _reading(asked.observation, named, account, (plan, then))
    distances = _distances(asked, named, account, reading) if reading is not None else ()
    return replace(bare, distances=tuple(distances), holds_until=until, then=then)


def _distances(
    asked: _Asked, named: NamedRule, account: Account, reading: Decimal
) -> Iterator[Distance]:
    now, zone = asked.observation.taken_at, asked.limits.zone
    unit = Unit(account_id=account.id, instrument=named.instrument)
    burn = asked.observation.burns.get(unit)
    for key, written in dict.fromkeys(_bounds(getattr(named.action, "when", None))):
        if isinstance(written, Decimal):
            found = Distance(key=key, bound=written, reading=reading)
        elif burn is not None:
            bound = burn.spends(now, written, zone).high
            found = Distance(key=key, bound=bound, reading=reading, length=written)
        else:
            continue
        if burn is not None and found.is_below and not found.is_met:
            found = replace(found, crossing=burn.runway(found.gap, now, zone))
        yield found


def _next_at(named: NamedRule, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The next slot, or the next tick, whatever the rule was asked for now."""
    schedule = named.rule.schedule
    if schedule is None:
        return None
    if schedule.every is not None:
        return tick_of(schedule.every, now) + schedule.every
    slot = next_slot(schedule, zone, now)
    return slot.at if slot is not None else None


def _holds_until(asked: _Asked, plan: Plan, named: NamedRule, account: Account) -> datetime | None:
    """When the last hold of the rule that ends by itself does so; None where none does."""
    ends = [
        _cap_ends(asked, named, account) if held.reason is Hold.CAP else held.until
        for held in holds_of(plan, named.name)
    ]
    return max((end for end in ends if end is not None), default=None)


def _cap_ends(asked: _Asked, named: NamedRule, account: Account) -> datetime | None:
    """When the span of the cap that leaves least is over; None of one that has no end."""
    used = CapBook(asked.observation, asked.limits.zone).used(named, account.id)
    least = min(((bound - spent, name) for name, bound, spent in used), default=None)
    if least is None:
        return None
    return span_end(least[1].rpartition("_")[2], asked.observation.taken_at, asked.limits.zone)


def span_end(span: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the local `day`, ISO `week` or `month` of an instant ends; None of any other word."""
    today = now.astimezone(zone).date()
    match span:
        case "day":
            following = today + timedelta(days=1)
        case "week":
            following = today + timedelta(days=7 - today.weekday())
        case "month":
            following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return None
    return resolve(following, time(0), zone)


def _reading(
    observation: Observation, named: NamedRule, account: Account, plans: tuple[Plan | None, ...]
) -> Decimal | None:
    """What the rule reads of the account: as the engine told it, else the cash that was read."""
    for plan in plans:
        for item in _told(plan, named.name) if plan is not None else ():
            if item.reading is not None:
                return item.reading
    cash = observation.readings_of(account.id).cash
    is_cash = named.instrument is Instrument.CASH
    return cash.value if is_cash and isinstance(cash, Ok) else None


def _told(plan: Plan, rule: str) -> Iterator[Held | Transfer | Raised]:
    yield from moves_of(plan, rule)
    yield from alerts_of(plan, rule)
    yield from holds_of(plan, rule)


def _bounds(when: object) -> Iterator[tuple[str, Decimal | timedelta]]:
    """The amounts and lengths that a trigger compares the reading with."""
    if when is None:
        return
    for key in ("below", "above", "runway_below", "runway_above"):
        bound = getattr(when, key, None)
        if bound is not None:
            yield key, bound
    for part in getattr(when, "any", None) or ():
        yield from _bounds(part)
