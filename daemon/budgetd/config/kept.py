"""How far back a trigger may look: no further than readings are kept.

It may not say how long that is: `readings` of the configuration does.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from budgetd.config.schema import Config, ReadingsSection
from budgetd.core.decisions.remembering import reach_for
from budgetd.core.documents.fields import Lasting
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.core.moment import format_duration
from budgetd.core.policies.policy import Policy, Rule
from budgetd.core.policies.schedule import Schedule
from budgetd.core.policies.validation import PlacedRule, placed_rules, values_of

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


def lasting_problems(policies: Sequence[Written[Policy]], config: Config) -> Iterator[Problem]:
    """Every `for` that asks for readings of before the oldest one that is kept, or for more of
    them than are kept at one time: such a trigger never holds."""
    rules = placed_rules(policies, config.timezone)
    if not rules:
        return
    half = config.polling.max_staleness / 2
    pace = min(_pace(rule.rule, half) for rule in rules)
    for rule in rules:
        for path, lasting in values_of(getattr(rule.rule.action, "when", None), "for_"):
            assert isinstance(lasting, Lasting)
            place = (*path[:-1], "for")
            problem = _problem(rule, place, lasting, (config.readings, pace))
            if problem is not None:
                yield problem


def _problem(
    rule: PlacedRule,
    place: tuple[str | int, ...],
    lasting: Lasting,
    kept: tuple[ReadingsSection, timedelta],
) -> Problem | None:
    spans, pace = kept
    # The oldest day is one reading, which may be the last of that day.
    longest = max(spans.daily - _DAY, spans.every)
    if lasting.length > longest:
        told = f"it never holds: readings are kept for {format_duration(spans.daily)}"
        hint = f"at most {format_duration(longest)}, or longer `readings` in the config"
        return rule.in_action(place, told, hint=hint)
    schedule = rule.rule.schedule
    if lasting.readings > _looked_at(lasting.readings, schedule, kept):
        most = next(
            count
            for count in range(lasting.readings - 1, 0, -1)
            if count <= _looked_at(count, schedule, kept)
        )
        told = f"it never holds: of one account no more than {most} readings are kept to look at"
        hint = f"one every {format_duration(pace)}, and fewer of old days: `readings` in the config"
        return rule.in_action(place, told, hint=hint)
    return None


def _pace(rule: Rule, half: timedelta) -> timedelta:
    """How often a rule has its accounts read, at the most; a continuous one whenever half of
    `polling.max_staleness` is over."""
    if rule.schedule is None:
        return half
    if rule.schedule.cron is not None:
        return _MINUTE
    return rule.schedule.every or _DAY


def _looked_at(
    readings: int, schedule: Schedule | None, kept: tuple[ReadingsSection, timedelta]
) -> int:
    """How many kept readings of one amount lie as far back as so many in a row are looked for."""
    spans, pace = kept
    reach = reach_for(Lasting(readings=readings), schedule)
    every, hourly, daily = (min(reach, span) for span in (spans.every, spans.hourly, spans.daily))
    newest = every // pace + (hourly - every) // max(pace, _HOUR)
    return newest + (daily - hourly) // max(pace, _DAY)
