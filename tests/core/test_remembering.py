"""How far back a cycle remembers readings: as far as the longest `for` of any rule looks."""

from datetime import timedelta

import pytest

from budgetd.core.decisions.remembering import reach_of
from budgetd.core.policies.policy import Policy, PolicySet, Rule

from .cases import GivenLimits

LIMITS = GivenLimits().limits()


@pytest.mark.parametrize(
    ("when", "schedule", "least"),
    [
        ({"below": "5.00"}, None, timedelta(hours=1)),
        ({"below": "5.00", "for": "30h"}, None, timedelta(hours=30)),
        ({"any": [{"below": "5.00", "for": "30h"}, {"above": "9.00"}]}, None, timedelta(hours=30)),
        ({"below": "5.00", "for": "100 readings"}, None, timedelta(hours=100)),
        ({"below": "5.00", "for": "9 readings"}, {"every": "12h"}, timedelta(days=4)),
        ({"below": "5.00", "for": "3 readings"}, {"daily": {"at": "12:00"}}, timedelta(days=3)),
        (
            {"any": [{"below": "5.00", "for": "2 readings"}]},
            {"monthly": {"day": "last", "at": "12:00"}},
            timedelta(62),
        ),
    ],
)
def test_readings_are_remembered_as_long_as_a_trigger_looks_back(
    when: dict[str, object], schedule: dict[str, object] | None, least: timedelta
) -> None:
    said: dict[str, object] = {"name": "r", "accounts": "all", "alert": {"when": when}}
    if schedule is not None:
        said["schedule"] = schedule
    rule = Rule.model_validate(said)
    policies = PolicySet((Policy(version=1, policy="p", rules=(rule,)),), digest="sha256:r")
    assert reach_of(policies, LIMITS) >= least
