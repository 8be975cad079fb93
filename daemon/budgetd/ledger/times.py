"""How instants stand in the state file: UTC text of one length, so that text order is time order.

It may not know tables.
"""

from datetime import UTC, datetime


def text(at: datetime) -> str:
    """`2026-11-30T14:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def instant(written: str) -> datetime:
    """The instant that was written."""
    return datetime.fromisoformat(written)
