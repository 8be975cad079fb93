"""The sandbox's time: the given clock, moved by an offset and run at a speed.

It may not sleep; moving it moves everything that reads it, the signature check included.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NORMAL_SPEED = Decimal(1)


def real_time() -> datetime:
    """The machine's own clock, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the sandbox meets real time


class MovableClock:
    """A clock that can be set and advanced; `speed` 60 makes a minute of every second."""

    def __init__(
        self,
        base: Callable[[], datetime] = real_time,
        *,
        start: datetime | None = None,
        speed: Decimal = NORMAL_SPEED,
    ) -> None:
        self._base = base
        self._speed = speed
        self._anchor = base()
        self._origin = (start or self._anchor).astimezone(UTC)

    def now(self) -> datetime:
        """The sandbox's present instant, in UTC."""
        passed = self._base() - self._anchor
        if self._speed != NORMAL_SPEED:
            microseconds = passed // timedelta(microseconds=1)
            passed = timedelta(microseconds=int(microseconds * self._speed))
        return self._origin + passed

    def set(self, instant: datetime) -> None:
        """Makes it that instant now."""
        self._anchor = self._base()
        self._origin = instant.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Lets that much time pass at once; negative turns it back."""
        self.set(self.now() + by)
