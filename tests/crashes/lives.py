"""Brings up processes that run the real command, without the half second that python takes.

`python -m tests.crashes.lives` reads orders on stdin, one a line, and forks for each `start`. A
life is the `budgetd` command itself, again and again, under a clock and a patience that it is
handed; nothing else of it is changed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.crashes.clock import SharedClock

from budgetd import clock, cycle, wiring
from budgetd.cli import apply, main, plan
from budgetd.core.intent import State
from budgetd.core.money import to_minor
from budgetd.ledger.readings import samples
from budgetd.ledger.store import Ledger
from budgetd.report import plan_text, results_text

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (cycle, wiring, plan, plan_text, results_text)
"""What the command imports when it runs, imported once for all lives."""
LIVING: set[int] = set()
"""Lives that were started and whose end nobody has asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a process is told: the words of its command, and how often, 0 until it dies.

    With `stops_at` it stops itself, as SIGSTOP would, as soon as an intent stands so. `clock` and
    `log` are files.
    """

    config: str
    state: str
    clock: str
    log: str
    words: str = "apply --yes --format json"
    cycles: int = 1
    lock_wait_s: float = 60.0
    stops_at: str = ""

    def live(self) -> int:
        """The exit code of the last command."""
        vars(clock)["now"] = self._clock()
        vars(apply)["LOCK_WAIT_S"] = self.lock_wait_s
        code, count = 0, 0
        while not self.cycles or count < self.cycles:
            found = main(["--config", self.config, *self.words.split()], standalone_mode=False)
            code, count = int(found or 0), count + 1
        return code

    def _clock(self) -> Callable[[], datetime]:
        shared = SharedClock(Path(self.clock))
        if not self.stops_at:
            return shared.now
        wanted = State(self.stops_at)
        is_stopped = False

        def now() -> datetime:
            nonlocal is_stopped
            if not is_stopped and wanted in open_states(Path(self.state)):
                is_stopped = True
                os.kill(os.getpid(), signal.SIGSTOP)
            return shared.now()

        return now


@contextmanager
def looking(path: Path) -> Iterator[Ledger]:
    """A ledger seen from outside, as `budgetd transfers` sees it, whoever writes or has died."""
    ledger = Ledger(path, may_write=False)
    try:
        yield ledger
    finally:
        ledger.close()


def open_states(path: Path) -> list[State]:
    """Where every open intent of a ledger stands."""
    with looking(path) as ledger:
        return [ledger.state_of(intent.id) for intent in ledger.open_intents()]


def open_accounts(path: Path) -> set[str]:
    """The accounts that have an open intent."""
    with looking(path) as ledger:
        return {intent.account_id for intent in ledger.open_intents()}


def claimed(path: Path) -> dict[str, tuple[State, int]]:
    """What the ledger says of each key: where it stands, and the amount in minor units."""
    with looking(path) as ledger:
        rows = ledger.connection.execute("SELECT key, state, amount FROM intent").fetchall()
    return {str(key): (State(str(state)), int(str(amount))) for key, state, amount in rows}


def last_readings(path: Path) -> dict[str, int]:
    """The newest reading that was kept of each account, in minor units."""
    with looking(path) as ledger:
        found = samples(ledger, datetime(2000, 1, 1, tzinfo=UTC), {})
    return {account_id: to_minor(one[-1].value) for (account_id, _), one in found.items()}


def fork(life: Life) -> int:
    """Starts a life; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        log = os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for there, here in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(there, here)
        code = life.live()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def answer(line: str) -> int:
    """`start {...}` starts a life and answers its process id; `end PID` answers its exit code."""
    word, _, rest = line.partition(" ")
    if word == "start":
        pid = fork(Life(**json.loads(rest)))
        LIVING.add(pid)
        return pid
    pid, status = os.waitpid(int(rest), 0)
    LIVING.discard(pid)
    return os.waitstatus_to_exitcode(status)


@dataclass(slots=True)
class Lives:
    """The process that brings up others, for a test."""

    process: "subprocess.Popen[str]"

    @classmethod
    @contextmanager
    def begun(cls) -> "Iterator[Lives]":
        """Starts it; it ends when its stdin is closed. Lives that go on then are killed."""
        command = [sys.executable, "-m", "tests.crashes.lives"]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield cls(process)

    def start(self, life: Life) -> int:
        """Starts a life; its process id."""
        return self._ask(f"start {json.dumps(asdict(life))}")

    def end_of(self, pid: int) -> int:
        """Waits for a life to end; its exit code, negative for a signal."""
        return self._ask(f"end {pid}")

    def _ask(self, order: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


if __name__ == "__main__":
    for order in sys.stdin:
        print(answer(order), flush=True)
    for left in LIVING:
        os.kill(left, signal.SIGKILL)
