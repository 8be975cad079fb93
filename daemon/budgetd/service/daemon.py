"""The daemon: wakes cycles, one at a time, and takes new policies, signals and the stop.

What is due is decided in the cycle. It may not move or decide anything itself.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from structlog.contextvars import bound_contextvars, clear_contextvars

from budgetd.core.documents.problem import InputError
from budgetd.core.standing import Done, Standing
from budgetd.cycle import Report
from budgetd.execute import StopSendingError
from budgetd.ledger import kept, proposals
from budgetd.ledger import standing as keeping
from budgetd.ledger.database import LedgerError, StoreError
from budgetd.ledger.locks import Lock
from budgetd.ledger.store import Ledger
from budgetd.logs import logger
from budgetd.provider.client import Client
from budgetd.provider.errors import ProviderError
from budgetd.provider.meter import Meter
from budgetd.service.account import Money, cut_short, done_of, money_of
from budgetd.service.agenda import Agenda, Beat
from budgetd.service.page import page_served, quotas
from budgetd.service.reloading import LOOK_S, InForce
from budgetd.service.systemd import ServiceManager
from budgetd.service.telling import Telling
from budgetd.service.tending import STEP_EVERY, Tending
from budgetd.service.turn import SWEEPS, Stopping, Turn
from budgetd.service.words import log_done, status_line
from budgetd.sighting import Sighting
from budgetd.web.seen import Seen
from budgetd.wiring import Opened, observer_of, open_client

STOP_WITHIN_S = 8.0
"""How long a request that may move money is waited for at the stop; then it stays in doubt."""

BEAT_S = 5.0
PEOPLE_LOOK_S = 2.0
STUCK_S = 900.0
"""A cycle that has not done anything for so long is stuck, and the watchdog is not fed."""

RETRY_AFTER = timedelta(seconds=60)
RETRY = "what stayed open"
LEFT = "what was left"


class ReplacedError(Exception):
    """The daemon's lock was replaced: another daemon may run on the same state."""


@dataclass(slots=True, kw_only=True)
class Daemon:
    """One daemon on one state, under `lock`, by the documents `in_force`."""

    in_force: InForce
    ledger: Ledger
    lock: Lock
    clock: Callable[[], datetime]
    manager: ServiceManager
    started_at: datetime = field(init=False)
    stopping: Stopping = field(default_factory=Stopping, init=False)
    agenda: Agenda = field(init=False)
    last: Done | None = field(default=None, init=False)
    report: Report | None = field(default=None, init=False)
    client: Client | None = field(default=None, init=False)
    _served: Opened | None = field(default=None, init=False)
    _clients: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _known: Sighting | None = field(default=None, init=False)
    _why: set[str] = field(default_factory=set, init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _agreed: frozenset[str] = field(default_factory=frozenset, init=False)
    _money: Money = field(default_factory=Money, init=False)
    _meter: Meter = field(default_factory=Meter, init=False)
    _beat_at: float = field(default=0.0, init=False)
    _moved_at: float = field(default=0.0, init=False)
    _telling: Telling = field(init=False)
    _broken: StoreError | None = field(default=None, init=False)
    _is_retry: bool = field(default=False, init=False)
    _is_busy: bool = field(default=False, init=False)
    _turn_now: Turn | None = field(default=None, init=False)
    _tending: Tending = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock()
        self._telling = Telling(clock=self.clock, ledger=self.ledger)
        self._tending = Tending(ledger=self.ledger, clock=self.clock)
        self.agenda = Agenda(self.wake)

    # The life of it

    async def run(self) -> None:
        """Runs until it is asked to stop. Raises `ReplacedError`, and `StoreError` where the
        state fails: then nothing more is certain, and the process is to end."""
        loop = asyncio.get_running_loop()
        self._catch_signals(loop)
        self._beat_at = self._moved_at = loop.time()
        await self._follow()
        await self._client()
        self._beats()
        self.agenda.start()
        clock_task = asyncio.create_task(self.agenda.watch(self.clock), name="clock")
        try:
            async with self._page():
                self._say()
                self.manager.ready(status_line(self.standing()))
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
                logger().info("daemon_started", process=os.getpid(), mode=self.standing().mode)
                self._telling.began(self.standing().mode, self.in_force.policies)
                await self._work(clock_task)
        finally:
            clock_task.cancel()
            self.agenda.stop()
            await self._clients.aclose()
            await self._telling.aclose("" if self.stopping.is_asked else "the log says why")
        self._say()
        logger().info("daemon_stopped")

    def wake(self, why: str) -> None:
        """Wants a cycle, now or after the one that runs."""
        self._why.add(why)
        self._woken.set()

    def ask_to_stop(self) -> None:
        """Begins nothing new and ends what is under way; a second signal ends the process."""
        if self.stopping.is_asked:
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        logger().info("stop_asked")
        self.manager.stopping("stopping: what is under way is ended and recorded")
        self.stopping.ask()
        self._woken.set()

    def _page(self) -> AbstractAsyncContextManager[None]:
        config = self.in_force.opened.config
        if config.web is None:
            return nullcontext()
        return page_served(config.web.listen, config.state, self._seen, self._heard)

    def _heard(self) -> timedelta:
        """How long ago the scheduler last ran a job."""
        return timedelta(seconds=asyncio.get_running_loop().time() - self._beat_at)

    def _catch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _beats(self) -> None:
        watched_s = self.manager.watchdog_s
        beat_s = min(BEAT_S, watched_s / 3) if watched_s else BEAT_S
        self.agenda.beat(Beat("heart", timedelta(seconds=beat_s), self._beat))
        self.agenda.beat(Beat("people", timedelta(seconds=PEOPLE_LOOK_S), self._look_at_people))
        self.agenda.beat(Beat("readings", STEP_EVERY, self._tend))
        self.agenda.beat(Beat("files", timedelta(seconds=LOOK_S), self._look_at_files))

    async def _beat(self) -> None:
        """Run by the scheduler alone: one that stalls does not feed the watchdog."""
        now = asyncio.get_running_loop().time()
        self._beat_at = now
        if not self._is_busy or now - self._moved_at < STUCK_S:
            self.manager.alive()

    async def _look_at_people(self) -> None:
        """What a person approved is moved now, not at the next reading of the fleet."""
        agreed = frozenset(one.proposal for one in proposals.approvals(self.ledger))
        if agreed - self._agreed:
            self.wake("approved")
        self._agreed = agreed

    async def _tend(self) -> None:
        """One step of what is done beside cycles; none while money may be under way."""
        if self._turn_now is not None and self._turn_now.is_moving:
            return
        config, client = self.in_force.opened.config, self.client
        try:
            self._tending.step(config)
            if client is not None and not self.stopping.is_asked:
                await self._tending.ask_costs(observer_of(config, client, self.clock))
        except StoreError as problem:
            self._broken = problem
            self._woken.set()

    async def _look_at_files(self) -> None:
        if self.in_force.is_watched and self.in_force.has_news():
            self._reload_soon()

    # Cycles

    async def _work(self, clock_task: asyncio.Task[None]) -> None:
        self.wake("start")
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._broken is not None:
                raise self._broken
            if self.stopping.is_asked:
                return
            if clock_task.done():
                clock_task.result()
            if not self.lock.is_ours:
                raise ReplacedError(f"{self.lock.path} was replaced; another budgetd may run")
            why, self._why = sorted(self._why), set()
            cycle_id = uuid4().hex[:12]
            self._is_retry = why == [RETRY]
            with bound_contextvars(cycle=cycle_id):
                logger().info("cycle_began", why=why)
                is_done = self.last is not None and not (self.last.stopped or self.last.unreadable)
                await self._cycle(cycle_id, only_doubt=self._is_retry and is_done)

    async def _cycle(self, cycle_id: str, *, only_doubt: bool) -> None:
        began_at, opened = self.clock(), self.in_force.opened
        began_s = asyncio.get_running_loop().time()
        try:
            turn = await self._turn(opened)
            report = await self._end(turn, only_doubt=only_doubt)
        except (StopSendingError, ProviderError, LedgerError, InputError) as stop:
            self._ended(cut_short(cycle_id, began_at, self.clock(), str(stop)))
        except StoreError:
            raise
        except Exception:
            # What was sent is in the ledger; the next cycle looks after it first.
            logger().exception("cycle_failed")
            why = "an error of budgetd itself; the log has it"
            self._ended(cut_short(cycle_id, began_at, self.clock(), why))
        else:
            if report is not None:
                lasted = timedelta(seconds=asyncio.get_running_loop().time() - began_s)
                self._known = self._known and self._known.ended(lasted)
                self._money = money_of(opened, report.observation, self.clock())
                self._ended(done_of(cycle_id, began_at, self.clock(), report), report)
                if report.left:
                    self.wake(LEFT)
            elif self.ledger.open_intents():
                self._retry_soon()

    def _look(self, seen: Sighting) -> None:
        """What was read is shown and known, whatever becomes of its decision. What was decided
        before is let go: two fleets and two plans at a time are what memory is needed for."""
        self.report, self._known = Report(observation=seen.observation), seen

    def _hold(self, report: Report) -> None:
        """In the place of what was decided before; each cycle loads our past anew."""
        lean = replace(report.observation, moves=(), samples={}, burns={})
        self.report = replace(report, observation=lean, seen=None)
        self._known = report.seen and replace(report.seen, observation=lean)

    async def _turn(self, opened: Opened) -> Turn:
        return Turn(
            opened=opened,
            ledger=self.ledger,
            client=await self._client(),
            clock=self.clock,
            stopping=self.stopping,
            known=self._known,
            progress=self._progress,
            read=self._look,
            decided=self._hold,
        )

    async def _end(self, turn: Turn, *, only_doubt: bool) -> Report | None:
        """Sees one cycle to its end; at the stop, one that only reads is cut off, one that moves
        is waited for. Raises what the cycle raised."""
        self._progress()
        self._is_busy, self._turn_now = True, turn
        work = turn.look_after() if only_doubt else turn.take()
        task: asyncio.Task[Report | None] = asyncio.create_task(work, name="cycle")
        stop = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and turn.is_moving:
                await asyncio.wait({task}, timeout=STOP_WITHIN_S)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            if task.cancelled():
                raise StopSendingError("budgetd was asked to stop")
            return task.result()
        finally:
            self._is_busy, self._turn_now = False, None
            stop.cancel()

    def _progress(self) -> None:
        self._moved_at = asyncio.get_running_loop().time()

    def _ended(self, done: Done, report: Report | None = None) -> None:
        self.last = done.after(self.last)
        log_done(done)
        try:
            self._telling.cycle(report, "" if self.stopping.is_asked else done.stopped)
        except StoreError:
            raise
        except Exception:
            # Money has moved as it should; that nobody heard of it must not stop the next cycle.
            logger().exception("telling_failed")
        if done.stopped or done.still_open or (done.unreadable and not self._is_retry):
            self._retry_soon()
        self._say()
        self.manager.status(status_line(self.standing()))

    def _retry_soon(self) -> None:
        if not self.stopping.is_asked:
            self.agenda.soon(RETRY, self.clock() + RETRY_AFTER)

    async def _client(self) -> Client:
        """The provider under the credentials in force; opened anew for other documents."""
        opened = self.in_force.opened
        if self.client is None or self._served is not opened:
            await self._clients.aclose()
            self.client = await self._clients.enter_async_context(
                open_client(opened.config, self.clock, may_write=True, meter=self._meter)
            )
            if self._served is None or self._served.config.provider != opened.config.provider:
                self._known = None
            self._served = opened
        return self.client

    # New documents

    def _reload_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reload(), name="reload")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        """From the next cycle on the new documents are in force; one that runs ends on its own."""
        clear_contextvars()
        self.manager.reloading()
        try:
            if await self.in_force.load():
                await self._follow()
                self.wake("policies")
            self._telling.policies(self.in_force.policies)
            self._say()
        except StoreError as problem:
            self._broken = problem
            self._woken.set()
        except Exception:
            # The last good documents stay in force, and a daemon that ended would serve nobody.
            logger().exception("reload_failed")
        finally:
            self.manager.ready(status_line(self.standing()))

    async def _follow(self) -> None:
        config, policies = self.in_force.opened.config, self.in_force.opened.loaded.policy_set
        kept.note_rules(self.ledger, [name for name, _ in policies.rules()], self.clock())
        self.agenda.follow(policies, config.timezone, config.polling.max_staleness / SWEEPS)
        await self._telling.follow(self.in_force.opened)
        self.agenda.daily(config.timezone, self._telling.digests())

    # What it says of itself

    def standing(self) -> Standing:
        """What the daemon says of itself now."""
        config = self.in_force.opened.config
        return Standing(
            enterprise=config.enterprise,
            mode=str(config.mode),
            process=os.getpid(),
            started_at=self.started_at,
            at=self.clock(),
            policies=self.in_force.policies,
            next=self.agenda.next(),
            last=self.last,
            master=self._money.master,
            worst=self._money.worst,
            is_stopping=self.stopping.is_asked,
        )

    def _seen(self, past: Ledger) -> Seen:
        opened, report = self.in_force.opened, self.report
        return Seen(
            now=self.clock(),
            standing=self.standing(),
            policies=opened.loaded.policy_set,
            limits=opened.config.guards(),
            past=past,
            zone=opened.config.timezone,
            currency=opened.config.currency,
            max_staleness=opened.config.polling.max_staleness,
            observation=report.observation if report is not None else None,
            plan=report.plan if report is not None else None,
            quotas=quotas(self._meter, opened.config.provider.requests_per_second),
        )

    def _say(self) -> None:
        keeping.keep(self.ledger, self.standing())
