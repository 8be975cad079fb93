"""How many calls an API takes in a second, per caller: the provider's sliding window.

It may not wait or answer; it counts on the monotonic clock it is given.
"""

from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

DEFAULT_LIMIT = 10
WINDOW_S = 1.0


class Quota:
    """A window of one second for every (caller, method, path); `multiplier` 0 turns it off."""

    def __init__(
        self,
        limits: Mapping[tuple[str, str], int],
        *,
        multiplier: int = 1,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self.multiplier = multiplier
        self._limits = dict(limits)
        self._ticks = ticks
        self._calls: dict[tuple[str, str, str], deque[float]] = {}

    def admit(self, caller: str, method: str, path: str) -> int | None:
        """None if the call may pass (it is then counted), else the limit it met."""
        limit = self._limits.get((method, path), DEFAULT_LIMIT) * self.multiplier
        if limit <= 0:
            return None
        calls = self._calls.setdefault((caller, method, path), deque())
        now = self._ticks()
        while calls and now - calls[0] >= WINDOW_S:
            calls.popleft()
        if len(calls) >= limit:
            return limit
        calls.append(now)
        return None
