"""The one clock of the product.

Everything is handed a clock, so that tests, drills and previews can hand in another.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The instant, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that asks the machine
