"""Which rules the cases have fired, which rails have held or bent an amount, and which never.

A rail is reached once some case shows it at work. It may not run cases, nor judge them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budgetd.core.cases.running import Result
from budgetd.core.cases.staging import Ground
from budgetd.core.decisions.decision import Held, NamedRule
from budgetd.core.decisions.due import is_valid
from budgetd.core.decisions.explaining import misses
from budgetd.core.plans.plan import Transfer
from budgetd.core.policies.policy import DEFAULT_PRIORITY, Caps, Mode, Rule, RunwayTarget
from budgetd.core.reason import Ask, Hold

_BY_HOLD = {
    "cooldown": Hold.COOLDOWN,
    "min": Hold.BELOW_MIN,
    "not_during": Hold.WINDOW,
    "notice": Hold.NOTICE,
    "schedule": Hold.NOT_DUE,
    "guard": Hold.IDLE,
    "when": Hold.NOT_TRIGGERED,
}
_BY_STEP = {"max": "max", "multiple_of": "multiple_of", "at_most": "at_most"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCoverage:
    """One rule: how often it acted, what held it and how often, and its rails, each reached or
    not."""

    rule: str
    fired: int
    held: tuple[tuple[Hold, int], ...]
    rails: tuple[tuple[str, bool], ...]

    @property
    def is_exercised(self) -> bool:
        """Whether any case made it act, or held it for more than that its time had not come."""
        return bool(self.fired) or any(hold is not Hold.NOT_DUE for hold, _ in self.held)


def coverage(ground: Ground, results: Sequence[Result]) -> tuple[RuleCoverage, ...]:
    """Every rule of the policies, in order of name."""
    return tuple(
        _of_rule(NamedRule(name=name, rule=rule), results)
        for name, rule in sorted(ground.by_name.items())
    )


def merged(rows: Sequence[RuleCoverage]) -> tuple[RuleCoverage, ...]:
    """The same rules out of several files, each once."""
    by_rule: dict[str, RuleCoverage] = {}
    for row in rows:
        before = by_rule.get(row.rule)
        if before is not None:
            held = Counter(dict(before.held))
            held.update(dict(row.held))
            reached = dict(before.rails)
            rails = tuple((name, was or reached.get(name, False)) for name, was in row.rails)
            row = RuleCoverage(
                rule=row.rule,
                fired=before.fired + row.fired,
                held=tuple(sorted(held.items())),
                rails=rails,
            )
        by_rule[row.rule] = row
    return tuple(by_rule[name] for name in sorted(by_rule))


def _of_rule(named: NamedRule, results: Sequence[Result]) -> RuleCoverage:
    held: Counter[Hold] = Counter()
    fired, reached = 0, set[str]()
    for result in results:
        holds = [item for item in result.plan.held if item.rule == named.name]
        held.update(item.reason for item in holds)
        moved = [item for item in _transfers(result) if item.rule == named.name]
        fired += len(moved) + sum(one.rule == named.name for one in result.plan.alerts)
        reached |= set(_reached(named, result, holds, moved))
    rails = tuple((rail, rail in reached) for rail in rails_of(named.rule))
    return RuleCoverage(rule=named.name, fired=fired, held=tuple(sorted(held.items())), rails=rails)


def rails_of(rule: Rule) -> tuple[str, ...]:
    """What can hold a rule or bend its amounts, as far as it is written."""
    action = rule.action
    names = ["accounts"] if rule.accounts not in ("all", "master") else []
    names += ["when"] if getattr(action, "when", None) is not None else []
    written = action.model_fields_set
    names += [key for key in ("min", "max", "multiple_of") if key in written]
    to = getattr(action, "to", None)
    names += ["at_most"] if isinstance(to, RunwayTarget) and to.at_most is not None else []
    names += ["schedule"] if rule.schedule is not None and rule.schedule.is_calendar else []
    names += ["cooldown"] if rule.cooldown is not None and rule.direction is not None else []
    names += [name for name in Caps.model_fields if getattr(rule.caps, name) is not None]
    names += ["priority"] if rule.priority != DEFAULT_PRIORITY else []
    names += ["valid"] if rule.valid.model_fields_set else []
    names += ["not_during"] if rule.not_during else []
    names += ["notice"] if rule.notice is not None else []
    names += ["guard"] if rule.guard is not None else []
    names += [f"mode {rule.mode}"] if rule.mode is not Mode.ENFORCE else []
    return tuple(names)


def _transfers(result: Result) -> tuple[Transfer, ...]:
    withheld = tuple(item.transfer for item in result.plan.withheld)
    return (*result.plan.transfers, *withheld, *result.plan.observed)


def _reached(
    named: NamedRule, result: Result, holds: Sequence[Held], moved: Sequence[Transfer]
) -> Iterator[str]:
    reasons = {item.reason for item in holds}
    yield from (rail for rail, hold in _BY_HOLD.items() if hold in reasons)
    steps = {step.step for item in moved for step in item.steps}
    yield from (rail for rail, step in _BY_STEP.items() if step in steps)
    yield from _caps(holds, moved)
    accounts = result.stage.observation.accounts
    if any(misses(named.rule.accounts, account) for account in accounts):
        yield "accounts"
    others = (item.detail for item in result.plan.held if item.reason is Hold.OUTRANKED)
    if Hold.OUTRANKED in reasons or f"by {named.name}" in others:
        yield "priority"
    zone = named.rule.timezone or result.stage.limits.zone
    if not is_valid(named.rule, zone, result.stage.at):
        yield "valid"
    if any(item.ask is Ask.BURN_SPIKE for item in moved):
        yield "guard"
    if any(item.ask is Ask.MODE for item in moved):
        yield f"mode {Mode.PROPOSE}"
    if any(item.rule == named.name for item in result.plan.observed):
        yield f"mode {Mode.OBSERVE}"


def _caps(holds: Sequence[Held], moved: Sequence[Transfer]) -> Iterator[str]:
    """The caps that clipped a transfer, or held an account with nothing left."""
    for item in moved:
        yield from (step.note.partition(" ")[0] for step in item.steps if step.step == "cap")
    for held in holds:
        if held.reason is Hold.CAP:
            yield from (word for word in held.detail.split() if word in Caps.model_fields)
