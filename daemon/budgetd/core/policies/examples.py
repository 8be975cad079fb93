"""An example of each part of a policy that its type does not give, for editors and their schema.

By the name of a section, or of a section and its key; as a document says it. Every one of them is
read by the models in a test. It may not describe anything.
"""

from collections.abc import Mapping
from types import MappingProxyType

_TOP_UP: Mapping[str, object] = {"when": {"below": "500.00"}, "to": "2000.00"}
_SELECTOR: Mapping[str, object] = {"org": "/R&D/**", "name": "prod-*"}
_RULE: Mapping[str, object] = {
    "name": "keep-alive",
    "accounts": _SELECTOR,
    "top_up": _TOP_UP,
    "caps": {"account_per_day": "5000.00"},
}
_MONTHLY: Mapping[str, object] = {"day": "last", "at": "12:00"}

POLICY_EXAMPLES: Mapping[str, object] = MappingProxyType(
    {
        "A policy file.description": "production never runs dry",
        "Rule": _RULE,
        "Rule.description": "production never runs dry",
        "Match": _SELECTOR,
        "Rule.accounts": _SELECTOR,
        "Match.id": "0f3a1c5e7b9d4f2a8c6e0b1d3f5a7c9e",
        "Match.name": "prod-*",
        "Match.display_name": "Web shop*",
        "Match.org": "/R&D/**",
        "OrganizationIds": {"id": ["0a1b2c3d4e5f"]},
        "OrganizationIds.id": ["0a1b2c3d4e5f"],
        "TopUp": _TOP_UP,
        "TopUpWhen": {"below": "500.00"},
        "Reclaim": {"when": {"above": "1000.00"}, "keep": "200.00"},
        "ReclaimWhen": {"above": "1000.00"},
        "GrantCoupons": {"when": {"below": "100.00"}, "to": "500.00"},
        "CouponChoice": {"plan_name": "spring-*", "lives_at_least": "35d"},
        "CouponChoice.plan_name": "spring-*",
        "ReclaimCoupons": {"when": {"expires_within": "35d"}},
        "CouponWhen": {"expires_within": "35d"},
        "CouponWhen.plan_name": "spring-*",
        "Alert": {"when": {"runway_below": "7d"}, "severity": "warning"},
        "Alert.notify": ["on-call"],
        "AlertWhen": {"runway_below": "7d"},
        "RunwayTarget": {"runway": "14d", "at_most": "5000.00"},
        "RunwayKeep": {"runway": "3d", "at_least": "200.00"},
        "Guard": {"burn_spike": "4"},
        "Caps": {"account_per_day": "5000.00"},
        "Valid": {"from": "2026-11-30", "until": "2027-01-31"},
        "Schedule": {"monthly": _MONTHLY},
        "Schedule.dates": ["2026-11-30"],
        "Daily": {"at": "09:30"},
        "Weekly": {"day": "monday", "at": "09:30"},
        "Monthly": _MONTHLY,
        "Monthly.months": ["3", "6"],
        "Rule.not_during": ["golden-week"],
    }
)
