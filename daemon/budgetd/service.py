"""Keeps time: the one clock of the product. What runs as a service grows from here.

Everything else is handed a clock, so that tests, drills and previews can hand in another.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that asks the machine
