"""Judges policies against a fleet that was read: what only real accounts can show.

It may not read the fleet: it is handed in.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.decisions.fleet import Fleet
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Account, Status
from budgetd.core.policies.policy import Lift, Mode, Policy, RunwayTarget
from budgetd.core.policies.selector import Match, admits
from budgetd.core.policies.validation import Path, PlacedRule, placed_rules


def judge_fleet(
    policies: Sequence[Written[Policy]],
    zone: ZoneInfo,
    accounts: Sequence[Account],
    *,
    master_id: str | None = None,
    master_cash: Decimal | None = None,
) -> list[Problem]:
    """Every problem the fleet shows, in order of place.

    An error: the master's own id in a selector. Warnings: selectors that match nobody, ids that
    are not in the fleet or are closed, targets that together exceed `master_cash`.
    """
    fleet, problems = Fleet(tuple(accounts)), list[Problem]()
    known = {account.id: account for account in accounts}
    chosen = [(rule, _selected(rule, fleet)) for rule in placed_rules(policies, zone)]
    for rule, selected in chosen:
        problems += _judge_ids(rule, known, master_id)
        if not selected and rule.rule.accounts != "master":
            problem = rule.at(("accounts",), "it matches no account", is_warning=True)
            problems.append(as_lint("matches-nobody", problem, rule.name))
    if master_cash is not None:
        problems += _judge_targets(chosen, master_cash)
    return sorted(problems)


def _selected(rule: PlacedRule, fleet: Fleet) -> list[Account]:
    """The accounts a rule is about: only normal ones, but where it names their status."""
    selector = rule.rule.accounts
    return [account for account in fleet.select(selector) if admits(selector, account)]


def _judge_ids(
    rule: PlacedRule, by_id: Mapping[str, Account], master_id: str | None
) -> Iterator[Problem]:
    selector = rule.rule.accounts
    named = list(_ids(selector, ("accounts",))) if isinstance(selector, Match) else []
    for path, account_id in named:
        if account_id == master_id:
            yield rule.at(path, "the master itself is no account a rule may be about")
        elif account_id not in by_id:
            problem = rule.at(path, f"no account has the id '{account_id}'", is_warning=True)
            yield as_lint("unknown-id", problem, rule.name)
        elif by_id[account_id].status is Status.CLOSED and not admits(selector, by_id[account_id]):
            label = by_id[account_id].label
            problem = rule.at(path, f"the account {label} is closed", is_warning=True)
            yield as_lint("closed-id", problem, rule.name)


def _ids(match: Match, path: Path) -> Iterator[tuple[Path, str]]:
    """The account ids a selector names, what it leaves out included, with their places."""
    for index, account_id in enumerate(match.id or ()):
        yield (*path, "id", index), account_id
    for index, part in enumerate(match.any or ()):
        yield from _ids(part, (*path, "any", index))
    if match.not_ is not None:
        yield from _ids(match.not_, (*path, "not"))


def _judge_targets(
    rules: Sequence[tuple[PlacedRule, list[Account]]], master_cash: Decimal
) -> Iterator[Problem]:
    highest: dict[str, Decimal] = {}
    largest: tuple[Decimal, PlacedRule] | None = None
    for rule, chosen in rules:
        target = _target(rule)
        if target is None:
            continue
        for account in chosen:
            highest[account.id] = max(highest.get(account.id, ZERO), target)
        weight = target * len(chosen)
        if largest is None or weight > largest[0]:
            largest = weight, rule
    together = sum(highest.values(), ZERO)
    if largest is not None and together > master_cash:
        problem = largest[1].in_action(
            ("to",),
            f"the targets of all rules together are {show_amount(together)}, above the"
            f" {show_amount(master_cash)} the master has",
            is_warning=True,
        )
        yield as_lint("above-master", problem, largest[1].name)


def _target(rule: PlacedRule) -> Decimal | None:
    """What a cash top-up lifts one account to; None for every other rule."""
    action = rule.rule.action
    is_cash = rule.rule.instrument is Instrument.CASH
    is_lift = rule.rule.direction is Direction.ALLOCATE and rule.rule.mode is not Mode.OBSERVE
    if not (is_cash and is_lift and isinstance(action, Lift)):
        return None
    return action.to.at_most if isinstance(action.to, RunwayTarget) else action.to
