"""The machine of `machine`, run for a while: more with `make machine`."""

import os

from hypothesis import HealthCheck, settings

from .machine import Budgetd

TestBudgetd = Budgetd.TestCase
TestBudgetd.settings = settings(
    max_examples=int(os.environ.get("MACHINES", "12")),
    stateful_step_count=14,
    deadline=None,
    derandomize="MACHINES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
