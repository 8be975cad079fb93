"""Judges what spans several rules: names taken twice, rules that meet, rules that undo each other.

Where two rules surely share accounts it is an error, where they possibly do a warning. It may
not judge one rule by itself: `validation` does.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.intent import Direction, Instrument
from budgetd.core.moment import format_duration
from budgetd.core.money import ZERO, show_amount
from budgetd.core.observation import Status
from budgetd.core.policies.policy import (
    GrantCoupons,
    Lift,
    Mode,
    Policy,
    Reclaim,
    ReclaimCoupons,
    RunwayKeep,
    RunwayTarget,
)
from budgetd.core.policies.selector import Match
from budgetd.core.policies.sharing import (
    Sharing,
    as_meant,
    covers,
    meet_in_time,
    roots,
    share_meant,
    share_texts,
)
from budgetd.core.policies.validation import (
    Path,
    PlacedRule,
    amounts_of,
    judge_rule,
    lengths_of,
    placed_rules,
    values_of,
)

_Clash = tuple[Path, str, bool]
"""Where in its action a reclaim meets a lift, what the lift does there, and whether that is sure
once they share an account."""


def judge(policies: Sequence[Written[Policy]], zone: ZoneInfo) -> list[Problem]:
    """Every problem of a set of policies, errors and warnings, in order of place.

    `zone` is the configured time zone. Rules in `mode: observe` meet nobody.
    """
    rules = placed_rules(policies, zone)
    problems = [*_names(policies), *(problem for rule in rules for problem in judge_rule(rule))]
    acting = defaultdict[Instrument, list[PlacedRule]](list)
    for rule in rules:
        if rule.rule.mode is not Mode.OBSERVE and rule.rule.direction is not None:
            acting[rule.rule.instrument].append(rule)
    for rivals in acting.values():
        problems += _judge_rivals(rivals)
    return sorted(set(problems))


def _judge_rivals(rules: Sequence[PlacedRule]) -> Iterator[Problem]:
    """What rules of one instrument do to each other."""
    meant = [_acted_on(rule) for rule in rules]
    for left, right in _pairs(meant):
        first, second = rules[left], rules[right]
        if _apart(first, second):
            continue
        sharing = share_meant(meant[left], meant[right])
        if sharing is not Sharing.NEVER:
            yield from _judge_pair(first, second, sharing)


def _acted_on(rule: PlacedRule) -> Match:
    """The accounts that a rule may move money of: whatever statuses it names, a top-up gives to
    normal ones alone."""
    meant = as_meant(rule.rule.accounts)
    is_lift = rule.rule.direction is Direction.ALLOCATE
    if is_lift and (meant.status is None or Status.NORMAL in meant.status):
        return meant.model_copy(update={"status": (Status.NORMAL,)})
    return meant


def _pairs(selectors: Sequence[Match]) -> Iterator[tuple[int, int]]:
    """Every pair that may share accounts, and few others: those in different units never do."""
    by_root: dict[str, list[int]] = defaultdict(list)
    anywhere: list[int] = []
    for index, selector in enumerate(selectors):
        names = roots(selector)
        if names is None:
            yield from ((other, index) for other in range(index))
            anywhere.append(index)
            continue
        near = {*anywhere, *(other for name in names for other in by_root[name])}
        yield from ((other, index) for other in sorted(near))
        for name in names:
            by_root[name].append(index)


def _names(policies: Sequence[Written[Policy]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for written in policies:
        mark = written.tree.find(("policy",)).mark
        place = f"{written.path}:{mark.line}"
        name = written.model.policy
        if name in seen:
            message = f"the policy '{name}' stands in two files"
            yield written.problem(("policy",), message, hint=f"first at {seen[name]}")
        seen.setdefault(name, place)
        yield from _rule_names(written)


def _rule_names(written: Written[Policy]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, rule in enumerate(written.model.rules):
        path = ("rules", index, "name")
        if rule.name in seen:
            message = f"the rule '{rule.name}' is written twice"
            yield written.problem(path, message, hint=f"first at line {seen[rule.name]}")
        seen.setdefault(rule.name, written.tree.find(path).mark.line)


def _apart(first: PlacedRule, second: PlacedRule) -> bool:
    """Whether the times the two rules are valid have no common instant."""
    one, other = first.rule.valid, second.rule.valid
    if one.until is None and other.until is None:
        return False
    for left, right in ((first, second), (second, first)):
        end, start = left.rule.valid.until, right.rule.valid.from_
        if end and start and end.after(left.zone) <= start.first(right.zone):
            return True
    return False


def _judge_pair(first: PlacedRule, second: PlacedRule, sharing: Sharing) -> Iterator[Problem]:
    if first.rule.direction is second.rule.direction:
        yield from _judge_priority(first, second, sharing)
        yield from _judge_shadow(first, second)
        return
    lift, home = (first, second) if first.rule.direction is Direction.ALLOCATE else (second, first)
    if home.rule.instrument is Instrument.COUPON:
        for problem in _judge_grant(lift, home, sharing):
            yield as_lint("taken-back", problem, lift.name, home.name)
    else:
        up, down = lift.rule.action, home.rule.action
        assert isinstance(up, Lift)
        assert isinstance(down, Reclaim)
        found = [("ping-pong", clash) for clash in _above_trigger(up, down)]
        if lift.rule.schedule is None or not lift.rule.schedule.is_calendar:
            found += [("refill", clash) for clash in _below_trigger(up, down)]
        for name, (path, says, is_sure) in found:
            problem = home.in_action(
                path,
                f"{lift.name} {_verb(sharing)} {says}",
                hint=f"the other is at {lift.place}",
                is_warning=not is_sure or sharing is Sharing.POSSIBLY,
            )
            yield as_lint(name, problem, lift.name, home.name)


def _judge_priority(first: PlacedRule, second: PlacedRule, sharing: Sharing) -> Iterator[Problem]:
    if first.rule.priority != second.rule.priority:
        return
    if not meet_in_time(first.rule.schedule, first.zone, second.rule.schedule, second.zone):
        return
    is_written = "priority" in second.rule.model_fields_set
    problem = second.at(
        ("priority",) if is_written else ("name",),
        f"it {_verb(sharing)} meets {first.name} at priority {second.rule.priority}",
        hint=f"give one of them another priority; the other is at {first.place}",
        is_warning=sharing is Sharing.POSSIBLY,
    )
    yield as_lint("overlap", problem, first.name, second.name)


def _judge_shadow(first: PlacedRule, second: PlacedRule) -> Iterator[Problem]:
    """A rule that another always goes before: of all its accounts, at all times, whenever its own
    trigger holds. A hold is not a pass, so it never acts."""
    for over, under in ((first, second), (second, first)):
        is_always = over.rule.schedule is None and not over.rule.valid.model_fields_set
        if not is_always or over.rule.priority >= under.rule.priority:
            continue
        if covers(over.rule.accounts, under.rule.accounts) and _holds_whenever(over, under):
            message = f"{over.name} always goes before it: it never acts"
            hint = f"the other is at {over.place}"
            problem = under.at(("name",), message, hint=hint, is_warning=True)
            yield as_lint("shadowed", problem, over.name, under.name)


def _holds_whenever(over: PlacedRule, under: PlacedRule) -> bool:
    """Whether one bare amount of cash is a trigger that holds wherever the other's does."""
    if over.rule.instrument is not Instrument.CASH:
        return False
    wide, narrow = (getattr(one.rule.action, "when", None) for one in (over, under))
    if wide is None or narrow is None or narrow.any is not None:
        return False
    for key, sign in (("below", 1), ("above", -1)):
        bound, inner = getattr(wide, key, None), getattr(narrow, key, None)
        if wide.model_fields_set == {key} and bound is not None and inner is not None:
            return bool(bound * sign >= inner * sign)
    return False


def _verb(sharing: Sharing) -> str:
    return "surely" if sharing is Sharing.SURELY else "possibly"


def _highest(lift: Lift) -> Decimal | None:
    """The most an account has after the rule; None where nothing bounds it."""
    if isinstance(lift.to, RunwayTarget):
        return lift.to.at_most
    if isinstance(lift.to, Decimal):
        return lift.to + (lift.multiple_of or ZERO)
    triggers = [amount for _, amount in amounts_of(lift.when, "below")]
    return max(triggers) + lift.add if triggers and lift.add is not None else None


def _above_trigger(up: Lift, down: Reclaim) -> Iterator[_Clash]:
    """Where the lift ends at or above what the reclaim takes home again."""
    highest = _highest(up)
    for path, trigger in amounts_of(down.when, "above"):
        if highest is not None and trigger <= highest:
            says = f"lifts the same accounts to {show_amount(highest)}: expected more than that"
            yield path, says, True
    for path, length in lengths_of(down.when, "runway_above"):
        if isinstance(up.to, RunwayTarget) and length <= up.to.runway:
            target = format_duration(up.to.runway)
            yield path, f"lifts the same accounts to {target}: expected more than that", True


def _below_trigger(up: Lift, down: Reclaim) -> Iterator[_Clash]:
    """Where the reclaim leaves less than what the lift tops up again."""
    keep = down.keep
    is_runway = isinstance(keep, RunwayKeep)
    amount = (keep.at_least or ZERO) if isinstance(keep, RunwayKeep) else keep
    says = "tops the same accounts up below {}: expected no less than that"
    for _, trigger in amounts_of(up.when, "below"):
        if amount < trigger:
            yield ("keep",), says.format(show_amount(trigger)), not is_runway
    for _, length in lengths_of(up.when, "runway_below"):
        if isinstance(keep, RunwayKeep) and keep.runway < length:
            yield ("keep", "runway"), says.format(format_duration(length)), True


def _judge_grant(lift: PlacedRule, home: PlacedRule, sharing: Sharing) -> Iterator[Problem]:
    """A grant whose coupons the reclaim would take back at once."""
    up, down = lift.rule.action, home.rule.action
    assert isinstance(up, GrantCoupons)
    assert isinstance(down, ReclaimCoupons)
    lengths = [length for _, length in lengths_of(down.when, "expires_within")]
    lives = up.coupons.lives_at_least
    is_every_part_bound = len(lengths) >= _alternatives(down.when)
    if lives is not None and lengths and is_every_part_bound and lives >= max(lengths):
        return
    names = [value for _, value in values_of(down.when, "plan_name")]
    wanted = tuple(text for value in names if isinstance(value, tuple) for text in value) or None
    plans = share_texts(up.coupons.plan_name, wanted)
    if plans is Sharing.NEVER:
        return
    has_other_part = bool(
        values_of(down.when, "balance_at_least") or values_of(down.when, "will_lapse")
    )
    is_sure = sharing is Sharing.SURELY and plans is Sharing.SURELY and not has_other_part
    hint = f"the other is at {home.place}"
    if lengths:
        hint = f"coupons: {{lives_at_least: {format_duration(max(lengths))}}} or more; {hint}"
    yield lift.at(
        (lift.rule.action_name,),
        f"{home.name} {'surely' if is_sure else 'possibly'} takes back what this grants",
        hint=hint,
        is_warning=not is_sure,
    )


def _alternatives(when: object) -> int:
    """How many alternatives a `when` has: 1 without `any`."""
    return max(1, len(getattr(when, "any", None) or ()))
