"""What the numbers of each rule should be, by what its accounts spend; or why nothing is said.

A trigger outlasts what money may have to wait for, at the upper edge of what the widest account
spends; a target lasts a week more in its middle, or until the next slot. It may not edit a text,
and it may not raise a cap: those are people's guards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from budgetd.core.decisions.fleet import Fleet
from budgetd.core.documents.placing import Written
from budgetd.core.moment import format_duration
from budgetd.core.money import ZERO, round_down, round_up, total
from budgetd.core.observation import Observation
from budgetd.core.policies.policy import Caps, Lift, Policy, Reclaim, TopUp
from budgetd.core.policies.validation import PlacedRule, amounts_of, lengths_of, placed_rules
from budgetd.core.suggesting.needing import (
    ENOUGH,
    Need,
    basis_of,
    grain_of,
    is_uneven,
    needs_of,
    selected_by,
    spenders_of,
    usual_of,
)
from budgetd.core.suggesting.suggestion import (
    Advice,
    ByRunway,
    Cause,
    Number,
    Outcome,
    Placing,
    Role,
    Setting,
    ShortCap,
    Spender,
    Wait,
)
from budgetd.core.suggesting.waiting import asks_a_person, together, waits_of, without_a_person

LASTS = timedelta(days=7)
"""So long a target lasts beyond the trigger: one transfer a week and account is little work."""

CLOSE = Decimal("0.1")
"""A number that is off by no more than this share fits."""

_DAY = timedelta(days=1)
_CAP_SPANS = {
    f"{whose}_per_{span}": days * _DAY
    for whose in ("account", "rule")
    for span, days in (("day", 1), ("week", 7), ("month", 30))
}
Path = tuple[str | int, ...]


def suggest(
    written: Sequence[Written[Policy]],
    observation: Observation,
    setting: Setting,
    only: str | None = None,
) -> tuple[Advice, ...]:
    """What is suggested for each top-up and each reclaim of cash or credit, in order of place;
    `only` is the name of a policy or of a rule."""
    fleet = Fleet(observation.accounts)
    found = []
    for rule in placed_rules(written, setting.limits.zone):
        is_named = only == rule.name
        if only is not None and not is_named and only != rule.written.model.policy:
            continue
        if isinstance(rule.rule.action, TopUp | Reclaim) or is_named:
            found.append(_advice(rule, fleet, observation, setting))
    return tuple(found)


def _advice(rule: PlacedRule, fleet: Fleet, observation: Observation, setting: Setting) -> Advice:
    blank = Advice(rule=rule.name, path=rule.written.path, outcome=Outcome.NO_NUMBER)
    why = _no_number(rule)
    if why:
        return replace(blank, note=why)
    selected = selected_by(rule.rule, fleet, setting.limits)
    spenders = spenders_of(rule.rule, selected, observation)
    basis = basis_of(rule.name, len(selected), spenders, observation, setting)
    blank = replace(blank, basis=basis)
    if not selected:
        return replace(blank, outcome=Outcome.NOBODY)
    if not spenders or len(spenders) < ENOUGH * len(selected):
        return replace(blank, outcome=Outcome.SHORT_HISTORY)
    if all(one.burn.is_idle for one in spenders):
        return replace(blank, outcome=Outcome.IDLE)
    look = _Look(rule=rule, spenders=spenders, setting=setting, blank=blank)
    return look.lift() if isinstance(rule.rule.action, Lift) else look.reclaim()


def _no_number(rule: PlacedRule) -> str:
    """Why a rule has no number that spending could tell; empty where it has."""
    action = rule.rule.action
    if not isinstance(action, TopUp | Reclaim):
        return "only top-ups and reclaims of cash and credit have numbers that spending tells"
    if rule.rule.schedule is not None and rule.rule.schedule.dates is not None:
        return "its dates are single occasions, which tell no rhythm"
    key = "below" if isinstance(action, TopUp) else "above"
    if len(amounts_of(action.when, key)) > 1:
        return f"several `{key}` hold together: none of them decides alone"
    fixed = action.to if isinstance(action, TopUp) else action.keep
    if amounts_of(action.when, key) or isinstance(fixed, Decimal):
        return ""
    return "it has no fixed number: its runways follow what is spent by themselves"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The look at one rule, its accounts known."""

    rule: PlacedRule
    spenders: list[Spender]
    setting: Setting
    blank: Advice

    def lift(self) -> Advice:
        """A top-up: looked at again with a person's time where its transfers need one."""
        action = self.rule.rule.action
        assert isinstance(action, TopUp)
        asks = asks_a_person(self.rule.rule, ZERO, self.setting)
        advice, moves = self._lift(action, asks=asks)
        if not asks and asks_a_person(self.rule.rule, moves, self.setting):
            return self._lift(action, asks=True)[0]
        return advice

    def _lift(self, action: TopUp, *, asks: bool) -> tuple[Advice, Decimal]:
        """The advice, and the most that one transfer moves by it."""
        waits = waits_of(self.rule.rule, self.setting, asks=asks)
        blank = replace(self.blank, waits=waits, short_caps=tuple(self._short_caps()))
        length = together(waits)
        needs = needs_of(self.spenders, length, self.setting)
        lasts = max([LASTS, *(w.length for w in waits if w.cause in (Cause.COOLDOWN, Cause.SLOT))])
        if is_uneven(needs):
            return self._uneven(blank, needs, length, lasts), ZERO
        numbers, base = [], None
        for path, old in amounts_of(action.when, "below"):
            steps = [
                (step * 2, f"`{name}`")
                for name in ("max", "add")
                if (step := getattr(action, name))
            ]
            trigger = self._number(Role.TRIGGER, path, needs[-1], _Span(length=length))
            numbers.append(self._bounded(trigger, min(steps, default=None)))
            base = old if self._fits(numbers[-1]) else numbers[-1].new
        if not isinstance(action.to, Decimal):
            return self._told(blank, numbers), action.add or ZERO
        for _, runway in lengths_of(action.when, "runway_below"):
            base = max(base or ZERO, needs_of(self.spenders, runway, self.setting)[-1].edge)
        target = self._target(base, _Span(length=lasts if base is not None else length))
        if target.new < (base or ZERO) + action.min:
            little = f"`min` of the rule, more than is spent in {format_duration(target.length)},"
            note = f"{target.bound or little} leaves no room for a target above its trigger"
            return replace(blank, outcome=Outcome.BOUNDED, note=note), ZERO
        return self._told(blank, [*numbers, target]), target.new - (base or ZERO)

    def _target(self, base: Decimal | None, span: "_Span") -> Number:
        """What lasts so long on top of the trigger, in the middle; without a trigger, where money
        comes once a period, what outlasts it at the edge."""
        action = self.rule.rule.action
        assert isinstance(action, TopUp)
        needs = needs_of(self.spenders, span.length, self.setting)
        if base is None:
            number = self._number(Role.TARGET, ("to",), needs[-1], span)
        else:
            widest = max(needs, key=lambda need: (need.middle, need.account.id))
            span = replace(span, base=base, is_edge=False)
            number = self._number(Role.TARGET, ("to",), widest, span)
        bounds = [(action.max, "`max`")] if action.max else []
        caps = self.rule.rule.caps
        bounds += [(cap, f"`{name}`") for name in Caps.model_fields if (cap := getattr(caps, name))]
        least = min(bounds, default=None)
        return self._bounded(number, least and ((base or ZERO) + least[0], least[1]))

    def _short_caps(self) -> Iterator[ShortCap]:
        """The caps that let through less than is spent: that is told, and nothing is raised."""
        for name, length in _CAP_SPANS.items():
            bound = getattr(self.rule.rule.caps, name)
            needs = needs_of(self.spenders, length, self.setting) if bound is not None else []
            if not needs:
                continue
            if name.startswith("rule_"):
                spends, account = total(need.middle for need in needs), None
            else:
                widest = max(needs, key=lambda need: (need.middle, need.account.id))
                spends, account = widest.middle, widest.account
            if spends > bound:
                yield ShortCap(
                    name=name, bound=bound, spends=spends, length=length, account=account
                )

    def reclaim(self) -> Advice:
        """A reclaim: what stays lasts a week, or as long as nobody may be there to see to it."""
        action = self.rule.rule.action
        assert isinstance(action, Reclaim)
        today = self.setting.now.astimezone(self.setting.limits.zone).date()
        alone = Wait(Cause.PERSON, without_a_person(self.setting.calendar, today))
        waits = (alone,) if alone.length > LASTS else ()
        blank, length = replace(self.blank, waits=waits), max(alone.length, LASTS)
        needs = needs_of(self.spenders, length, self.setting)
        if is_uneven(needs):
            return self._uneven(blank, needs, length, LASTS)
        numbers, base = [], ZERO
        if isinstance(action.keep, Decimal):
            numbers.append(self._number(Role.KEEP, ("keep",), needs[-1], _Span(length=length)))
            base = action.keep if self._fits(numbers[-1]) else numbers[-1].new
        else:
            base = needs_of(self.spenders, action.keep.runway, self.setting)[-1].edge
        middles = needs_of(self.spenders, LASTS, self.setting)
        widest = max(middles, key=lambda need: (need.middle, need.account.id))
        span = _Span(length=LASTS, base=base, is_edge=False)
        for path, _ in amounts_of(action.when, "above"):
            numbers.append(self._number(Role.ABOVE, path, widest, span))
        return self._told(blank, numbers)

    def _number(self, role: Role, path: Path, need: Need, span: "_Span") -> Number:
        """One number: what the account spends in so long on top of its base, rounded up."""
        rule = self.rule
        full = ("rules", rule.index, rule.rule.action_name, *path)
        place = rule.written.tree.find(full)
        spends = need.edge if span.is_edge else need.middle
        value = span.base + spends
        return Number(
            role=role,
            path=full,
            place=Placing(
                where=place.where,
                line=place.mark.line,
                column=place.mark.column,
                width=place.mark.width,
            ),
            old=_at(rule, path),
            new=round_up(value, self._grain(value)),
            account=need.account,
            spends=spends,
            middle=need.middle,
            length=span.length,
            is_edge=span.is_edge,
            base=span.base,
        )

    def _bounded(self, number: Number, bound: tuple[Decimal, str] | None) -> Number:
        """The number, no higher than what the rule's own rails leave."""
        if bound is None or number.new <= bound[0]:
            return number
        new = round_down(bound[0], self._grain(bound[0]))
        return replace(number, new=new, bound=f"{bound[1]} of the rule")

    def _grain(self, value: Decimal) -> Decimal:
        return grain_of(getattr(self.rule.rule.action, "multiple_of", None), value)

    def _fits(self, number: Number) -> bool:
        if number.bound and number.old > number.new:
            return False
        off = abs(number.new - number.old)
        return off <= max(self._grain(number.new), number.old * CLOSE)

    def _told(self, blank: Advice, numbers: list[Number]) -> Advice:
        changed = tuple(number for number in numbers if not self._fits(number))
        outcome = Outcome.SUGGESTED if changed else Outcome.FITS
        return replace(blank, outcome=outcome, numbers=changed)

    def _uneven(
        self, blank: Advice, needs: list[Need], length: timedelta, lasts: timedelta
    ) -> Advice:
        """Runways instead of one number: each account by what it spends itself."""
        widest, trigger = needs[-1], -(-length // _DAY) * _DAY
        target = trigger + -(-lasts // _DAY) * _DAY
        most = max(need.edge for need in needs_of(self.spenders, target, self.setting))
        found = ByRunway(
            trigger=trigger,
            target=target,
            at_most=round_up(most, self._grain(most)),
            widest=widest.account,
            most=widest.edge,
            usual=usual_of(needs).edge,
            is_reclaim=isinstance(self.rule.rule.action, Reclaim),
        )
        return replace(blank, outcome=Outcome.UNEVEN, by_runway=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """For how long a number is to last, on top of what, at which part of the band."""

    length: timedelta
    base: Decimal = ZERO
    is_edge: bool = True


def _at(rule: PlacedRule, path: Path) -> Decimal:
    """The amount that a path of the rule's action leads to."""
    value: object = rule.rule.action
    for part in path:
        value = (
            value[part]
            if isinstance(value, tuple) and isinstance(part, int)
            else getattr(value, str(part))
        )
    assert isinstance(value, Decimal)
    return value
