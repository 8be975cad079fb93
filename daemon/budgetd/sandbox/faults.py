"""What can go wrong on the way, chosen by seed or by order; the same seed, the same faults.

It may not carry a fault out, nor read a clock: it names one, and the server or the
simulation makes it happen.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MILLION = 1_000_000


class FaultKind(StrEnum):
    """The closed set. `before` means nothing was done, `after` that everything was."""

    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_AFTER = "error_500_after"
    TIMEOUT_504_BEFORE = "timeout_504_before"
    TIMEOUT_504_AFTER = "timeout_504_after"
    SLOW = "slow"
    THROTTLED = "throttled"
    STALE_READ = "stale_read"
    MALFORMED = "malformed"


BEFORE = frozenset(
    {
        FaultKind.LOST_BEFORE,
        FaultKind.ERROR_500_BEFORE,
        FaultKind.TIMEOUT_504_BEFORE,
        FaultKind.THROTTLED,
    }
)


@dataclass(slots=True, kw_only=True)
class FaultOrder:
    """One fault on request: for the nth match and the following ones, `times` in all.

    `path` matches the end of a path, `contains` a part of the query or of the body.
    """

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    contains: str | None = None
    nth: int = 1
    times: int = 1
    matched: int = 0

    def takes(self, method: str, path: str, content: str) -> bool:
        """Whether this request is one of those the order is about; counts what it matches."""
        if self.method is not None and self.method != method:
            return False
        if self.path is not None and not path.endswith(self.path):
            return False
        if self.contains is not None and self.contains not in content:
            return False
        self.matched += 1
        return self.nth <= self.matched < self.nth + self.times


class FaultPlan:
    """The orders given, then the dice. Rates are per million requests, by kind."""

    def __init__(self, *, rates: Mapping[FaultKind, int] | None = None, seed: int = 0) -> None:
        self.orders: list[FaultOrder] = []
        self.rates = dict(rates or {})
        self._dice = random.Random(seed)  # noqa: S311 - the dice must repeat, not surprise

    def order(self, order: FaultOrder) -> None:
        """Adds a fault to come; orders are asked in the order in which they were given."""
        self.orders.append(order)

    def clear(self) -> None:
        """No more faults, ordered or diced."""
        self.orders.clear()
        self.rates.clear()

    def choose(self, method: str, path: str, content: str = "") -> FaultKind | None:
        """The fault this request meets, or None."""
        taken = [order for order in self.orders if order.takes(method, path, content)]
        self.orders = [o for o in self.orders if o.matched < o.nth + o.times - 1]
        if taken:
            return taken[0].kind
        if not self.rates:
            return None
        roll = self._dice.randrange(MILLION)
        for kind in FaultKind:
            roll -= self.rates.get(kind, 0)
            if roll < 0:
                return kind if kind is not FaultKind.STALE_READ or method == "GET" else None
        return None
