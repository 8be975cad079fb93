"""Lints that a fleet shows: who is covered by no rule, who is meant by none, who gets nothing.

The fleet is the real one, or a recorded one; the engine is asked about it. It may not read one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from budgetd.core.burn import Burn
from budgetd.core.decisions.deciding import decide
from budgetd.core.decisions.decision import Held
from budgetd.core.decisions.explaining import misses
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.intent import Instrument, Unit
from budgetd.core.lints.examples import Example, policies_of, runways
from budgetd.core.lints.scene import Scene
from budgetd.core.lints.world import LONG_SINCE, RICH, unlimited
from budgetd.core.money import ZERO, show_amount, total
from budgetd.core.observation import Observation, Ok, Readings, Status
from budgetd.core.plans.outcome import settled_move
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame, make_plan
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.core.policies.validation import PlacedRule
from budgetd.core.reason import Hold

MOST_TOLD = 3
DAYS = 5


def judge_cover(written: Sequence[Written[Policy]], scene: Scene) -> Iterator[Problem]:
    """The normal accounts of which no rule says anything, in one warning."""
    policies = PolicySet(tuple(one.model for one in written), "")
    decided = decide(policies, _observation(scene, policies, None), unlimited(scene.limits))
    known = {item.account.id for item in decided.made}
    known |= {item.account.id for item in decided.observed}
    alone = [
        account
        for account in scene.fleet
        if account.status is Status.NORMAL and account.id not in known
    ]
    if not alone or not written:
        return
    count = f"{len(alone)} account{'s' if len(alone) != 1 else ''}"
    message = f"no rule is about {count} of {len(scene.fleet)}"
    problem = written[0].problem(("policy",), message, is_warning=True)
    named = [f"{account.label} at 0.00: no rule says anything" for account in alone[:MOST_TOLD]]
    more = [f"and {len(alone) - MOST_TOLD} more"] if len(alone) > MOST_TOLD else []
    yield as_lint("uncovered", problem).with_example(*named, *more)


def judge_history(
    rules: Sequence[PlacedRule], scene: Scene, burns: Mapping[Unit, Burn]
) -> Iterator[Problem]:
    """The rules that ask what an account spends, where that is not known of all their accounts."""
    for rule in rules:
        if not runways(rule.rule) or rule.rule.instrument is not Instrument.CASH:
            continue
        policies = policies_of([rule.name], [rule.rule])
        observation = replace(_observation(scene, policies, RICH), burns=burns)
        made = decide(policies, observation, unlimited(scene.limits), rule.name).made
        without = [
            one.account.label
            for one in made
            if isinstance(one, Held) and one.reason is Hold.NO_BURN
        ]
        if without:
            message = f"what {len(without)} of its accounts spend is not known yet: it holds there"
            problem = rule.at((rule.rule.action_name,), message, is_warning=True)
            told = [f"{label} is held: {Hold.NO_BURN}" for label in without[:MOST_TOLD]]
            more = [f"and {len(without) - MOST_TOLD} more"] if len(without) > MOST_TOLD else []
            yield as_lint("no-history", problem, rule.name).with_example(*told, *more)


def fleet_example(problem: Problem, scene: Scene, master_cash: Decimal | None) -> Example | None:
    """The example of a lint that only the fleet shows."""
    match problem.lint:
        case "matches-nobody":
            return _nobody(scene, problem.about[0])
        case "above-master" if master_cash is not None:
            return _above_master(scene, master_cash)
        case _:
            return problem.example


def _nobody(scene: Scene, name: str) -> Example | None:
    """Those who come nearest to being meant, and what they lack."""
    selector = scene.rules[name].accounts
    lacking = sorted(
        ((misses(selector, account), account.label) for account in scene.fleet),
        key=lambda one: (len(one[0]), one[1]),
    )
    told = (f"{label}: {'; '.join(lacks)}" for lacks, label in lacking[:MOST_TOLD] if lacks)
    alone = "every account that it means is not normal" if lacking else "the fleet has no account"
    return tuple(told) or (alone,)


def _above_master(scene: Scene, master_cash: Decimal) -> Example | None:
    """All accounts at nothing, for some days, until the master has no more to give."""
    policies = PolicySet(_by_policy(scene), "")
    observation = _observation(scene, policies, master_cash)
    limits = replace(unlimited(scene.limits), reserve=scene.limits.reserve)
    given: list[Decimal] = []
    for _ in range(DAYS):
        plan = _plan(policies, observation, limits)
        given += [one.amount for one in plan.moves]
        short = {one.account.label for one in plan.held if one.reason is Hold.MASTER_SHORT}
        short |= {
            one.account.label
            for one in plan.transfers
            if any(step.step == "exists" for step in one.steps)
        }
        if short:
            first = f"all {len(scene.fleet)} accounts at 0.00, the master at"
            return (
                f"{first} {show_amount(master_cash)}: {show_amount(total(given))} go out",
                f"{len(short)} get less than they should, or nothing: {sorted(short)[0]}, ...",
            )
        observation = _after(observation, plan)
    return None


def _plan(policies: PolicySet, observation: Observation, limits: Limits) -> Plan:
    decisions = decide(policies, observation, limits)
    frame = Frame(enterprise="lint", mode="enforce", policies=policies)
    return make_plan(frame, decisions, observation, limits)


def _by_policy(scene: Scene) -> tuple[Policy, ...]:
    lifts = {name: rule for name, rule in scene.rules.items() if rule.direction is not None}
    return policies_of(list(lifts), list(lifts.values())).policies


def _observation(scene: Scene, policies: PolicySet, master_cash: Decimal | None) -> Observation:
    cash = Ok(ZERO, scene.now)
    return Observation(
        taken_at=scene.now,
        currency="CNY",
        accounts=tuple(sorted(scene.fleet, key=lambda account: account.id)),
        readings={account.id: Readings(cash=cash) for account in scene.fleet},
        master=Readings(cash=Ok(master_cash or ZERO, scene.now)),
        first_loaded={name: scene.now - LONG_SINCE for name, _ in policies.rules()},
        is_preview=True,
    )


def _after(observation: Observation, plan: Plan) -> Observation:
    """A day later: what moved has arrived and nothing was spent."""
    at, readings = observation.taken_at + timedelta(days=1), dict(observation.readings)
    left = observation.master.cash
    assert isinstance(left, Ok)
    master = left.value
    values = {account_id: _cash(found) for account_id, found in readings.items()}
    moves = list(observation.moves)
    for one in plan.moves:
        values[one.account.id] += one.amount
        master -= one.amount
        moves.append(settled_move(one, plan.taken_at))
    return replace(
        observation,
        taken_at=at,
        readings={name: Readings(cash=Ok(value, at)) for name, value in values.items()},
        master=Readings(cash=Ok(master, at)),
        moves=tuple(moves),
    )


def _cash(readings: Readings) -> Decimal:
    assert isinstance(readings.cash, Ok)
    return readings.cash.value
