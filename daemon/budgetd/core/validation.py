"""Judges what spans several fields, rules or policies.

It may not read the documents: it gets models that know their places.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from budgetd.core.placing import Written
from budgetd.core.policy import Policy
from budgetd.core.problem import Problem


def judge(policies: Sequence[Written[Policy]], zone: ZoneInfo) -> list[Problem]:
    """Every problem across fields and rules."""
    return []
