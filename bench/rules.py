"""Rules and limits for the measures, read by the product's own readers.

It may not decide anything.
"""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.placing import read_model
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import Policy, PolicySet
from budgetd.cycle import Settings

CASH = """\
version: 1
policy: cash
rules:
  - name: keep-alive
    accounts: all
    top_up: {when: {below: 500.00}, to: 2000.00}
"""
COUPONS = """\
version: 1
policy: coupons
rules:
  - name: few
    accounts: all
    alert: {when: {below: 20.00}, instrument: coupon}
"""
LIMITS = Limits(
    zone=ZoneInfo("Asia/Shanghai"),
    reserve=Decimal("1000.00"),
    never=None,
    per_cycle_amount=Decimal("100000000.00"),
    per_cycle_transfers=100_000,
    per_cycle_share=Decimal(1),
    per_day_amount=Decimal("100000000.00"),
    approval_above=Decimal("100000000.00"),
    reflected_after=timedelta(minutes=15),
    unknown_readings=Decimal("0.1"),
    act_within=timedelta(hours=1),
)


def policies(*texts: str) -> PolicySet:
    """The policies those documents mean."""
    found = []
    for text in texts:
        policy = read_model(text, "policy.yaml", Policy)
        assert isinstance(policy, Policy), policy
        found.append(policy)
    return PolicySet(tuple(found), digest="bench")


def settings_of(policy_set: PolicySet) -> Settings:
    """What a cycle is told."""
    frame = Frame(enterprise="acme", mode="enforce", policies=policy_set)
    return Settings(frame=frame, limits=LIMITS, currency="CNY")
