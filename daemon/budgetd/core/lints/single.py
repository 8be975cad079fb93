"""Lints that the engine itself finds, rule by rule: what never comes to its target, means nobody.

The engine is loaded where a rule gives cause to ask it. It may not judge documents: a rule that is
refused is not asked.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.intent import Instrument
from budgetd.core.lints.people import somebody
from budgetd.core.lints.scene import Scene
from budgetd.core.money import CENT, ZERO, show_amount
from budgetd.core.policies.policy import Alert, Caps, Lift
from budgetd.core.policies.selector import Match
from budgetd.core.policies.sharing import Sharing, share_accounts
from budgetd.core.policies.validation import PlacedRule, amounts_of

if TYPE_CHECKING:
    from budgetd.core.lints.examples import Plans
    from budgetd.core.lints.world import World
    from budgetd.core.plans.plan import Transfer


def judge_single(rules: Sequence[PlacedRule], scene: Scene) -> Iterator[Problem]:
    """Every lint that one rule shows by itself, each with its example."""
    for rule in rules:
        yield from _short_of_target(rule, scene)
        yield from _nobody(rule)
        yield from _never_holds(rule, scene)


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
    from budgetd.core.lints.examples import play

    target = action.to

    def shows(world: "World", plans: "Plans") -> bool:
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


def _is_still(world: "World", plans: "Plans") -> bool:
    """Whether three cycles have gone by since the last movement."""
    later = [plan for plan in plans if plan.taken_at > world.movements[-1].at]
    return len(later) >= 3


def _bound_of(transfer: "Transfer") -> str:
    clips = [step for step in transfer.steps if step.step in ("max", "cap")]
    return clips[-1].note if clips else "the grain of its amounts"


def _nobody(rule: PlacedRule) -> Iterator[Problem]:
    """A selector that leaves out, or contradicts, all that it means."""
    selector = rule.rule.accounts
    # Keys that say whom they mean contradict nothing by themselves.
    if not isinstance(selector, Match) or (selector.not_ is None and selector.any is None):
        return
    if share_accounts(selector, selector) is not Sharing.NEVER:
        return
    from budgetd.core.decisions.explaining import misses

    wide = [selector.model_copy(update={key: None}) for key in ("not_", "any")]
    nearest = somebody(wide[:1]) or somebody(wide[1:]) or somebody(["all"])
    assert nearest is not None
    message = "it can match no account: its keys contradict each other"
    problem = rule.at(("accounts",), message, is_warning=True)
    lacks = "; ".join(misses(selector, nearest))
    example = f"say the account {nearest.label}: {lacks}"
    yield as_lint("matches-nobody", problem, rule.name).with_example(example)


def _never_holds(rule: PlacedRule, scene: Scene) -> Iterator[Problem]:
    """An alert that wants a reading below one amount and above another that is no lower."""
    action = rule.rule.action
    if not isinstance(action, Alert) or action.instrument is not Instrument.CASH:
        return
    below, above = action.when.below, action.when.above
    if below is None or above is None or below > above + CENT:
        return
    from budgetd.core.lints.examples import play

    values = list(dict.fromkeys((ZERO, below - CENT, below, above, above + CENT)))
    if rule.rule.accounts == "master" or play(scene, [rule.name], _raises, values) is not None:
        return
    message = f"no reading is below {show_amount(below)} and above {show_amount(above)}"
    problem = rule.in_action(("when",), message, is_warning=True)
    shown = ", ".join(show_amount(value) for value in values)
    yield as_lint("never-holds", problem, rule.name).with_example(f"no alert at {shown}")


def _raises(_: "World", plans: "Plans") -> bool:
    return bool(plans[-1].alerts)
