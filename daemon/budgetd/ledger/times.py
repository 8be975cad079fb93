"""How instants stand in the state file: UTC text of one length, so that text order is time order;
of readings, of which there are millions, microseconds since 1970.

It may not know tables.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def text(at: datetime) -> str:
    """`2026-11-30T14:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def instant(written: str) -> datetime:
    """The instant that was written."""
    return datetime.fromisoformat(written)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def at_micros(number: int) -> datetime:
    """The instant so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=number)
