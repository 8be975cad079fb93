"""Lints that the engine itself finds, rule by rule: what never comes to its target, what is over.

It may not judge documents: a rule that is refused is not asked.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from budgetd.core.decisions.due import live_rules, when_due
from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.lints.examples import Plans, Scene, play, policies_of
from budgetd.core.lints.world import World
from budgetd.core.money import CENT, show_amount
from budgetd.core.observation import Observation, Readings
from budgetd.core.plans.plan import Transfer
from budgetd.core.policies.policy import Caps, Lift
from budgetd.core.policies.validation import PlacedRule, amounts_of


def judge_single(rules: Sequence[PlacedRule], scene: Scene) -> Iterator[Problem]:
    """Every lint that one rule shows by itself, each with its example."""
    for rule in rules:
        yield from _short_of_target(rule, scene)
        yield from _over(rule, scene)


def _short_of_target(rule: PlacedRule, scene: Scene) -> Iterator[Problem]:
    """A target that is not reached from just below the trigger: from anywhere lower still less.

    Once the reading is beyond the trigger nothing goes on to the target, so what `max` or a cap
    leaves out then never comes.
    """
    action = rule.rule.action
    if not isinstance(action, Lift) or not isinstance(action.to, Decimal):
        return
    triggers = [amount for _, amount in amounts_of(action.when, "below")]
    if not triggers or action.to - max(triggers) <= min(_bounds(rule), default=action.to):
        return
    target = action.to

    def shows(world: World, plans: Plans) -> bool:
        moved = [one.transfer for one in world.movements]
        return bool(moved) and moved[-1].after < target and _is_still(world, plans)

    found = play(scene, [rule.name], shows, [max(triggers) - CENT])
    if found is None:
        return
    world, _, first = found
    last = world.movements[-1].transfer
    end = f"{show_amount(last.after)} is beyond the trigger, so nothing more comes"
    message = (
        f"the target {show_amount(target)} is never reached: {_bound_of(last)} ends it at"
        f" {show_amount(last.after)} at most"
    )
    problem = rule.in_action(("to",), message, is_warning=True)
    yield as_lint("short-of-target", problem, rule.name).with_example(first, *world.told(), end)


def _bounds(rule: PlacedRule) -> list[Decimal]:
    caps = [getattr(rule.rule.caps, name) for name in Caps.model_fields]
    bounds = [getattr(rule.rule.action, "max", None), *caps]
    return [bound for bound in bounds if bound is not None]


def _is_still(world: World, plans: Plans) -> bool:
    """Whether three cycles have gone by since the last movement."""
    later = [plan for plan in plans if plan.taken_at > world.movements[-1].at]
    return len(later) >= 3


def _bound_of(transfer: Transfer) -> str:
    clips = [step for step in transfer.steps if step.step in ("max", "cap")]
    return clips[-1].note if clips else "the grain of its amounts"


def _over(rule: PlacedRule, scene: Scene) -> Iterator[Problem]:
    """A rule whose time is over: the engine asks it no more, today or ever."""
    ends = rule.rule.valid.until
    if ends is not None and ends.after(rule.zone) <= scene.now:
        message = "its time is over: it never acts again"
        place: tuple[str | int, ...] = ("valid", "until")
    elif rule.rule.schedule is not None and rule.rule.schedule.dates is not None:
        message, place = "its last date is over: it never acts again", ("schedule", "dates")
    else:
        return
    is_asked, following = _asked(rule, scene)
    if is_asked or following is not None:
        return
    local = scene.now.astimezone(scene.limits.zone)
    problem = as_lint("over", rule.at(place, message, is_warning=True), rule.name)
    yield problem.with_example(
        f"{local:%Y-%m-%d %H:%M} it is not asked, and no later time is known"
    )


def _asked(rule: PlacedRule, scene: Scene) -> tuple[bool, datetime | None]:
    """Whether the engine asks the rule now, and when it does next."""
    observation = Observation(
        taken_at=scene.now,
        currency="CNY",
        accounts=(),
        readings={},
        master=Readings(),
        is_preview=True,
    )
    policies = policies_of([rule.name], [rule.rule])
    live = live_rules(policies, observation, scene.limits, None)
    due = [when_due(named, observation, scene.limits, None) for named in live]
    return any(one.is_due for one in due), next((one.next_at for one in due), None)
