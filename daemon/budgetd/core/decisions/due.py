"""Whether a rule's time has come: the slots of its calendar, the ticks of its interval.

What was done already is told by the observation, never by whoever woke the cycle. It may not
know readings, nor accounts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.limits import Limits
from budgetd.core.moment import day_of, month_of, week_of
from budgetd.core.observation import Observation
from budgetd.core.policies.policy import PolicySet, Rule
from budgetd.core.policies.schedule import (
    Schedule,
    Slot,
    latest_slot,
    next_slot,
    open_slots,
    tick_of,
)

Key = tuple[str, str, str]
"""What is decided once: rule, account id, period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Whether a rule's time has come, and when it comes next where that is known.

    `slots` are those of a calendar rule that are still served, oldest first, then the one whose
    notice runs; `is_extra` is a rule that a person asked for by name. `accounts` are those whose
    turn alone it is, None is everybody's. `tick` is since and until when a move counts as one of
    the tick that is due. `detail` says why it is not due, where that is no matter of hours.
    """

    is_due: bool
    slots: tuple[Slot, ...] = ()
    next_at: datetime | None = None
    is_extra: bool = False
    accounts: frozenset[str] | None = None
    tick: tuple[datetime, datetime] | None = None
    detail: str = ""

    @property
    def is_for_all(self) -> bool:
        """Whether it is due for everybody that the rule selects."""
        return self.is_due and self.accounts is None

    def is_for(self, account_id: str) -> bool:
        """Whether it is due for an account."""
        return self.is_due and (self.accounts is None or account_id in self.accounts)

    def slot_of(self, rule: str, account_id: str, decided: Collection[Key]) -> Slot | None:
        """The slot whose turn it is for an account: the oldest that it has not decided."""
        return next(
            (slot for slot in self.slots if (rule, account_id, slot.period) not in decided), None
        )


def live_rules(
    policies: PolicySet, observation: Observation, limits: Limits, only: str | None
) -> list[NamedRule]:
    """The rules within their `valid`, in order of priority, then name."""
    now = observation.taken_at
    live = [
        NamedRule(name=name, rule=rule)
        for name, rule in policies.rules()
        if only in (None, name) and is_valid(rule, rule.timezone or limits.zone, now)
    ]
    return sorted(live, key=lambda named: (named.rule.priority, named.name))


def is_valid(rule: Rule, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the rule lives at an instant."""
    begins, ends = rule.valid.from_, rule.valid.until
    return (begins is None or begins.first(zone) <= now) and (
        ends is None or now < ends.after(zone)
    )


def when_due(named: NamedRule, observation: Observation, limits: Limits, only: str | None) -> Due:
    """Whether the rule's time has come: always, a tick that was not served, or a slot that is open
    and was not missed; between two ticks, for the accounts of which a person has agreed."""
    schedule, now = named.rule.schedule, observation.taken_at
    if schedule is None:
        return Due(is_due=True, is_extra=only is not None)
    if schedule.every is not None:
        if only is not None or observation.served is None:
            return Due(is_due=True, is_extra=only is not None)
        due = _by_tick(schedule.every, observation.served.get(named.name), observation)
        agreed = _agreed(named, observation)
        return due if due.is_due or not agreed else replace(due, is_due=True, accounts=agreed)
    zone = named.rule.timezone or limits.zone
    if only is not None:
        return _asked_for(named, schedule, zone, now)
    slots = tuple(
        slot
        for slot in open_slots(schedule, zone, now)
        if _is_served(slot, named.name, observation) and is_valid(named.rule, zone, slot.at)
    )
    following = next_slot(schedule, zone, now)
    if following is not None and not is_valid(named.rule, zone, following.at):
        following = None
    notice = named.rule.notice
    if notice is not None and following is not None and following.at - notice <= now:
        # Announced before it comes: what is said of it until then decides nothing.
        slots = (*slots, following)
    return Due(
        is_due=bool(slots),
        slots=slots,
        next_at=following.at if following is not None else None,
        detail="" if slots else _lacking(schedule, now.astimezone(zone).year),
    )


def _lacking(schedule: Schedule, year: int) -> str:
    """That nobody knows the business days of the year; empty where they are known."""
    day = schedule.business_day
    if day is None or year in day.calendar.years:
        return ""
    return f"the calendar {day.calendar.name} has no year {year}"


def _is_served(slot: Slot, rule: str, observation: Observation) -> bool:
    """Whether the rule was loaded when the slot came, and nobody was told that it is over: then
    no later hour, zone or catch_up brings it back."""
    if is_over(slot, rule, observation):
        return False
    since = observation.first_loaded.get(rule)
    return observation.is_preview or (since is not None and since <= slot.at)


def is_over(slot: Slot, rule: str, observation: Observation) -> bool:
    """Whether the slot was closed before."""
    over = observation.over.get(rule)
    return over is not None and (slot.period in over.periods or slot.at <= over.through)


def _asked_for(named: NamedRule, schedule: Schedule, zone: ZoneInfo, now: datetime) -> Due:
    """A calendar rule that a person asked for by name."""
    if getattr(named.action, "when", None) is not None:
        return Due(is_due=True, is_extra=True)
    # It takes the place of the period that runs, though its slot be over or yet to come.
    slot, following = latest_slot(schedule, zone, now), next_slot(schedule, zone, now)
    running = {day_of(now, zone), week_of(now, zone), month_of(now, zone)}
    is_running = slot is not None and (now < slot.until or slot.period in running)
    chosen = slot if is_running else following
    if chosen is None:
        # Without a period nothing would keep it from acting each time that it is asked.
        detail = _lacking(schedule, now.astimezone(zone).year) or "no slot of it is left"
        return Due(is_due=False, is_extra=True, detail=detail)
    return Due(is_due=True, slots=(chosen,), is_extra=True)


def _agreed(named: NamedRule, observation: Observation) -> frozenset[str]:
    """The accounts of which a person has said yes to what the rule asked for: they wait for it
    now. Nobody said anything of the others, whose turn is the next tick."""
    now = observation.taken_at
    return frozenset(
        one.unit.account_id
        for one in observation.approvals
        if one.rule == named.name and now < one.expires_at
    )


def _by_tick(every: timedelta, served: datetime | None, observation: Observation) -> Due:
    """A tick that comes while a cycle reads is the next cycle's: nobody has read for it.

    Where the clock was stepped back, the tick that was served may lie ahead. Within one interval
    it counts, so that no tick is served twice; farther ahead it does not, or the rule would
    starve until the clock is there again.
    """
    now = observation.began_at or observation.taken_at
    tick = tick_of(every, now)
    is_served = served is not None and tick <= served < now + every
    following = tick if served is None else max(tick, served)
    current = None if is_served else (tick, now + every)
    return Due(is_due=not is_served, next_at=following + every, tick=current)


def due_ticks(
    policies: PolicySet, observation: Observation, limits: Limits
) -> Mapping[str, datetime]:
    """The ticks that a cycle on this observation serves, by rule; none where nobody counts."""
    if observation.served is None:
        return {}
    now = observation.began_at or observation.taken_at
    return {
        named.name: tick_of(named.rule.schedule.every, now)
        for named in live_rules(policies, observation, limits, None)
        if named.rule.schedule is not None
        and named.rule.schedule.every is not None
        and when_due(named, observation, limits, None).is_for_all
    }
