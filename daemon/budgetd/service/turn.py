"""One cycle of the daemon, beside whoever else works on the state.

Doubt first, under the cycle's lock; then the fleet is read while others may have the lock; then,
under it again, decided, promised and moved. It may not decide what is due, nor when to run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from budgetd.config import Switch
from budgetd.core.plans.again import promised_of
from budgetd.cycle import Cycle, Report
from budgetd.execute import StopSendingError
from budgetd.ledger.locks import take_cycle_lock
from budgetd.ledger.store import Ledger
from budgetd.provider.client import Client
from budgetd.sighting import Sighting
from budgetd.wiring import Opened, cycle_of, observer_of

LOCK_LOOK_S = 0.2
SWEEPS = 2
"""So many readings of the whole fleet begin within `polling.max_staleness`."""


class Stopping:
    """Whether the daemon was asked to stop; whoever waits here is woken by it."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """From now on nothing new is begun."""
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether it was."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Returns once it was."""
        await self._asked.wait()

    async def sleep(self, seconds: float) -> None:
        """Sleeps; raises `StopSendingError` as soon as the daemon is asked to stop: what was
        promised stays promised, and the next daemon looks after it first."""
        if seconds > 0 and not self.is_asked:
            try:
                await asyncio.wait_for(self._asked.wait(), seconds)
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)
        if self.is_asked:
            raise StopSendingError("budgetd was asked to stop")


@dataclass(slots=True, kw_only=True)
class Turn:
    """One cycle under one set of policies. `known` is what earlier ones have read; `progress` is
    called as it goes on, `read` with what was read, `decided` with what was decided, before any of
    it is moved. `is_moving` says that money may be under way: it is not to be cut off."""

    opened: Opened
    ledger: Ledger
    client: Client
    clock: Callable[[], datetime]
    stopping: Stopping
    known: Sighting | None
    progress: Callable[[], None]
    read: Callable[[Sighting], None]
    decided: Callable[[Report], None]
    is_moving: bool = field(default=False, init=False)

    async def take(self) -> Report:
        """The whole cycle; under `mode: dry_run` it moves nothing and changes no intent."""
        cycle = self._cycle()
        if not self._enforces:
            report = self._decide(cycle, await self._read(cycle))
            cycle.note_ticks(report)
            report.missed = cycle.close_slots(report.observation)
            return report
        async with self._locked():
            await self._begin_in_time(cycle)
        began_s = self._runs()
        seen = await self._read(cycle)
        async with self._locked():
            await cycle.begin()
            report = self._decide(cycle, seen)
            until = self._moves_until(began_s)
            # What has moved is read once more at the end, at the quota's pace.
            pace = self.opened.config.provider.requests_per_second
            cycle.is_time_up = lambda: self._runs() + len(report.outcomes) / pace > until
            assert report.plan is not None
            items = [
                promised_of(transfer, report.plan.expires_at) for transfer in report.plan.moves
            ]
            await cycle.carry_out(report, items)
            report.missed = cycle.close_slots(report.observation)
        return report

    def _decide(self, cycle: Cycle, seen: Sighting) -> Report:
        self.read(seen)
        report = cycle.decide(seen)
        self.decided(report)
        return report

    async def _begin_in_time(self, cycle: Cycle) -> None:
        """Doubt first, but no wait for it where a reading would grow too old meanwhile: what stays
        in doubt is looked at again when all is read."""
        doubting, bound = cycle.executor.doubting, self._bound
        spare = self.known.waits_for(bound, self.clock()) if self.known else bound
        kept_s = max(0.0, doubting.left_s - spare.total_seconds())
        doubting.left_s -= kept_s
        try:
            await cycle.begin()
        finally:
            doubting.left_s += kept_s

    def _moves_until(self, began_s: float) -> float:
        """Until when moves may begin, of a reading that began then: whoever was read first is to
        be read again within the bound, after what is under way by then and what is in doubt."""
        bound_s = self._bound.total_seconds()
        return max(began_s + bound_s * 3 / 4, self._runs() + bound_s / 10)

    async def look_after(self) -> None:
        """Doubt alone: nothing new is decided."""
        if self._enforces:
            async with self._locked():
                await self._cycle().begin()

    @property
    def _enforces(self) -> bool:
        return self.opened.config.mode is Switch.ENFORCE

    def _cycle(self) -> Cycle:
        observer = observer_of(
            self.opened.config, self.client, self.clock, lambda _done, _all: self.progress()
        )
        cycle = cycle_of(self.opened, observer, self.ledger)
        cycle.settings = self.opened.settings(is_daemon=True)
        cycle.executor.sleep = self._sleep
        cycle.is_stopping = lambda: self.stopping.is_asked
        cycle.progress = lambda _item, _outcome: self.progress()
        return cycle

    async def _sleep(self, seconds: float) -> None:
        self.progress()
        await self.stopping.sleep(seconds)

    async def _read(self, cycle: Cycle) -> Sighting:
        # The turn outlasts it: readings of the last cycle are not held while this one moves.
        known, self.known = self.known, None
        every = self._bound / SWEEPS
        fresh_for = known.fresh_for(self._bound, every) if known else timedelta(0)
        began_s = self._runs()
        seen = await cycle.read(known, self.clock() - fresh_for)
        # The clock may be set while it reads: how long that took, the loop knows.
        return replace(seen, took=timedelta(seconds=self._runs() - began_s)).after(known)

    @property
    def _bound(self) -> timedelta:
        return self.opened.config.polling.max_staleness

    def _runs(self) -> float:
        return asyncio.get_running_loop().time()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """The cycle's lock; `apply` and other people's commands may have it before."""
        while (lock := take_cycle_lock(Path(self.ledger.path))) is None:
            await self._sleep(LOCK_LOOK_S)
        self.is_moving = True
        try:
            yield
        finally:
            self.is_moving = False
            lock.release()
