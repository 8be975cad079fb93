"""One daemon as a coroutine: its own connection to the state file, its doors, its cycles.

It runs the product's own code, and dies where the stage says so. It may not judge.
"""

from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from budgetd.core.intent import Intent
from budgetd.core.plans.again import promised_of
from budgetd.cycle import Cycle, Report
from budgetd.execute import Executor, StopSendingError
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text
from budgetd.observe import Observer
from budgetd.provider.client import Client
from budgetd.provider.errors import ProviderError
from budgetd.sighting import Sighting

from .doors import Mover, Reader
from .enterprise import settings_of
from .stage import Post, Stage, wait
from .statefile import StateFile

NOTHING: Mapping[str, str] = MappingProxyType({})
NO_ROOM = 1 << 62
DEAD_TIME = timedelta(minutes=45)
FRESH = timedelta(minutes=15)
"""What a daemon has read within so long it does not read again."""
SHORTEST_GAP_S, LONGEST_GAP_S, WAITING_GAP_S = 200.0, 1300.0, 900.0


class SimulatedLedger(Ledger):
    """The ledger of one process, which may die just before and just after each commit. After
    each sending that is written down it is asked whether it was lawful."""

    def __init__(self, state: StateFile, stage: Stage) -> None:
        self.stage = stage
        self.state = state
        self.is_about_money = False
        connection = state.take()
        if connection is None:
            super().__init__(state.path, may_write=True, room_bytes=0)
        else:
            self.path, self.room_bytes, self.epoch = state.path, 0, 0
            self.connection = connection

    def close(self) -> None:
        """The file stays open for the next process, mostly."""
        self.state.leave(self.connection)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction of the product, with a point on either side of its commit."""
        self.is_about_money = False
        with super().writing():
            yield
            kind = "commit" if self.is_about_money else "other"
            self.stage.reach(kind)
        self.stage.reach(kind)

    def note(
        self, at: datetime, intent_id: str, kind: str, data: Mapping[str, object]
    ) -> tuple[int, str]:
        """An event: this transaction is about money."""
        self.is_about_money = True
        return super().note(at, intent_id, kind, data)

    def lead(self, enterprise: str) -> None:
        """The lead, and that it is newer than any before."""
        super().lead(enterprise)
        if self.epoch <= self.stage.newest_epoch:
            self.stage.violate("13 epochs", f"{self.epoch} after {self.stage.newest_epoch}")
        self.stage.newest_epoch = self.epoch

    def promise(
        self, intent: Intent, *, children: tuple[str, ...] = (), said: Mapping[str, str] = NOTHING
    ) -> None:
        """W1, and that nobody had paused it before."""
        super().promise(intent, children=children, said=said)
        self._check_pauses("promised", intent.id, intent.made_at)

    def record_attempt(self, intent_id: str, signed_at: datetime, body_hash: str) -> int:
        """W2, and that nobody had paused it, nor taken the lead, before."""
        number = super().record_attempt(intent_id, signed_at, body_hash)
        if self.epoch < self.stage.newest_epoch:
            self.stage.violate("13 epochs", f"sends under {self.epoch}, not the newest")
        self._check_pauses("signed", intent_id, signed_at)
        return number

    def _check_pauses(self, what: str, intent_id: str, at: datetime) -> None:
        pauses = self.connection.execute(
            "SELECT intent.rule, intent.account_id, pause.rule, pause.account_id, until "
            "FROM pause JOIN intent ON intent.id = ? WHERE pause.ended_at IS NULL",
            (intent_id,),
        ).fetchall()
        for rule, account_id, of_rule, of_account, until in pauses:
            is_over = until is not None and str(until) <= text(at)
            is_meant = of_rule in ("", rule, "p") and of_account in ("", account_id)
            if is_meant and not is_over:
                self.stage.violate("14 pause", f"{rule} is {what} while paused")


class Process:
    """A daemon from its start to its death."""

    def __init__(self, stage: Stage, number: int, state: StateFile) -> None:
        self.stage = stage
        self.number = number
        self.state = state
        self.ledger: SimulatedLedger | None = None
        self.known: Sighting | None = None
        self.rushed = 0
        self.life: Coroutine[float, None, None] = self._live()

    def end(self) -> None:
        """The operating system takes back what the process held."""
        self.life.close()
        if self.ledger is not None:
            self.ledger.close()
            self.ledger = None
        if self.stage.lock_owner == self.number:
            self.stage.lock_owner = None

    async def _live(self) -> None:
        stage = self.stage
        self.ledger = SimulatedLedger(self.state, stage)
        mover = Mover(stage, self.number, self.stage.our_now, self._check_post)
        reader = Reader(stage, mover, self.stage.our_now)
        while True:
            if await self._takes_lock():
                try:
                    await self._cycle(mover, reader)
                except (StopSendingError, ProviderError) as stop:
                    stage.tell(f"{self.number} cycle ends: {stop}")
                    stage.coverage.note("ends", type(stop).__name__)
                if stage.lock_owner == self.number:
                    stage.lock_owner = None
                stage.peaceful_cycles += stage.is_healed
            if mover.is_refused:
                # The credential is mended by a person; a new client does not know of it.
                mover = Mover(stage, self.number, self.stage.our_now, self._check_post)
                reader = Reader(stage, mover, self.stage.our_now)
            await wait(self._gap_s())

    def _gap_s(self) -> float:
        """Until the next cycle. While one waits for a process that is stopped the other need not
        be busy, and in peace a cycle is worth its while when the dead time of what is open has
        passed."""
        if not self.stage.is_healed:
            is_waiting = self.stage.now_s > self.stage.script.chaos_s
            return max(self.stage.script.interval_s, WAITING_GAP_S if is_waiting else 0.0)
        assert self.ledger is not None
        found = self.ledger.connection.execute(
            "SELECT max(sent_at) FROM intent WHERE state IN ('prepared', 'sending', 'in_doubt')"
        ).get
        if found is None:
            return LONGEST_GAP_S
        dead_at = instant(str(found)) + DEAD_TIME
        return max((dead_at - self.stage.our_now()).total_seconds() + 5.0, SHORTEST_GAP_S)

    async def _takes_lock(self) -> bool:
        """The cycle's lock; where its file was replaced, it keeps nobody out any more."""
        stage = self.stage
        for _ in range(4):
            if stage.lock_owner in (None, self.number):
                stage.lock_owner = self.number
                return True
            await wait(15.0)
        if stage.script.steals_lock and not stage.is_healed:
            stage.coverage.note("deaths", "lock stolen")
            stage.tell(f"{self.number} steals the lock of {stage.lock_owner}")
            stage.lock_owner = self.number
            return True
        return False

    async def _cycle(self, mover: Mover, reader: Reader) -> None:
        cycle = self._new_cycle(mover, reader)
        await cycle.begin()
        is_daemon = self.stage.script.reads_beside and self.number % 2 == 0
        report = await self._read_beside(cycle) if is_daemon else await cycle.plan()
        if report is None or report.plan is None:
            return
        for held in report.plan.held:
            self.stage.coverage.note("holds", held.reason)
        for withheld in report.plan.withheld:
            self.stage.coverage.note("limits", withheld.limit)
        for proposal in report.plan.proposals:
            self.stage.coverage.note("asks", proposal.ask or "")
        items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
        if items:
            self.stage.tell(f"{self.number} plans {[(i.rule, i.account.name) for i in items]}")
        if is_daemon and not self.stage.is_healed:
            # There is time for one transfer, or for none; in peace for all.
            self.rushed += 1
            cycle.is_time_up = lambda: len(report.outcomes) >= self.rushed % 2
        await cycle.carry_out(report, items)
        self._note(report)

    async def _read_beside(self, cycle: Cycle) -> Report | None:
        """As a daemon does it: what is not known yet is read while others may have the lock, and
        all is decided under it; None where it cannot be had again."""
        stage = self.stage
        if stage.lock_owner == self.number:
            stage.lock_owner = None
        seen = await cycle.read(self.known, stage.our_now() - FRESH)
        # In peace nobody is in a hurry, and a cycle that was judged half done has shown nothing.
        await wait(0.0 if stage.is_healed else stage.script.interval_s)
        if not await self._takes_lock():
            return None
        await cycle.begin()
        report = cycle.decide(seen)
        self.known = report.seen
        stage.coverage.note("ends", "read beside")
        return report

    def _note(self, report: Report) -> None:
        for outcome in report.outcomes:
            self.stage.tell(f"{self.number} {outcome.account.name} {outcome.state} {outcome.note}")
            if outcome.hold is not None:
                self.stage.coverage.note("holds", outcome.hold)
        if report.stopped:
            self.stage.coverage.note("ends", "stopped")
        if report.left:
            self.stage.coverage.note("ends", "time up")

    def _new_cycle(self, mover: Mover, reader: Reader) -> Cycle:
        assert self.ledger is not None
        settings = settings_of(self.stage.script.setup)
        executor = Executor(
            client=cast(Client, mover),
            ledger=self.ledger,
            observer=cast(Observer, reader),
            frame=settings.frame,
            limits=settings.limits,
            clock=self.stage.our_now,
            resends=self.stage.script.resends,
            sleep=cast(Any, wait),
            jitter=self.stage.dice.uniform,
        )
        return Cycle(
            settings=settings,
            ledger=self.ledger,
            executor=executor,
            observer=cast(Observer, reader),
            clock=self.stage.our_now,
        )

    def _check_post(self, post: Post) -> None:
        """Before the first byte: a durable row says that exactly this leaves."""
        assert self.ledger is not None
        connection = self.ledger.connection
        if connection.in_transaction:
            self.stage.violate("2 durable first", "a POST leaves inside a transaction")
            return
        rows = connection.execute(
            "SELECT count(*) FROM attempt JOIN intent ON id = intent_id "
            "WHERE key = ? AND body = ? AND attempt.body_hash = intent.body_hash",
            (post.key, post.body),
        ).get
        sent = sum(one.key == post.key for one in self.stage.posts)
        if int(rows or 0) < sent:
            self.stage.violate("2 durable first", f"{post.key[:6]} sent {sent}, attempts {rows}")
