"""Everything a person can do to budgetd, in any order: the commands, the files, the accidents.

The provider's book is the judge. Time is the sandbox's clock, which `clock.now` is made to
follow; a crash is an end of the process before or after a commit.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from budgetd.core.intent import FINAL, State
from budgetd.ledger import proposals
from budgetd.ledger.looking import broken_link
from budgetd.ledger.store import Ledger
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.nouns import Account, Instrument, Kind, Move
from budgetd.sandbox.running import RunningSandbox

from .site import Site, small_sandbox

MOVED = ("acme_prod_web", "acme_prod_db", "acme_idle")
UP = """\
  - name: up
    accounts: {name: [acme_prod_web, acme_prod_db]}
    top_up: {when: {below: 500.00}, to: 2000.00}
"""
HOME = """\
  - name: home
    accounts: {name: acme_idle}
    reclaim: {when: {above: 2500.00}, keep: 2000.00}
"""
POLICIES = (
    UP + HOME,
    UP.replace("to: 2000.00", "to: 2300.00"),
    UP + "    mode: propose\n" + HOME,
    UP + "    cooldown: 1h\n    caps: {account_per_day: 1700.00}\n" + HOME,
    UP.replace("to: 2000.00", "add: 700.00") + HOME + "    mode: propose\n",
)
HIGHEST = 2300_00
CODES = {0, 1, 2, 4, 5, 6, 7}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def dying_at(commit: int, *, after: bool) -> Iterator[None]:
    """Ends the process at its so-and-so-many-th commit, just before or just after it."""
    writing: Callable[[Ledger], object] = Ledger.writing
    seen = Counter[str]()

    @contextmanager
    def counted(ledger: Ledger) -> Iterator[None]:
        seen["commits"] += 1
        is_last = seen["commits"] == commit
        with writing(ledger):  # type: ignore[attr-defined]  # a context manager
            yield
            if is_last and not after:
                raise Killed
        if is_last:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "writing", counted)
        yield


class Budgetd(RuleBasedStateMachine):
    """One enterprise, one state file, one person."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = ExitStack()
        self.home = Path(tempfile.mkdtemp(prefix="machine-"))
        self.ends.callback(shutil.rmtree, self.home)
        sandbox = small_sandbox()
        self.clock, self.book = sandbox.clock, sandbox.book
        self.running = self.ends.enter_context(RunningSandbox(sandbox))
        patch = self.ends.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("budgetd.clock.now", self.clock.now)
        self.site = Site(self.home, self.running.url)
        self.by_hand = Counter[str]()
        self.backups: list[Path] = []
        self.is_strange = False
        self.has_forgotten = False
        self.paused = False

    def teardown(self) -> None:
        """Ends the sandbox and removes the files."""
        self.ends.close()

    # What a person does

    @initialize()
    def begin(self) -> None:
        """A first cycle, so that there is a state."""
        self.write(0)
        assert self.run("apply", "--yes").exit_code == 0

    def write(self, policy: int) -> None:
        self.site.write(policy=f"version: 1\npolicy: p\nrules:\n{POLICIES[policy]}")

    def run(self, *arguments: str) -> Result:
        """One command; it ends with a code of the contract and never with a traceback."""
        before = len(self.book.moves)
        result = self.site.run(*arguments)
        assert result.exit_code in CODES, result.output
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        if self.is_strange or self.paused:
            assert len(self.book.moves) == before, "moved while it may not"
        return result

    @rule(policy=st.integers(0, len(POLICIES) - 1))
    def edit(self, policy: int) -> None:
        """Edits the policy."""
        self.write(policy)

    @rule()
    def plan(self) -> None:
        """A dry run changes nothing at all."""
        before = len(self.book.moves), self.seq()
        assert self.run("plan").exit_code in (0, 5)
        assert (len(self.book.moves), self.seq()) == before

    @rule(is_saved=st.booleans())
    def apply(self, is_saved: bool) -> None:
        """One cycle, of a saved plan or of a fresh one."""
        if not is_saved:
            self.run("apply", "--yes")
            return
        path = str(self.home / "plan.json")
        if self.run("plan", "--out", path).exit_code in (0, 5):
            self.run("apply", path, "--yes")
            assert self.run("apply", path, "--yes").exit_code in (1, 6, 7)

    @rule(commit=st.integers(1, 16), after=st.booleans())
    def crash(self, commit: int, after: bool) -> None:
        """A cycle whose process ends at some commit."""
        before = len(self.book.moves)
        with dying_at(commit, after=after), pytest.MonkeyPatch.context(), suppress(Killed):
            self.site.run("apply", "--yes")
        if self.is_strange or self.paused:
            assert len(self.book.moves) == before

    @rule(approves=st.booleans())
    def decide(self, approves: bool) -> None:
        """Decides every proposal that is open."""
        ledger = Ledger(self.site.state, may_write=False)
        found = [one.id for one in proposals.live(ledger) if one.state == "open"]
        ledger.close()
        for name in found:
            words = ("approve", name, "--yes") if approves else ("reject", name, "--reason", "no")
            self.run(*words)

    @rule()
    def pause(self) -> None:
        """Pauses everything."""
        self.paused = self.run("pause", "--reason", "a look first").exit_code == 0

    @rule()
    def resume(self) -> None:
        """Ends every pause, the latched ones too."""
        assert self.run("resume", "--reason", "looked at it").exit_code == 0
        self.paused = False

    @rule(
        who=st.sampled_from(MOVED),
        minor=st.integers(1, 500_00),
        is_reclaim=st.booleans(),
    )
    def move_by_hand(self, who: str, minor: int, is_reclaim: bool) -> None:
        """Moves an amount by hand: all of it or nothing."""
        amount = f"{minor // 100}.{minor % 100:02}"
        words = ("transfer", who, amount, "--reason", "because", "--yes")
        account = self.account(who)
        before = account.cash.amount
        result = self.run(*words, *(("--reclaim",) if is_reclaim else ()))
        change = account.cash.amount - before
        assert change in (0, -minor if is_reclaim else minor), result.output
        self.by_hand[who] += max(change, 0)

    @rule()
    def back_up(self) -> None:
        """Copies the state while nothing runs."""
        copy = self.home / f"backup-{len(self.backups)}.db"
        ledger = Ledger(self.site.state, may_write=True)
        ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.close()
        shutil.copy(self.site.state, copy)
        self.backups.append(copy)

    @precondition(lambda self: self.backups)
    @rule(place=st.integers(0, 9))
    def restore(self, place: int) -> None:
        """Puts a backup in the place of the state: what happened since is forgotten."""
        for name in ("-wal", "-shm"):
            self.site.state.with_name(self.site.state.name + name).unlink(missing_ok=True)
        shutil.copy(self.backups[place % len(self.backups)], self.site.state)
        self.has_forgotten = True
        self.is_strange = self.has_lost()
        ledger = Ledger(self.site.state, may_write=False)
        self.paused = any(not pause.is_latched for pause in ledger.pauses())
        ledger.close()

    @rule()
    def adopt(self) -> None:
        """Adopts the state; a stranger is held still until readings can show what it forgot."""
        was_strange = self.is_strange
        self.run("adopt", "--reason", "it is what there is", "--yes")
        self.is_strange = False
        if was_strange:
            self.pass_time(50)

    # What happens by itself

    @rule(minutes=st.sampled_from((1, 7, 16, 50, 24 * 60)))
    def pass_time(self, minutes: int) -> None:
        """Time passes."""
        self.clock.advance(timedelta(minutes=minutes))

    @rule(who=st.sampled_from(MOVED[:2]), minor=st.integers(1, 900_00))
    def spend(self, who: str, minor: int) -> None:
        """An account spends."""
        self.book.spend(self.account(who).id, minor, self.clock.now())

    @rule(kind=st.sampled_from((FaultKind.LOST_AFTER, FaultKind.ERROR_500_AFTER)))
    def misfortune(self, kind: FaultKind) -> None:
        """The answer to the next transfer is lost."""
        self.running.sandbox.faults.clear()
        self.running.sandbox.faults.order(FaultOrder(kind=kind, method="POST"))

    @rule(minor=st.integers(1, 900_00))
    def console(self, minor: int) -> None:
        """Somebody gives money to an account in the provider's own console."""
        account = self.account("acme_idle")
        move = Move(
            kind=Kind.ALLOCATE,
            customer_id=account.id,
            instrument=Instrument.CASH,
            amount=minor,
            by_hand=True,
        )
        self.book.move(move, self.clock.now())

    # What must hold, whatever was done

    @invariant()
    def nothing_moves_twice(self) -> None:
        """No key moves twice, no money is made or lost."""
        keys = Counter(moved.move.key for moved in self.book.moves if not moved.move.by_hand)
        assert all(count == 1 for count in keys.values())
        assert all(line.holds for line in self.book.conservation())

    @invariant()
    def nobody_gets_more_than_a_rule_may_lift_to(self) -> None:
        """Never more than the highest target of any policy, and what was given by hand."""
        for who in MOVED[:2]:
            assert self.account(who).cash.amount <= HIGHEST + self.by_hand[who], who

    @invariant()
    def the_ledger_tells_no_lie(self) -> None:
        """A final state is the book's, and every movement is known to a ledger that was never
        set back."""
        if not self.site.state.exists():
            return
        ledger = Ledger(self.site.state, may_write=False)
        try:
            assert broken_link(ledger) is None
            amounts = {moved.move.key: moved.amount for moved in self.book.moves}
            rows = ledger.connection.execute("SELECT key, state, amount FROM intent").fetchall()
            for key, state, amount in rows:
                if State(str(state)) in FINAL and not self.has_forgotten:
                    assert (state == State.SETTLED) == (key in amounts), state
                if state == State.SETTLED:
                    assert amounts[str(key)] == amount
            if not self.has_forgotten:
                ours = {m.move.key for m in self.book.moves if not m.move.by_hand}
                assert ours <= {str(key) for key, _, _ in rows}
        finally:
            ledger.close()

    # Looking

    def account(self, name: str) -> Account:
        return next(one for one in self.book.accounts.values() if one.name == name)

    def seq(self) -> int:
        ledger = Ledger(self.site.state, may_write=False)
        try:
            return ledger.last_seq()
        finally:
            ledger.close()

    def has_lost(self) -> bool:
        """Whether the state knows fewer events than were written here."""
        witness = self.site.state.with_name(self.site.state.name + ".seen")
        return self.seq() < int(witness.read_text("ascii").split()[1])
