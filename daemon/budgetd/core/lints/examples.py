"""The counter-example of a lint: the engine run on it, and what it did.

An example that does not show what the lint says is none: then the lint is wrong, or the world
too small. It may not judge documents.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise, product

from budgetd.core.documents.problem import Problem
from budgetd.core.intent import Instrument
from budgetd.core.lints.people import somebody
from budgetd.core.lints.scene import Scene
from budgetd.core.lints.world import HOUR, World, introduce, moments
from budgetd.core.moment import format_minute
from budgetd.core.money import CENT, ZERO, parse_amount, round_down, show_amount, total
from budgetd.core.observation import Account, Coupon
from budgetd.core.plans.plan import Plan
from budgetd.core.policies.policy import (
    GrantCoupons,
    Lift,
    Policy,
    PolicySet,
    Reclaim,
    ReclaimCoupons,
    Rule,
    RunwayKeep,
    RunwayTarget,
)
from budgetd.core.policies.validation import amounts_of, lengths_of, values_of
from budgetd.core.reason import Hold

Example = tuple[str, ...]
Plans = list[Plan]
MOST_BEGINNINGS = 8
ENOUGH = 4
BURN = parse_amount("100.00")
"""What an account is known to spend a day where a rule asks for runway."""


def play(
    scene: Scene,
    names: Sequence[str],
    shows: Callable[[World, Plans], bool],
    starts: Sequence[Decimal] | None = None,
) -> tuple[World, Plans, str] | None:
    """The first world, over some readings to begin with, that shows something: its rules alone, on
    an account that all of them mean."""
    rules = [scene.rules[name] for name in names]
    account = somebody([rule.accounts for rule in rules], scene.fleet)
    if account is None:
        return None
    policies = policies_of(names, rules)
    ats = moments(rules, scene.limits, scene.now)
    values = list(starts) if starts is not None else _starts(rules)
    # What one rule does at its slot may hide what both do later: other worlds begin later.
    for begin, start in product(range(min(len(ats), MOST_BEGINNINGS)), values):
        world = _world(scene, policies, rules, account)
        world.value = start
        if world.instrument is Instrument.COUPON:
            world.gifts = tuple(_gifts(rules, world.since))
        first, plans = introduce(account, world.holding()), Plans()
        for at in ats[begin:]:
            plans.append(world.cycle(at))
            if shows(world, plans):
                return world, plans, first
    return None


def _world(scene: Scene, policies: PolicySet, rules: Sequence[Rule], account: Account) -> World:
    instrument = rules[0].instrument
    since = moments(rules, scene.limits, scene.now)[0]
    lengths = [
        length
        for rule in rules
        for _, length in lengths_of(getattr(rule.action, "when", None), "expires_within")
    ]
    expires = since + min(lengths) if lengths and instrument is Instrument.CREDIT else None
    return World(
        policies=policies,
        limits=scene.limits,
        account=account,
        instrument=instrument,
        since=since,
        expires_at=expires,
        burn=BURN if any(runways(rule) for rule in rules) else None,
    )


def runways(rule: Rule) -> list[timedelta]:
    """Every length of runway that a rule speaks of."""
    when, action = getattr(rule.action, "when", None), rule.action
    lengths = [
        length for key in ("runway_below", "runway_above") for _, length in lengths_of(when, key)
    ]
    for target in (getattr(action, "to", None), getattr(action, "keep", None)):
        lengths += [target.runway] if isinstance(target, RunwayTarget | RunwayKeep) else []
    return lengths


def policies_of(names: Sequence[str], rules: Sequence[Rule]) -> PolicySet:
    """These rules alone, under the names they have."""
    by_policy: dict[str, list[Rule]] = {}
    for name, rule in zip(names, rules, strict=True):
        by_policy.setdefault(name.partition("/")[0], []).append(rule)
    made = (
        Policy.model_construct(version=1, policy=policy, rules=tuple(found))
        for policy, found in by_policy.items()
    )
    return PolicySet(tuple(made), "")


def _starts(rules: Sequence[Rule]) -> list[Decimal]:
    """Readings at which something may happen: beside each bound, at each target, and nothing."""
    found = [ZERO]
    for rule in rules:
        when = getattr(rule.action, "when", None)
        found += [amount - CENT for _, amount in amounts_of(when, "below")]
        for _, amount in amounts_of(when, "above"):
            found += [amount + CENT, amount * 2 + CENT, amount + parse_amount("1000.00")]
            found += _rounded_down(rule.action, amount)
        for length in runways(rule):
            amount = (BURN * int(length.total_seconds()) / 86400).quantize(CENT)
            found += [amount - CENT, amount + CENT]
        to = getattr(rule.action, "to", None)
        found += [to] if isinstance(to, Decimal) else []
        found += _rounded_up(rule.action)
    return list(dict.fromkeys(found))


def _rounded_down(action: object, trigger: Decimal) -> Iterator[Decimal]:
    """The reading beyond a trigger from which whole steps take an account down to `keep`."""
    if isinstance(action, Reclaim) and isinstance(action.keep, Decimal) and action.multiple_of:
        whole = round_down(trigger - action.keep, action.multiple_of) + action.multiple_of
        yield action.keep + whole
        yield action.keep + whole + CENT


def _rounded_up(action: object) -> Iterator[Decimal]:
    """The reading below each trigger from which rounding lifts farthest beyond the target."""
    if isinstance(action, Lift) and isinstance(action.to, Decimal) and action.multiple_of:
        for _, trigger in amounts_of(action.when, "below"):
            want = round_down(action.to - trigger, action.multiple_of) + action.multiple_of
            reading = action.to - want - CENT
            if ZERO <= reading < trigger:
                yield reading


def _gifts(rules: Sequence[Rule], since: datetime) -> Iterator[Coupon]:
    """A coupon of the master's that a grant may give, and that a reclaim may want back."""
    for rule in rules:
        if isinstance(rule.action, GrantCoupons):
            globs = [
                glob
                for one in rules
                for _, value in values_of(getattr(one.action, "when", None), "plan_name")
                if isinstance(value, tuple)
                for glob in value
            ]
            names = [*(rule.action.coupons.plan_name or ()), *globs, "example"]
            lives = rule.action.coupons.lives_at_least or timedelta(0)
            yield Coupon(
                coupon_id="gift",
                child_id=None,
                plan_name=names[0].replace("*", "").replace("?", "x") or "example",
                balance=parse_amount("1000000.00"),
                effective_at=None,
                expires_at=since + max(lives + 2 * HOUR, timedelta(days=1)),
            )


def _overlap(problem: Problem, scene: Scene) -> Example | None:
    def shows(_: World, plans: Plans) -> bool:
        held = {one.rule for one in plans[-1].held if one.reason is Hold.OVERLAP}
        return held == set(problem.about)

    found = play(scene, problem.about, shows)
    if found is None:
        return None
    world, plans, first = found
    local = plans[-1].taken_at.astimezone(world.limits.zone)
    reason = f"{local:%Y-%m-%d %H:%M} both rules want it: {Hold.OVERLAP}, and nothing moves"
    return (first, reason)


def _there_and_back(problem: Problem, scene: Scene) -> Example | None:
    """Money that goes one way and then the other, though nobody spent or earned any."""
    is_refill = problem.lint == "refill"

    def shows(world: World, _: Plans) -> bool:
        ways = [one.is_up for one in world.movements if one.transfer.ask is None]
        pairs = list(pairwise(ways))
        return (False, True) in pairs or (not is_refill and (True, False) in pairs)

    found = play(scene, problem.about, shows)
    return None if found is None else (found[2], *found[0].told())


def _taken_back(problem: Problem, scene: Scene) -> Example | None:
    def shows(world: World, _: Plans) -> bool:
        given = {one.transfer.coupon for one in world.movements if one.is_up}
        return bool(given) and any(not one.is_up for one in world.movements)

    found = play(scene, problem.about, shows, [ZERO])
    return None if found is None else (found[2], *found[0].told())


def _shadowed(problem: Problem, scene: Scene) -> Example | None:
    over, under = problem.about
    when = getattr(scene.rules[under].action, "when", None)
    bounds = [amount - CENT for _, amount in amounts_of(when, "below")]
    bounds += [amount + CENT for _, amount in amounts_of(when, "above")]

    def shows(_: World, plans: Plans) -> bool:
        reasons = {one.rule: one.reason for one in plans[-1].held}
        return reasons.get(under) is Hold.OUTRANKED

    found = play(scene, problem.about, shows, bounds)
    if found is None:
        return None
    return (found[2], *found[0].told(1), f"{under} is held: {Hold.OUTRANKED}, by {over}")


def _slow(problem: Problem, scene: Scene) -> Example | None:
    rule = scene.rules[problem.about[0]]
    when = getattr(rule.action, "when", None)
    trigger = max(amount for _, amount in amounts_of(when, "below"))

    def shows(world: World, _: Plans) -> bool:
        moved = [one for one in world.movements if one.transfer.ask is None]
        return len(moved) >= 2 and moved[-1].transfer.after < trigger

    found = play(scene, problem.about, shows, [ZERO])
    if found is None:
        return _many_steps(problem, scene)
    end = f"and is below {show_amount(trigger)} still"
    return (found[2], *found[0].told(), end)


def _many_steps(problem: Problem, scene: Scene) -> Example | None:
    """One transfer of many whole steps, where `max` does not part them."""

    def shows(world: World, _: Plans) -> bool:
        return bool(world.movements) and _count(world) > 2

    def _count(world: World) -> int:
        note = world.movements[-1].transfer.steps[0].note
        return int(note.partition(" x ")[0]) if " x " in note else 0

    found = play(scene, problem.about, shows, [ZERO])
    if found is None:
        return None
    note = found[0].movements[-1].transfer.steps[0].note
    return (found[2], *found[0].told(), f"that is {note} at once")


def _no_cap(problem: Problem, scene: Scene) -> Example | None:
    """An account that spends all it gets, at once: hour by hour for a day at most."""
    name = problem.about[0]
    rule = scene.rules[name]
    account = somebody([rule.accounts], scene.fleet)
    if account is None:
        return None
    world = _world(scene, policies_of([name], [rule]), [rule], account)
    if world.instrument is Instrument.COUPON:
        world.gifts = tuple(_gifts([rule], world.since + timedelta(days=3)))
    first = introduce(account, f"{world.holding()}, which spends all it gets")
    hour = 0
    while hour < 24 and len(world.movements) < ENOUGH:
        at = world.since + hour * HOUR
        hour += 1
        world.cycle(at)
        world.cycle(at + HOUR / 2)
        world.value = ZERO
        world.coupons.clear()
    moved = world.movements
    most = max((one.transfer.amount for one in moved), default=ZERO)
    amount = total(one.transfer.amount for one in moved)
    if len(moved) < 2 or amount <= most:
        return None
    end = f"{show_amount(amount)} in {len(moved)} transfers within {hour} hours, and so on"
    return (first, *world.told(2), end)


def _lapses(problem: Problem, scene: Scene) -> Example | None:
    name = problem.about[0]
    rule = scene.rules[name]
    account = somebody([rule.accounts], scene.fleet)
    assert isinstance(rule.action, ReclaimCoupons)
    lengths = [length for _, length in lengths_of(rule.action.when, "expires_within")]
    if account is None or rule.schedule is None:
        return None
    world = _world(scene, policies_of([name], [rule]), [rule], account)
    return _lapsing(world, rule, scene, max(lengths))


def _lapsing(world: World, rule: Rule, scene: Scene, length: timedelta) -> Example | None:
    """A coupon that ends between two slots: too late for the first, gone at the second."""
    ats = moments([rule], scene.limits, scene.now)
    slots = list(zip(ats[1::4], ats[5::4], strict=False))
    # At 31d it takes a slot that is served late, as one is after a night without the provider.
    for (before, slot_at), late in product(slots, (timedelta(0), 2 * HOUR)):
        expires, after = before + length + HOUR, slot_at + late
        if expires >= after:
            continue
        coupon = Coupon(
            coupon_id="example",
            child_id="example",
            plan_name="example",
            balance=parse_amount("100.00"),
            effective_at=None,
            expires_at=expires,
        )
        world.coupons = {"example": coupon}
        first = introduce(world.account, world.holding())
        plans = [world.cycle(before), world.cycle(after)]
        if not world.movements:
            zone = world.limits.zone
            told = [f"{format_minute(plan.taken_at, zone)} it stays" for plan in plans]
            lapse = f"{format_minute(expires, zone)} the coupon lapses, unused"
            return (first, told[0], lapse, f"{told[1]}: there is nothing left")
    return None


def _not_normal(problem: Problem, scene: Scene) -> Example | None:
    def shows(_: World, plans: Plans) -> bool:
        return any(one.reason is Hold.NOT_NORMAL for one in plans[-1].held)

    found = play(scene, problem.about, shows, [ZERO])
    if found is None:
        return None
    return (found[2], f"held: {Hold.NOT_NORMAL}, for it is {found[0].account.status}")


_EXAMPLES: dict[str, Callable[[Problem, Scene], Example | None]] = {
    "overlap": _overlap,
    "ping-pong": _there_and_back,
    "refill": _there_and_back,
    "taken-back": _taken_back,
    "shadowed": _shadowed,
    "slow": _slow,
    "no-cap": _no_cap,
    "lapses": _lapses,
    "not-normal": _not_normal,
}


def example_of(problem: Problem, scene: Scene) -> Example | None:
    """The example of a lint, in lines; None where the engine does not show what it says."""
    make = _EXAMPLES.get(problem.lint)
    return make(problem, scene) if make is not None else problem.example
