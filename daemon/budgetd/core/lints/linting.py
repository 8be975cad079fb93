"""Every lint of a set of policies, each with an example that the engine has played.

An example is what the engine did, or the word that it did not show the like. The engine is loaded
where something is to be shown: most sets have nothing. It may not read files, nor a fleet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from budgetd.core.burn import Burn
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.core.intent import Unit
from budgetd.core.lints.allowing import apply_allowances
from budgetd.core.lints.lifetimes import judge_lifetime
from budgetd.core.lints.scene import Scene
from budgetd.core.lints.single import judge_single
from budgetd.core.observation import Account
from budgetd.core.policies.policy import Policy
from budgetd.core.policies.validation import PlacedRule, placed_rules

MOST_PLAYED = 500
UNPLAYED = f"no example was played: there are more than {MOST_PLAYED} problems"
UNSHOWN = "no example was found: what was played did not show it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The accounts that policies are held against, the master's cash where it is known, and what
    is known of their spending; None where nothing was ever kept."""

    accounts: tuple[Account, ...]
    master_cash: Decimal | None
    burns: Mapping[Unit, Burn] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The limits of the config and the instant of the examples; a fleet where there is one."""

    limits: Limits
    now: datetime
    fleet: Fleet | None = None


def lint(
    written: Sequence[Written[Policy]], problems: Sequence[Problem], setting: Setting
) -> list[Problem]:
    """What `judge` found of these policies, with examples; what the engine and the fleet show
    besides; less what people allow. In order of place."""
    fleet = setting.fleet
    rules = placed_rules(written, setting.limits.zone)
    scene = Scene(
        rules={rule.name: rule.rule for rule in rules},
        limits=setting.limits,
        now=setting.now,
        fleet=fleet.accounts if fleet is not None else (),
    )
    found = [*problems, *judge_single(rules, scene)]
    found += [problem for rule in rules for problem in judge_lifetime(rule, scene)]
    if fleet is not None:
        found += _shown_by(fleet, written, rules, scene)
    left = apply_allowances(
        found,
        [one.tree.source for one in written],
        setting.now.astimezone(setting.limits.zone).date(),
        has_fleet=fleet is not None,
    )
    return [
        _shown(problem, scene, fleet) if count < MOST_PLAYED else _unplayed(problem)
        for count, problem in enumerate(left)
    ]


def _shown_by(
    fleet: Fleet, written: Sequence[Written[Policy]], rules: Sequence[PlacedRule], scene: Scene
) -> Iterator[Problem]:
    """What only real accounts show."""
    from budgetd.core.lints.fleet_check import judge_fleet
    from budgetd.core.lints.fleets import judge_cover, judge_history

    zone = scene.limits.zone
    yield from judge_fleet(written, zone, fleet.accounts, master_cash=fleet.master_cash)
    yield from judge_cover(written, scene)
    if fleet.burns is not None:
        yield from judge_history(rules, scene, fleet.burns)


def _unplayed(problem: Problem) -> Problem:
    is_bare = bool(problem.lint) and not problem.example
    return replace(problem, example=(UNPLAYED,)) if is_bare else problem


def _shown(problem: Problem, scene: Scene, fleet: Fleet | None) -> Problem:
    """The problem with its example, or with the word that none was found."""
    if not problem.lint:
        return problem
    from budgetd.core.lints.examples import example_of

    example = example_of(problem, scene)
    if example is not None and fleet is not None and not example:
        from budgetd.core.lints.fleets import fleet_example

        example = fleet_example(problem, scene, fleet.master_cash)
    return replace(problem, example=(UNSHOWN,) if example is None else example)
