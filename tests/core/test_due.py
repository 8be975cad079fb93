"""Whether a rule's time has come: ticks are served once, whatever the clock and the policies do."""

from datetime import datetime, timedelta

import pytest

from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import due_ticks, when_due
from budgetd.core.moment import parse_instant
from budgetd.core.observation import Observation, Readings
from budgetd.core.policies.policy import Policy, PolicySet, Rule

from .cases import GivenLimits

LIMITS = GivenLimits().limits()
TEN = parse_instant("2026-11-30T10:00:00Z")


def every(interval: str) -> PolicySet:
    rule = Rule.model_validate(
        {
            "name": "r",
            "accounts": "all",
            "alert": {"when": {"below": "5.00"}},
            "schedule": {"every": interval},
        }
    )
    return PolicySet((Policy(version=1, policy="p", rules=(rule,)),), digest="sha256:due")


def seen(now: datetime, served: dict[str, datetime] | None) -> Observation:
    return Observation(
        taken_at=now,
        currency="CNY",
        accounts=(),
        readings={},
        master=Readings(),
        served=served,
        began_at=now,
    )


def is_due(interval: str, now: datetime, served: dict[str, datetime] | None) -> bool:
    [(name, rule)] = every(interval).rules()
    due = when_due(NamedRule(name=name, rule=rule), seen(now, served), LIMITS, None)
    assert due.is_due or (due.next_at is not None and due.next_at > now)
    return due.is_due


@pytest.mark.parametrize(
    ("interval", "minutes", "served", "expected"),
    [
        ("15m", 0, {}, True),
        ("15m", 0, None, True),
        ("15m", 0, {"p/r": -15}, True),
        ("15m", 0, {"p/r": 0}, False),
        ("15m", 14, {"p/r": 0}, False),
        ("15m", 15, {"p/r": 0}, True),
        ("15m", 600, {"p/r": 0}, True),
        ("15m", -10, {"p/r": 0}, False),
        ("15m", -14, {"p/r": 0}, False),
        ("15m", -15, {"p/r": 0}, True),
        ("15m", -600, {"p/r": 0}, True),
        ("7m", 5, {"p/r": 0}, True),
        ("1d", -120, {"p/r": 0}, False),
    ],
)
def test_a_tick_is_served_once_and_a_clock_that_steps_back_starves_nobody(
    interval: str, minutes: int, served: dict[str, int] | None, expected: bool
) -> None:
    known = served and {rule: TEN + timedelta(minutes=ago) for rule, ago in served.items()}
    assert is_due(interval, TEN + timedelta(minutes=minutes), known or served) is expected


def test_a_tick_that_comes_while_a_cycle_reads_is_the_next_ones() -> None:
    begun = seen(TEN - timedelta(seconds=1), {"p/r": TEN - timedelta(minutes=15)})
    later = Observation(
        **{name: getattr(begun, name) for name in begun.__slots__ if name != "taken_at"},
        taken_at=TEN + timedelta(seconds=1),
    )
    assert due_ticks(every("15m"), later, LIMITS) == {}
    again = seen(TEN + timedelta(seconds=1), dict(begun.served or {}))
    assert due_ticks(every("15m"), again, LIMITS) == {"p/r": TEN}


def test_an_interval_that_is_changed_by_a_reload_neither_starves_nor_doubles() -> None:
    served = {"p/r": TEN}
    assert not is_due("1h", TEN + timedelta(minutes=40), served)
    assert is_due("1h", TEN + timedelta(minutes=60), served)
    assert is_due("10m", TEN + timedelta(minutes=10), served)
    assert not is_due("10m", TEN + timedelta(minutes=9), served)
