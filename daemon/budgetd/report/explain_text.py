"""Why budgetd does, or does not do, something to one account: rule by rule, step by step.

It tells a plan that was made for that account alone. It may not decide.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from budgetd.core.decisions.decision import Held, NamedRule, Raised
from budgetd.core.decisions.trigger import bound_of
from budgetd.core.money import format_amount, show_amount
from budgetd.core.observation import Account, Observation, Ok, Readings, Stale, Unknown
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import Alert
from budgetd.core.reason import Hold
from budgetd.report.harmless import harmless
from budgetd.report.rows import moment
from budgetd.report.screen import Screen
from budgetd.report.words import ASK_WORDS, HOLD_SENTENCES, RAISED_WORDS, WHY_WORDS, limit_words

_NAMES = {"cash": "reclaimable cash", "credit": "credit", "coupons": "coupons"}


def explain_text(
    account: Account, plan: Plan, observation: Observation, rules: list[NamedRule], screen: Screen
) -> str:
    """Every rule that selects the account (`rules`): reading, distance to its trigger, which
    rail held it and until when, each step of an amount."""
    lines = [f"{account.label} ({account.id}), {account.status.replace('_', ' ')}"]
    lines += _readings(observation.readings_of(account.id), plan.taken_at)
    if not rules:
        lines += ["", "No rule selects this account."]
    for named in rules:
        lines += ["", f"{named.name}  {named.rule.action_name}, priority {named.rule.priority}"]
        lines += [f"  {line}" for line in _rule(named, plan, screen)]
    return "\n".join(harmless(line) for line in lines) + "\n"


def _readings(readings: Readings, now: datetime) -> Iterator[str]:
    for name, words in _NAMES.items():
        reading = getattr(readings, name)
        match reading:
            case Ok(value=Decimal() as value):
                yield f"  {words} {show_amount(value)}, read {_age(reading.read_at, now)} ago"
            case Ok(value=tuple() as rows):
                yield f"  {words}: {len(rows)} listed, read {_age(reading.read_at, now)} ago"
            case Stale():
                yield f"  {words}: read {_age(reading.read_at, now)} ago, too old to act on"
            case Unknown(reason=reason):
                yield f"  {words}: unknown: {reason}"


def _age(at: datetime, now: datetime) -> str:
    return f"{max((now - at).total_seconds(), 0):.0f} s"


def _rule(named: NamedRule, plan: Plan, screen: Screen) -> Iterator[str]:
    for transfer in plan.transfers:
        if transfer.rule == named.name:
            yield from _transfer(transfer, "waits for approval" if transfer.ask else "moves")
    for transfer in plan.observed:
        if transfer.rule == named.name:
            yield from _transfer(transfer, "only observed: would move")
    for withheld in plan.withheld:
        if withheld.transfer.rule == named.name:
            yield from _transfer(withheld.transfer, f"withheld: {limit_words(withheld.limit)}; ")
    for raised in plan.alerts:
        if raised.rule == named.name:
            yield _alert(raised)
    for held in plan.held:
        if held.rule == named.name:
            yield from _held(named, held, plan, screen)


def _transfer(transfer: Transfer, verb: str) -> Iterator[str]:
    why = transfer.trigger or WHY_WORDS[transfer.why]
    ask = f" ({ASK_WORDS[transfer.ask]})" if transfer.ask else ""
    yield f"{verb} {show_amount(transfer.amount)}: {why}{ask}"
    for step in transfer.steps:
        yield f"  {step.step:12} {format_amount(step.amount):>14}  {step.note}"
    if transfer.short_by:
        yield f"  {show_amount(transfer.short_by)} short of its target"


def _alert(raised: Raised) -> str:
    return f"alert ({raised.severity}): {RAISED_WORDS[raised.why]}"


def _held(named: NamedRule, held: Held, plan: Plan, screen: Screen) -> Iterator[str]:
    until = f" (until {moment(held.until, plan.taken_at, screen.zone)})" if held.until else ""
    yield f"{held.reason}: {HOLD_SENTENCES[held.reason]}{until}"
    if held.detail:
        yield f"  {held.detail}"
    distance = _distance(named, held)
    if held.reason is Hold.NOT_TRIGGERED and distance:
        yield f"  {distance}"


def _distance(named: NamedRule, held: Held) -> str:
    """How far the reading is from the amount that would trigger the rule."""
    when = getattr(named.rule.action, "when", None)
    if held.reading is None or when is None:
        return ""
    below, above = bound_of(when, "below"), bound_of(when, "above")
    verb = "alert" if isinstance(named.rule.action, Alert) else "act"
    if below is not None:
        gap, bound, side = held.reading - below, below, "below"
    elif above is not None:
        gap, bound, side = above - held.reading, above, "above"
    else:
        return ""
    return (
        f"it would {verb} {side} {show_amount(bound)}; "
        f"{show_amount(held.reading)} is {show_amount(gap)} away from that"
    )
