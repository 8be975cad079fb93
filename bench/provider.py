"""The sandbox in a process of its own, with a counter of arrivals in front of it.

The counter stands before the sandbox's own quota and judges by its own clock. It may not change
an answer.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic_ns

import httpx
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import serve
from budgetd.sandbox.server import create_app

ARRIVALS = "/_bench/arrivals"
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What the provider saw: answers 429, and the most calls of one API that arrived
    within any one second."""

    throttled: int
    busiest_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A running provider."""

    url: str

    def arrivals(self) -> Arrivals:
        """What it saw until now."""
        answer = httpx.get(self.url + ARRIVALS, trust_env=False, timeout=30)
        return Arrivals(**answer.json())


@contextmanager
def running_provider(
    *, accounts: int, latency_s: float = 0.0, has_quota: bool = False
) -> Iterator[Provider]:
    """Starts one for a fleet of that size, and ends it with the block."""
    command = [sys.executable, "-m", "bench.provider", str(accounts), str(latency_s)]
    if has_quota:
        command.append("--quota")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the sandbox did not start")
            yield Provider(url=url)
        finally:
            process.stdin.close()


@dataclass(slots=True)
class Counter:
    """An app before the app, which notes when each call of an API arrived."""

    app: ASGIApp
    arrived_ns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    throttled: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts, and lets pass."""
        if scope["type"] == "http" and scope["path"] == ARRIVALS:
            await JSONResponse(self.seen())(scope, receive, send)
            return
        if scope["type"] == "http":
            self.arrived_ns[f"{scope['method']} {scope['path']}"].append(monotonic_ns())

        async def watch(message: Message) -> None:
            self.throttled += message.get("status") == 429
            await send(message)

        await self.app(scope, receive, watch)

    def seen(self) -> dict[str, int]:
        """The fields of `Arrivals`."""
        return {
            "throttled": self.throttled,
            "busiest_second": max((_busiest(t) for t in self.arrived_ns.values()), default=0),
        }


def _busiest(arrived_ns: list[int]) -> int:
    """The most arrivals in any window of less than one second."""
    first = most = 0
    for last, time_ns in enumerate(arrived_ns):
        while time_ns - arrived_ns[first] >= SECOND_NS:
            first += 1
        most = max(most, last - first + 1)
    return most


async def _serve(accounts: int, latency_s: float, *, has_quota: bool) -> None:
    clock = MovableClock()
    sandbox = Sandbox(
        book=seeded_fleet(seed=1, start=clock.now(), accounts=accounts),
        clock=clock,
        quota=Quota(QUOTAS, multiplier=1 if has_quota else 0),
        latency_s=latency_s,
    )
    # The book is large and lives as long as the process: to walk all of it for garbage would
    # stop every call for some 80 ms, and let those that came meanwhile arrive together.
    gc.collect()
    gc.freeze()
    app = create_app(sandbox)
    app.add_middleware(Counter)
    async with serve(app) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        # The end of the pipe is the end of whoever started this process, however it ended.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("accounts", type=int)
    parser.add_argument("latency_s", type=float)
    parser.add_argument("--quota", action="store_true")
    given = parser.parse_args()
    asyncio.run(_serve(given.accounts, given.latency_s, has_quota=given.quota))
