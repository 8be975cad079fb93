"""The lint of rules whose time is over, or never comes: no slot of theirs lies where they live.

What is written gives the cause to ask, and the engine answers. It may not judge documents.
"""

from collections.abc import Iterator
from datetime import datetime

from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.lints.scene import Scene
from budgetd.core.moment import format_minute
from budgetd.core.policies.schedule import next_slot
from budgetd.core.policies.validation import Path, PlacedRule


def judge_lifetime(rule: PlacedRule, scene: Scene) -> Iterator[Problem]:
    """A rule that never acts again, or never at all; with what the engine says at those times."""
    valid, schedule, zone = rule.rule.valid, rule.rule.schedule, rule.zone
    ends = valid.until.after(zone) if valid.until is not None else None
    begins = valid.from_.first(zone) if valid.from_ is not None else None
    is_ahead = begins is not None and begins > scene.now
    since = begins if begins is not None and is_ahead else scene.now
    never = "never acts" if is_ahead else "never acts again"
    told = [(since, "it begins, and no slot is served" if is_ahead else "it is not asked")]
    place: Path = ("valid", "until")
    if ends is not None and ends <= scene.now:
        message = f"its time is over: it {never}"
    elif schedule is None or (ends is None and schedule.dates is None):
        return
    else:
        following = next_slot(schedule, zone, since)
        if following is not None and ends is not None and following.at >= ends:
            message = f"it ends before its {'first' if is_ahead else 'next'} slot: it {never}"
            told.append((following.at, "its slot comes, and it lives no more"))
        elif following is None and schedule.dates is not None:
            place = ("valid", "from") if is_ahead else ("schedule", "dates")
            message = f"its last date is {'before it begins' if is_ahead else 'over'}: it {never}"
            last = max(schedule.dates)
            told.append((since, f"the last of its dates, {last}, has gone by"))
        else:
            return
    if any(_is_asked(rule, scene, at) for at, _ in told):
        return
    problem = as_lint("over", rule.at(place, message, is_warning=True), rule.name)
    lines = (f"{format_minute(at, scene.limits.zone)} {said}" for at, said in told)
    yield problem.with_example(*lines)


def _is_asked(rule: PlacedRule, scene: Scene, at: datetime) -> bool:
    """Whether the engine asks the rule at an instant."""
    from budgetd.core.decisions.due import live_rules, when_due
    from budgetd.core.lints.examples import policies_of
    from budgetd.core.observation import Observation, Readings

    observation = Observation(
        taken_at=at,
        currency="CNY",
        accounts=(),
        readings={},
        master=Readings(),
        is_preview=True,
    )
    live = live_rules(policies_of([rule.name], [rule.rule]), observation, scene.limits, None)
    return any(when_due(named, observation, scene.limits, None).is_due for named in live)
