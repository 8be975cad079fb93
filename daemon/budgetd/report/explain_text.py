"""Why budgetd does, or does not do, something to one account: rule by rule, step by step.

It tells what `core/plans/explaining.py` found. It may not decide.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from budgetd.core.burn import FOREVER, Runway
from budgetd.core.decisions.decision import Held, NamedRule, Raised
from budgetd.core.decisions.funding import Funding
from budgetd.core.moment import format_duration
from budgetd.core.money import format_amount, show_amount
from budgetd.core.observation import Observation, Ok, Readings, Stale, Unknown
from budgetd.core.plans.explaining import (
    Distance,
    Explained,
    Explanation,
    alerts_of,
    holds_of,
)
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import Alert, Mode
from budgetd.core.reason import Hold
from budgetd.report.ahead import Ahead, ahead_of, kept_words, lasts_words, spends_words
from budgetd.report.harmless import harmless
from budgetd.report.rows import moment
from budgetd.report.screen import Screen, folded
from budgetd.report.words import ASK_WORDS, HOLD_SENTENCES, RAISED_WORDS, WHY_WORDS, limit_words

_NAMES = {"cash": "reclaimable cash", "credit": "credit", "coupons": "coupons"}
_MODES = {Mode.OBSERVE: ", only observes", Mode.PROPOSE: ", only proposes", Mode.ENFORCE: ""}


def explain_text(
    told: Explanation,
    observation: Observation,
    looked_at: datetime,
    screen: Screen,
    funding: Funding | None = None,
) -> str:
    """Every rule: the ones that select the account with its reading, the distance to the trigger,
    which rail held it and until when, each step of an amount; then the others, and why not.
    `looked_at` is when the readings were taken, whatever moment is asked about; `funding` knows
    how long the rules keep the account."""
    account = told.account
    lines = [f"{account.label} ({account.id}), {account.status.replace('_', ' ')}"]
    lines += _readings(observation.readings_of(account.id), looked_at)
    lines += _burn(ahead_of(observation, account.id, screen.zone, funding))
    selected = [one for one in told.rules if not one.misses]
    others = [one for one in told.rules if one.misses]
    if not selected:
        lines += ["", "No rule selects this account."]
    for one in selected:
        lines += ["", _head(one, told.plan, screen)]
        lines += [f"  {line}" for line in _Telling(told.plan, screen).rule(one)]
    if others:
        lines += ["", "Not selected by:"]
        lines += [f"  {one.named.name}: {'; '.join(one.misses)}" for one in others]
    shown = (part for line in lines for part in folded(harmless(line), screen.room))
    return "\n".join(shown) + "\n"


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


def _burn(ahead: Ahead | None) -> Iterator[str]:
    """What the account spends of its cash and how long that lasts, if nothing is moved and with
    the rules; nothing where unknown."""
    if ahead is None:
        return
    lasts = f", lasts {lasts_words(ahead)}" if ahead.lasts is not None else ""
    yield f"  spends {spends_words(ahead)} in the next 24 hours{lasts}"
    if ahead.kept is not None:
        yield f"  with the rules {kept_words(ahead.kept)}"


def _age(at: datetime, now: datetime) -> str:
    return f"{max((now - at).total_seconds(), 0):.0f} s"


def _head(one: Explained, plan: Plan, screen: Screen) -> str:
    rule = one.named.rule
    asked = _asked(one, plan, screen)
    return (
        f"{one.named.name}  {one.named.action_name}, priority {rule.priority}, {asked}"
        + (_MODES[rule.mode])
    )


def _asked(one: Explained, plan: Plan, screen: Screen) -> str:
    """When the rule is asked."""
    schedule = one.named.rule.schedule
    if schedule is None:
        return "asked with every fresh reading"
    if schedule.every is not None:
        return f"asked every {format_duration(schedule.every)}"
    if one.next_at is None:
        return "no slot is left"
    return f"next slot {moment(one.next_at, plan.taken_at, screen.zone)}"


class _Telling:
    """The lines of one plan's rules."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.plan = plan
        self.screen = screen

    def rule(self, one: Explained) -> Iterator[str]:
        """All of one rule that selects the account."""
        if not one.is_live:
            yield self._out_of_force(one)
            return
        yield from self._said(one)
        for distance in one.distances:
            yield _distance(one.named, distance)
            if distance.crossing is not None:
                yield f"  {self._crossing(distance.crossing)}"
        if one.then is not None:
            yield from self._ahead(one, one.then)

    def _out_of_force(self, one: Explained) -> str:
        rule = one.named.rule
        zone = rule.timezone or self.screen.zone
        begins = rule.valid.from_.first(zone) if rule.valid.from_ else None
        if begins is not None and begins > self.plan.taken_at:
            return f"not in force before {self._moment(begins)}"
        assert rule.valid.until is not None
        return f"not in force any more since {self._moment(rule.valid.until.after(zone))}"

    def _ahead(self, one: Explained, then: Plan) -> Iterator[str]:
        """What the same readings would bring when the holds are over."""
        lines = list(_Telling(then, self.screen).moving(one.named.name))
        lines = lines or [
            f"{held.reason}: {HOLD_SENTENCES[held.reason]}"
            for held in holds_of(then, one.named.name)
        ]
        yield f"at {self._moment(then.taken_at)}, if the reading stays: " + (
            lines[0] if lines else "the rule is not in force"
        )
        yield from lines[1:]

    def _said(self, one: Explained) -> Iterator[str]:
        yield from self.moving(one.named.name)
        for held in holds_of(self.plan, one.named.name):
            yield from self._held(one, held)

    def moving(self, rule: str) -> Iterator[str]:
        """What a rule moves, asks for, is withheld, would move or raises."""
        for transfer in self.plan.transfers:
            if transfer.rule == rule:
                yield from _transfer(transfer, "waits for approval" if transfer.ask else "moves")
        for transfer in self.plan.observed:
            if transfer.rule == rule:
                yield from _transfer(transfer, "only observed: would move")
        for withheld in self.plan.withheld:
            if withheld.transfer.rule == rule:
                words = limit_words(withheld.limit)
                yield from _transfer(withheld.transfer, f"withheld: {words}; ")
        for raised in alerts_of(self.plan, rule):
            yield _alert(raised)

    def _held(self, one: Explained, held: Held) -> Iterator[str]:
        ends = held.until or (one.holds_until if held.reason is Hold.CAP else None)
        until = f" (until {self._moment(ends)})" if ends else ""
        yield f"{held.reason}: {HOLD_SENTENCES[held.reason]}{until}"
        if held.detail:
            yield f"  {held.detail}"

    def _crossing(self, takes: Runway) -> str:
        """When the reading gets to its trigger by what the account spends, early and late."""
        if takes.middle == FOREVER:
            return "at its burn it does not get there"
        now = self.plan.taken_at
        late = "never" if takes.high == FOREVER else self._moment(now + takes.high)
        middle, early = self._moment(now + takes.middle), self._moment(now + takes.low)
        return f"at its burn it gets there about {middle} ({early} to {late})"

    def _moment(self, at: datetime) -> str:
        return moment(at, self.plan.taken_at, self.screen.zone)


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


def _distance(named: NamedRule, distance: Distance) -> str:
    """How far the reading is from the amount that would trigger the rule, or how far beyond."""
    verb = "alert" if isinstance(named.action, Alert) else "act"
    bound, reading = show_amount(distance.bound), show_amount(distance.reading)
    side = "below" if distance.is_below else "above"
    edge = f"{side} {bound}"
    if distance.length is not None:
        edge = f"{side} a runway of {format_duration(distance.length)}, at its burn {bound}"
    if distance.is_met:
        return f"it {verb}s {edge}; {reading} is {show_amount(-distance.gap)} beyond that"
    return f"it would {verb} {edge}; {reading} is {show_amount(distance.gap)} away from that"
