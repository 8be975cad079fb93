"""Messages and channels to tell."""

from datetime import UTC, datetime
from typing import Any

from budgetd.config.channels import Channel
from budgetd.config.notify import Kind
from budgetd.core.telling import Event, Message, Severity

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)


def message_of(title: str = "account low", **changes: Any) -> Message:
    """A warning, unlike others by its title."""
    given: dict[str, Any] = {
        "event": Event.ALERT_RAISED,
        "severity": Severity.WARNING,
        "title": title,
        "lines": ("R&D/prod-web 5.00",),
        "subject": title,
        "at": AT,
    }
    return Message(**given | changes)


def channel_of(kind: Kind, url: str = "", **changes: Any) -> Channel:
    """A channel that takes everything."""
    given: dict[str, Any] = {
        "name": str(kind),
        "kind": kind,
        "url": url,
        "events": frozenset(Event),
        "severity": Severity.INFO,
    }
    return Channel(**given | changes)
