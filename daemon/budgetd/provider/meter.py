"""How many calls have left, by API, and how many met the quota: counted where they depart.

It may not pace anything: the slots it is put over do.
"""

from collections import Counter
from dataclasses import dataclass, field

from budgetd.provider.pacer import ProcessSlots, Slots


@dataclass(slots=True)
class Meter:
    """Counts since the start, over whichever client speaks: departures and 429s, by API."""

    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)

    def over(self, slots: Slots | None) -> Slots:
        """The same slots, counted."""
        return _Metered(self, slots or ProcessSlots())


@dataclass(frozen=True, slots=True)
class _Metered:
    meter: Meter
    slots: Slots

    def take(self, api: str, *, now_ns: int, interval_ns: int) -> int:
        """See `Slots.take`."""
        wait_ns = self.slots.take(api, now_ns=now_ns, interval_ns=interval_ns)
        if wait_ns == 0:
            self.meter.calls[api] += 1
        return wait_ns

    def pause(self, api: str, *, until_ns: int) -> None:
        """See `Slots.pause`."""
        self.meter.throttled[api] += 1
        self.slots.pause(api, until_ns=until_ns)
