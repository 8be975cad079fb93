"""The pace of calls: per API, every window of one second stays at or under its quota.

A slot is taken at the moment of departure, from a store in this process or in a file that
several processes share. It may not know what is called, and it never drops a call.

Calls leave at 95 % of the quota. Of the 5 % between, 20 ms may be caught up after a late timer
(else timers of one millisecond would halve a pace of 1000 a second); the rest, some 30 ms at a
quota of 10, is for calls whose way to the provider is slower or faster than their neighbours'.

A call that may leave does not always leave at once: a connection is opened, or the process is
not given the machine. So the pacer is told when it left, and no call follows the one a whole
quota before it by less than a second and 20 ms.
"""

import asyncio
import fcntl
import hashlib
import mmap
import os
import random
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from pathlib import Path
from time import monotonic_ns
from typing import Protocol

SECOND_NS = 1_000_000_000
MARGIN = Fraction(95, 100)
CATCH_UP_NS = 20_000_000
WINDOW_NS = SECOND_NS + 20_000_000
LONGEST_PAUSE_S = 60


class Slots(Protocol):
    """Where the next free departure of each API stands, in nanoseconds of the monotonic clock."""

    def take(self, api: str, *, now_ns: int, interval_ns: int) -> int:
        """0 when the slot is taken and the call may leave; else how long to wait, in ns."""

    def pause(self, api: str, *, until_ns: int) -> None:
        """No departure of this API before that instant."""


def _advance(next_ns: int, now_ns: int, interval_ns: int) -> tuple[int, int]:
    """What to wait, and the next free departure after this one was tried.

    A departure further off than any pause is a leftover of before a restart of the machine.
    """
    if next_ns > now_ns + interval_ns + LONGEST_PAUSE_S * SECOND_NS:
        next_ns = now_ns
    if next_ns > now_ns:
        return next_ns - now_ns, next_ns
    return 0, max(next_ns, now_ns - CATCH_UP_NS) + interval_ns


class ProcessSlots:
    """Slots of one process."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, api: str, *, now_ns: int, interval_ns: int) -> int:
        """See `Slots.take`."""
        wait_ns, self._next[api] = _advance(self._next.get(api, 0), now_ns, interval_ns)
        return wait_ns

    def pause(self, api: str, *, until_ns: int) -> None:
        """See `Slots.pause`."""
        self._next[api] = max(self._next.get(api, 0), until_ns)


_MAGIC = b"budgetd slots 1\n"
_ENTRY = struct.Struct("<Qq")
_ENTRIES = 128
_SIZE = len(_MAGIC) + _ENTRIES * _ENTRY.size


class SharedSlots:
    """Slots in a file of 2 KiB, shared by all processes that open it.

    The monotonic clock is one for the machine, so instants of one process hold for all. A lock
    of the kernel guards each step; it falls when its holder dies, and a step is one write of 16
    bytes, so a crash leaves a whole entry. Leftovers of before a restart of the machine are in
    the far future or in the past of the new clock; both are harmless. A file that is not ours
    is refused with `ValueError`.
    """

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if is_new and os.geteuid() == 0:
            # Made by root beside a service's state, it must be the service's to open.
            owner = path.parent.stat()
            os.fchown(self._file, owner.st_uid, owner.st_gid)
        try:
            with self._locked():
                head = os.pread(self._file, len(_MAGIC), 0)
                size = os.fstat(self._file).st_size
                if size == 0:
                    os.ftruncate(self._file, _SIZE)
                    os.pwrite(self._file, _MAGIC, 0)
                elif head.strip(b"\0") not in (b"", _MAGIC) or size != _SIZE:
                    raise ValueError(f"{path} is not a file of slots")
                elif head != _MAGIC:
                    # A peer died between the two steps above.
                    os.pwrite(self._file, _MAGIC, 0)
            self._map = mmap.mmap(self._file, _SIZE)
        except BaseException:
            os.close(self._file)
            raise

    def take(self, api: str, *, now_ns: int, interval_ns: int) -> int:
        """See `Slots.take`."""
        with self._locked():
            name, place, next_ns = self._find(api)
            wait_ns, after_ns = _advance(next_ns, now_ns, interval_ns)
            _ENTRY.pack_into(self._map, place, name, after_ns)
        return wait_ns

    def pause(self, api: str, *, until_ns: int) -> None:
        """See `Slots.pause`."""
        with self._locked():
            name, place, next_ns = self._find(api)
            _ENTRY.pack_into(self._map, place, name, max(next_ns, until_ns))

    def close(self) -> None:
        """Lets the file go; what stands in it stays for the others."""
        self._map.close()
        os.close(self._file)

    def _find(self, api: str) -> tuple[int, int, int]:
        name = int.from_bytes(hashlib.sha256(api.encode()).digest()[:8], "little") | 1
        for step in range(_ENTRIES):
            place = len(_MAGIC) + (name + step) % _ENTRIES * _ENTRY.size
            found, next_ns = _ENTRY.unpack_from(self._map, place)
            if found in (0, name):
                return name, place, next_ns
        raise ValueError("the file of slots is full")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


async def _sleep_ns(wait_ns: int) -> None:
    await asyncio.sleep(wait_ns / SECOND_NS)


@dataclass(slots=True)
class Departure:
    """A call that may leave; in nanoseconds, when it could, and from `left` on when it did."""

    at_ns: int
    now_ns: Callable[[], int]

    def left(self) -> None:
        """Says that the call leaves now."""
        self.at_ns = self.now_ns()


class _Lane:
    """One API: who waits, and the departures of this process that a new one must look back at."""

    def __init__(self, quota: Fraction) -> None:
        self.turn = asyncio.Lock()
        self.interval_ns = int(-(-SECOND_NS // (quota * MARGIN)))
        self.departures: deque[Departure] = deque(maxlen=max(1, ceil(quota)))
        self.last_ns = -WINDOW_NS

    def wait_ns(self, now_ns: int) -> int:
        """How long until every departure a whole quota ago or more is over a second away: the
        latest of them counts, for one that was held up may leave after its followers."""
        if len(self.departures) == self.departures.maxlen:
            self.last_ns = max(self.last_ns, self.departures[0].at_ns)
        return max(0, self.last_ns + WINDOW_NS - now_ns)


@dataclass(kw_only=True)
class Pacer:
    """Lets calls leave in the order they came, API by API.

    `requests_per_second` (above 0) is the quota of a common API; `factor` of `wait` multiplies
    it. The clock and the sleep are given in tests.
    """

    requests_per_second: Fraction
    slots: Slots = field(default_factory=ProcessSlots)
    now_ns: Callable[[], int] = monotonic_ns
    sleep_ns: Callable[[int], Awaitable[None]] = _sleep_ns
    _lanes: dict[str, _Lane] = field(default_factory=dict, init=False)

    async def wait(self, api: str, factor: Fraction = Fraction(1)) -> Departure:
        """Returns at the moment the call may leave. A cancelled waiter takes no slot."""
        lane = self._lanes.get(api)
        if lane is None:
            lane = self._lanes[api] = _Lane(self.requests_per_second * factor)
        async with lane.turn:
            while wait_ns := self._wait_ns(api, lane):
                await self.sleep_ns(wait_ns)
            departure = Departure(self.now_ns(), self.now_ns)
            lane.departures.append(departure)
        return departure

    def _wait_ns(self, api: str, lane: _Lane) -> int:
        now_ns = self.now_ns()
        return lane.wait_ns(now_ns) or self.slots.take(
            api, now_ns=now_ns, interval_ns=lane.interval_ns
        )

    def pause(self, api: str, retry_after_s: int | None = None) -> None:
        """After a 429: as long as the provider asks (60 s at most), else 1 to 2 s."""
        if retry_after_s is None:
            pause_ns = SECOND_NS + random.randrange(SECOND_NS)  # noqa: S311 - jitter, no secret
        else:
            pause_ns = min(retry_after_s, LONGEST_PAUSE_S) * SECOND_NS
        self.slots.pause(api, until_ns=self.now_ns() + pause_ns)
