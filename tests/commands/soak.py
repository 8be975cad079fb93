"""A long run of the real daemon on the real sandbox: `make soak N=20` (minutes).

2,000 accounts that spend, 5 % faults, the provider's quota. Looked at are memory and file
descriptors, how old readings grow, what met the quota, and a stop under load; the sandbox's book
judges the money.
"""

import json
import random
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import Any

from budgetd.core.intent import State
from budgetd.ledger.readings import histories
from budgetd.ledger.store import Ledger
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK

from .running import Running
from .site import BUDGETD

ACCOUNTS = 2000
STALENESS = timedelta(minutes=8)
FAULTS = {
    "lost_before": "0.01",
    "lost_after": "0.01",
    "error_500_before": "0.005",
    "error_500_after": "0.005",
    "timeout_504_before": "0.005",
    "timeout_504_after": "0.005",
    "throttled": "0.005",
    "stale_read": "0.005",
}
CONFIG = """\
enterprise: acme
mode: enforce
provider:
  endpoint: {endpoint}
  timeout: 5s
  credentials: {{access_key: file:{home}/ak, secret_key: file:{home}/sk}}
state: sqlite:///{home}/budgetd.db
policies: {home}/policies
timezone: UTC
polling: {{max_staleness: 8m, act_within: 2m}}
web: {{listen: "127.0.0.1:{port}"}}
limits:
  reserve: 1.00
  approval_above: 9000000.00
  per_day: {{amount: 9000000.00}}
  per_cycle: {{amount: 9000000.00, transfers: 5000, share_of_accounts: 100%}}
"""
POLICY = """\
version: 1
policy: soak
rules:
  - name: up
    accounts: all
    top_up: {when: {below: 300.00}, to: 400.00}
"""
MOST_GROWTH = 1.05
STOP_S = 10.0


@dataclass
class Samples:
    """What the process uses, every five seconds: resident bytes, file descriptors."""

    pid: int
    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def take(self) -> None:
        """One look."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        self.memory.append(int(line.split()[1]) * 1024)
        self.descriptors.append(len(list(Path(f"/proc/{self.pid}/fd").iterdir())))


def ask(url: str, said: object = None) -> Any:
    """The answer of the sandbox's control surface."""
    data = None if said is None else json.dumps(said).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


@contextmanager
def sandbox(port: int) -> Iterator[str]:
    """The sandbox as a process, with a seeded fleet and 5 % faults."""
    options = [f"--fault={kind}={rate}" for kind, rate in FAULTS.items()]
    command = [str(BUDGETD), "sandbox", f"--port={port}", f"--accounts={ACCOUNTS}", *options]
    process = Popen(command, stdout=PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


class Spending(threading.Thread):
    """Spends from accounts at random, so that some are topped up all the time."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(daemon=True)
        self.endpoint = endpoint
        self.over = threading.Event()
        accounts = ask(f"{endpoint}/_sandbox/state")["accounts"]
        self.ids = [one["id"] for one in accounts if one["status"] == 1]

    def run(self) -> None:
        """One account every tenth of a second: about a hundred top-ups a sweep."""
        dice = random.Random(5)  # noqa: S311 - the dice must repeat, not surprise
        while not self.over.wait(0.1):
            amount = f"{dice.randint(5, 100)}.{dice.randint(0, 99):02}"
            ask(
                f"{self.endpoint}/_sandbox/spend",
                {"account": dice.choice(self.ids), "amount": amount},
            )


def oldest_gap(state: Path, until: datetime) -> timedelta:
    """The longest time an account went without a good reading, up to an instant."""
    ledger = Ledger(state, may_write=False)
    reads: dict[str, list[datetime]] = defaultdict(list)
    for unit, kept in histories(ledger, until - timedelta(days=1)):
        reads[unit.account_id] += [one.read_at for one in kept]
    ledger.close()
    return max(
        later - one for times in reads.values() for one, later in pairwise([*sorted(times), until])
    )


def moved(endpoint: str, state: Path) -> tuple[int, int, int]:
    """Moves in the book, moves the ledger has settled, and intents that stay open."""
    book = ask(f"{endpoint}/_sandbox/state")
    assert book["conserved"], book["conservation"]
    keys = [one["key"] for one in book["moves"] if not one["by_hand"]]
    assert len(keys) == len(set(keys)), "a key moved twice"
    ledger = Ledger(state, may_write=False)
    moves = ledger.moves(datetime(2020, 1, 1, tzinfo=UTC))
    ledger.close()
    settled = sum(move.state is State.SETTLED for move in moves)
    return len(keys), settled, sum(move.is_open for move in moves)


def soak(home: Path, minutes: float) -> None:
    """The whole run; raises `AssertionError` where something is not as it should be."""
    with sandbox(8731) as endpoint:
        (home / "config.yaml").write_text(CONFIG.format(endpoint=endpoint, home=home, port=8732))
        (home / "policies").mkdir()
        (home / "policies" / "soak.yaml").write_text(POLICY)
        for name, text in (("ak", SANDBOX_AK), ("sk", SANDBOX_SK)):
            (home / name).write_text(text)
            (home / name).chmod(0o600)
        ask(f"{endpoint}/_sandbox/fund", {"account": master(endpoint), "amount": "5000000.00"})
        spending = Spending(endpoint)
        with Running(home / "config.yaml") as daemon:
            samples = Samples(daemon.process.pid)
            daemon.wait_for("daemon_started")
            spending.start()
            deadline = time.monotonic() + minutes * 60
            while time.monotonic() < deadline:
                time.sleep(5)
                samples.take()
                assert daemon.process.poll() is None, daemon.errors
            text = (
                urllib.request.urlopen("http://127.0.0.1:8732/metrics", timeout=10).read().decode()
            )
            daemon.wait_for("attempt_answered", since=len(daemon.log), patience_s=900)
            begun = datetime.now(UTC)  # noqa: TID251 - the machine's own clock
            stop_s = daemon.stop()
            assert daemon.process.returncode == 0, daemon.errors
            log = list(daemon.log)
        spending.over.set()
        spending.join()
        tell(samples, log, text)
        gap = oldest_gap(home / "budgetd.db", begun)
        print(f"oldest reading {gap}, bound {STALENESS}; stopped under load in {stop_s:.2f} s")
        ask(f"{endpoint}/_sandbox/faults", {"clear": 1})
        with Running(home / "config.yaml") as daemon:
            daemon.wait_for("cycle_ended", patience_s=900)
            daemon.stop()
        book, settled, still_open = moved(endpoint, home / "budgetd.db")
        print(f"{book:,} moves in the book, {settled:,} settled in the ledger, {still_open} open")
        judge(samples, gap, stop_s)
        assert settled <= book <= settled + still_open


def master(endpoint: str) -> str:
    """The master's id."""
    return str(ask(f"{endpoint}/_sandbox/state")["master"]["id"])


def tell(samples: Samples, log: list[dict[str, Any]], text: str) -> None:
    """What was seen, for people."""
    cycles = [event for event in log if event["event"] == "cycle_ended"]
    states: dict[str, int] = defaultdict(int)
    for event in cycles:
        for state, count in event["transfers"].items():
            states[state] += count
    every = max(1, len(samples.memory) // 10)
    memory = [round(one / 1e6, 1) for one in samples.memory[::every]]
    print(f"{len(cycles)} cycles, transfers {dict(states)}")
    print(f"stopped: {[one['stopped'] for one in cycles if one['stopped']]}")
    print(f"memory MB, by tenths of the run: {memory}")
    print(f"descriptors: {min(samples.descriptors)} to {max(samples.descriptors)}")
    for name in ("calls_total", "throttled_total"):
        counts = [
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.startswith(f"budgetd_provider_{name}")
        ]
        print(f"provider {name}: {sum(counts):.0f}")


def judge(samples: Samples, gap: timedelta, stop_s: float) -> None:
    """What must hold."""
    half, tenth = len(samples.memory) // 2, max(1, len(samples.memory) // 10)
    early = median(samples.memory[half - tenth : half])
    late = median(samples.memory[-tenth:])
    assert late <= early * MOST_GROWTH, f"memory grew from {early / 1e6:.1f} to {late / 1e6:.1f} MB"
    assert max(samples.descriptors[half:]) <= max(samples.descriptors[:half])
    assert gap <= STALENESS, f"a reading was {gap} old"
    assert stop_s < STOP_S


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        soak(Path(folder), float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
