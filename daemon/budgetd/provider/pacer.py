"""The pace of calls: per API, every window of one second stays at or under its quota.

A slot is taken at the moment of departure, from a store in this process or in a file that
several processes share. It may not know what is called, and it never drops a call.

Calls leave at 95 % of the quota. Of the 5 % between, 20 ms may be caught up after a late timer
(else timers of one millisecond would halve a pace of 1000 a second); the rest, some 30 ms at a
quota of 10, is for calls whose way to the provider is slower or faster than their neighbours'.
"""

import asyncio
import fcntl
import hashlib
import mmap
import os
import random
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import monotonic_ns
from typing import Protocol

SECOND_NS = 1_000_000_000
MARGIN = Fraction(95, 100)
CATCH_UP_NS = 20_000_000
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
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
    _queues: dict[str, asyncio.Lock] = field(default_factory=dict, init=False)

    async def wait(self, api: str, factor: Fraction = Fraction(1)) -> None:
        """Returns at the moment the call may leave. A cancelled waiter takes no slot."""
        interval_ns = -(-SECOND_NS // (self.requests_per_second * factor * MARGIN))
        async with self._queues.setdefault(api, asyncio.Lock()):
            while wait_ns := self.slots.take(
                api, now_ns=self.now_ns(), interval_ns=int(interval_ns)
            ):
                await self.sleep_ns(wait_ns)

    def pause(self, api: str, retry_after_s: int | None = None) -> None:
        """After a 429: as long as the provider asks (60 s at most), else 1 to 2 s."""
        if retry_after_s is None:
            pause_ns = SECOND_NS + random.randrange(SECOND_NS)  # noqa: S311 - jitter, no secret
        else:
            pause_ns = min(retry_after_s, LONGEST_PAUSE_S) * SECOND_NS
        self.slots.pause(api, until_ns=self.now_ns() + pause_ns)
