"""One enterprise over a real sandbox: a small book of round amounts, and cycles run on it.

Time is the sandbox's own clock, which sleeping moves on, so that no test waits.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from budgetd.core.intent import FINAL, Intent, State
from budgetd.core.money import to_minor
from budgetd.core.plans.again import Promised, promised_of
from budgetd.core.plans.outcome import Outcome
from budgetd.cycle import Cycle, Report, exit_code
from budgetd.execute import StopSendingError
from budgetd.ledger.database import ROOM_BYTES
from budgetd.ledger.looking import broken_link
from budgetd.ledger.store import Ledger
from budgetd.ledger.switches import end_pause
from budgetd.provider.client import Client
from budgetd.provider.pacer import ProcessSlots
from budgetd.provider.signing import AccessKey
from budgetd.sandbox.book import Book
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import MASTER_ID, ORGANIZATIONS, PROJECTS, RND, ROOT
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.nouns import Account, Coupon, Purse
from budgetd.sandbox.nouns import Ledger as CreditLedger
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox
from budgetd.sandbox.semantics import Semantics
from budgetd.wiring import Opened, cycle_of, observer_of, open_documents

START = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
POOR, BARE, RICH, FULL = (character * 32 for character in "abcd")
PEOPLE = {"poor": POOR, "bare": BARE, "rich": RICH, "full": FULL}
CONFIG = """\
enterprise: acme
mode: enforce
provider:
  endpoint: {endpoint}
  resend: {resend}
  credentials: {{access_key: env:WORLD_AK, secret_key: env:WORLD_SK}}
state: sqlite:///state/budgetd.db
timezone: UTC
{extra}
"""
POLICY = "version: 1\npolicy: p\nrules:\n{rules}\n"
TOP_UP = """\
  - name: up
    accounts: {org: /R&D}
    top_up: {when: {below: 500.00}, to: 1000.00}
"""
RECLAIM = """\
  - name: home
    accounts: {org: /Projects}
    reclaim: {when: {above: 1000.00}, keep: 200.00}
"""
RULES = {
    ("allocate", "cash"): TOP_UP,
    ("reclaim", "cash"): RECLAIM,
    ("allocate", "credit"): """\
  - name: up
    accounts: {org: /R&D}
    top_up: {instrument: credit, when: {below: 500.00}, to: 1000.00}
""",
    ("reclaim", "credit"): """\
  - name: home
    accounts: {org: /Projects}
    reclaim: {instrument: credit, when: {above: 1000.00}, keep: 200.00}
""",
    ("allocate", "coupon"): """\
  - name: up
    accounts: {org: /R&D}
    grant_coupons: {when: {below: 500.00}, to: 700.00}
""",
    ("reclaim", "coupon"): """\
  - name: home
    accounts: {org: /Projects}
    reclaim_coupons: {when: {balance_at_least: 1.00}}
""",
}


def small_book(now: datetime, semantics: Semantics | None = None) -> Book:
    """A master with plenty; two accounts with little in /R&D, two with much in /Projects."""
    later = now.replace(microsecond=0) + timedelta(days=90)

    def coupon(name: str, amount: int, source: str | None) -> Coupon:
        return Coupon(
            id=name,
            plan_name="plan",
            plan_id="PLAN0001",
            face_value=amount,
            purse=Purse(amount),
            effective_time=now.replace(microsecond=0) - timedelta(days=30),
            expire_time=later,
            source_id=source,
            created_at=now.replace(microsecond=0) - timedelta(days=30),
        )

    def account(account_id: str, name: str, org: str, minor: int) -> Account:
        made = Account(id=account_id, name=name, display_name=name, org_id=org)
        made.cash = Purse(minor)
        made.ledgers[None] = CreditLedger(expire_time=None, limit=minor, purse=Purse(minor))
        if org == PROJECTS:
            child = f"CHILD{name.upper()}"
            made.coupons[child] = coupon(child, minor, "SOURCE")
        return made

    master = account(MASTER_ID, "acme", ROOT, 100_000_00)
    master.coupons["SOURCE"] = coupon("SOURCE", 9_000_00, None)
    return Book(
        master=master,
        organizations=ORGANIZATIONS,
        accounts=(
            account(POOR, "poor", RND, 10_00),
            account(BARE, "bare", RND, 0),
            account(RICH, "rich", PROJECTS, 5_000_00),
            account(FULL, "full", PROJECTS, 3_000_00),
        ),
        semantics=semantics,
    )


class Hasty(ProcessSlots):
    """Departures that no 429 puts off: that pause is real time, and ours is the sandbox's."""

    def pause(self, api: str, *, until_ns: int) -> None:
        """Does not."""


@dataclass(slots=True)
class World:
    """The sandbox, the folder of the config, and what the client is told."""

    running: RunningSandbox
    home: Path
    resend: str = "same_key"
    timeout_s: float = 5.0
    skew: timedelta = timedelta(0)
    room_bytes: int = ROOM_BYTES
    secret: str = SANDBOX_SK
    transport: Callable[[], httpx.AsyncBaseTransport] | None = None
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None
    before_item: Callable[[int], None] = lambda _number: None
    after_item: Callable[[int], None] = lambda _number: None
    on_clock: Callable[[], None] = lambda: None

    @property
    def book(self) -> Book:
        return self.running.sandbox.book

    @property
    def state(self) -> Path:
        return self.home / "state" / "budgetd.db"

    def now(self) -> datetime:
        """Our clock, which may be off the provider's."""
        self.on_clock()
        return self.running.sandbox.clock.now() + self.skew

    def pass_time(self, **length: float) -> None:
        self.running.sandbox.clock.advance(timedelta(**length))

    async def sleep(self, length_s: float) -> None:
        self.slept.append(length_s)
        self.pass_time(seconds=length_s)
        self.on_sleep()

    def policies(self, rules: str, extra: str = "") -> Opened:
        """Writes the config and one policy of these rules, and loads them."""
        (self.home / "policies").mkdir(exist_ok=True)
        (self.home / "state").mkdir(exist_ok=True)
        text = CONFIG.format(endpoint=self.running.url, resend=self.resend, extra=extra)
        (self.home / "config.yaml").write_text(text)
        (self.home / "policies" / "p.yaml").write_text(POLICY.format(rules=rules))
        return open_documents(str(self.home / "config.yaml"))

    @asynccontextmanager
    async def cycling(
        self, opened: Opened, *, is_daemon: bool = False, **options: Any
    ) -> AsyncIterator[Cycle]:
        """A cycle over a ledger that is opened and closed, as one process does."""
        ledger = Ledger(self.state, may_write=True, room_bytes=self.room_bytes)
        try:
            async with Client(
                endpoint=self.running.url,
                credentials=AccessKey(id=SANDBOX_AK, secret=self.secret),
                currency="CNY",
                clock=self.now,
                requests_per_second=50,
                timeout_s=self.timeout_s,
                backoff_s=0.001,
                slots=Hasty(),
                transport=self.transport() if self.transport else None,
            ) as client:
                observer = observer_of(opened.config, client, self.now)
                cycle = cycle_of(opened, observer, ledger, is_daemon=is_daemon)
                cycle.executor.sleep = self.sleep
                for name, value in options.items():
                    setattr(cycle.executor, name, value)
                yield cycle
        finally:
            ledger.close()

    async def run(self, opened: Opened, **options: Any) -> tuple[int, Report | None]:
        """One whole cycle; the exit code that `apply` would end with, and the report."""
        async with self.cycling(opened, **options) as cycle:
            try:
                await cycle.begin()
            except StopSendingError:
                return 1, None
            report = await cycle.plan()
            assert report.plan is not None
            items = [promised_of(move, report.plan.expires_at) for move in report.plan.moves]
            order = [item.id for item in items]

            def progress(item: Promised, done: Outcome | None) -> None:
                tell = self.before_item if done is None else self.after_item
                tell(order.index(item.id))

            cycle.progress = progress
            await cycle.carry_out(report, items)
            return exit_code(report), report

    def resume(self) -> list[str]:
        """A person looks, and lets it go on; the reasons why it had stopped."""
        ledger = Ledger(self.state, may_write=True)
        found = [pause for pause in ledger.pauses() if pause.is_latched]
        for pause in found:
            assert end_pause(ledger, pause, "tester", "looked at it", self.now())
        ledger.close()
        return [pause.reason for pause in found]

    # What became of it

    def moved(self, who: str) -> int:
        """How much reached an account by our moves, less what left it, in minor units."""
        signs = {"allocate": 1, "grant": 1, "reclaim": -1, "take_back": -1}
        return sum(
            signs[moved.move.kind] * moved.amount
            for moved in self.book.moves
            if moved.move.customer_id == PEOPLE[who]
        )

    def posts(self) -> int:
        """How many moves reached the provider's door, whatever became of them."""
        return sum(seen.method == "POST" for seen in self.running.sandbox.seen)

    def intents(self) -> dict[str, State]:
        """Every intent and where it stands."""
        return {intent.id: state for intent, state in self.ledger_rows()}

    def states(self) -> list[State]:
        return sorted(self.intents().values())

    def ledger_rows(self) -> list[tuple[Intent, State]]:
        ledger = Ledger(self.state, may_write=False)
        try:
            moves = ledger.moves(datetime(2000, 1, 1, tzinfo=UTC))
            found = [(ledger.intent(move.id), move.state) for move in moves]
            return [(intent, state) for intent, state in found if intent is not None]
        finally:
            ledger.close()

    def check(self) -> None:
        """What must hold of book and ledger at any moment: nothing twice, nothing false."""
        by_key = Counter(moved.move.key for moved in self.book.moves if not moved.move.by_hand)
        assert all(count == 1 for count in by_key.values()), f"moved twice: {by_key}"
        assert all(line.holds for line in self.book.conservation())
        rows = self.ledger_rows()
        amounts = {moved.move.key: moved.amount for moved in self.book.moves}
        for intent, state in rows:
            assert state not in FINAL or (state is State.SETTLED) == (intent.key in by_key), (
                f"{intent.rule} {intent.account_name} is {state}"
            )
            if state is State.SETTLED:
                assert amounts[intent.key] == to_minor(intent.amount)
        known = {intent.key for intent, _ in rows}
        assert set(by_key) <= known, "a move that no ledger knows"
        ledger = Ledger(self.state, may_write=False)
        assert broken_link(ledger) is None
        ledger.close()


def started(home: Path, semantics: Semantics | None = None, **options: Any) -> World:
    """A world whose sandbox serves; `stop` its `running` at the end."""
    clock = MovableClock(start=START)
    sandbox = Sandbox(
        book=small_book(START, semantics), clock=clock, quota=Quota(QUOTAS, multiplier=0)
    )
    return World(RunningSandbox(sandbox).start(), home, **options)
