"""An example of each part of the config that its type does not give, for editors and their schema.

As `core/policies/examples.py` has them of policies. It may not describe anything.
"""

from collections.abc import Mapping
from types import MappingProxyType

from budgetd.core.policies.examples import POLICY_EXAMPLES

_KEYS: Mapping[str, object] = {"access_key": "credential:ak", "secret_key": "credential:sk"}
_WINDOW: Mapping[str, object] = {"from": "2026-09-30 18:00", "until": "2026-10-09 09:00"}
_CHANNEL: Mapping[str, object] = {"kind": "slack", "url": "credential:slack"}

CONFIG_EXAMPLES: Mapping[str, object] = MappingProxyType(
    {
        **POLICY_EXAMPLES,
        "The config.policies": "policies/",
        "The config.calendar": "policies/calendars/cn.yaml",
        "The config.state": "sqlite:////var/lib/budgetd/budgetd.db",
        "The config.notify": {"on-call": _CHANNEL},
        "The config.windows": {"golden-week": _WINDOW},
        "Provider": {"credentials": _KEYS},
        "ProviderCredentials": _KEYS,
        "ProviderCredentials.secret_key": "credential:sk",
        "ProviderCredentials.security_token": "credential:token",
        "Token": {
            "user": "budgetd",
            "password": "credential:password",
            "domain": "acme",
            "iam_endpoint": "https://iam.myhuaweicloud.com",
        },
        "Token.user": "budgetd",
        "Token.password": "credential:password",
        "Token.domain": "acme",
        "Token.iam_endpoint": "https://iam.myhuaweicloud.com",
        "LimitsSection": {"reserve": "50000.00"},
        "LimitsSection.never": {"name": "legal-*"},
        "PerCycle": {"amount": "100000.00", "transfers": "100"},
        "PerDay": {"amount": "500000.00"},
        "Polling": {"max_staleness": "30m"},
        "ReadingsSection": {"every": "14d", "hourly": "90d"},
        "Web": {"listen": "127.0.0.1:9464"},
        "Log": {"level": "info", "format": "json"},
        "ChannelSection.url": "credential:slack",
        "ChannelSection.secret": "credential:hook",
        "ChannelSection.host": "smtp.acme.example",
        "ChannelSection.port": "587",
        "ChannelSection.user": "budgetd",
        "ChannelSection.password": "credential:mail",
        "ChannelSection.from": "budgetd@acme.example",
        "ChannelSection.to": ["ops@acme.example"],
        "ChannelSection.events": ["alert_raised"],
    }
)
