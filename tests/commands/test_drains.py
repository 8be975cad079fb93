"""The daemon beside a server that knows nothing of it, whose accounts lose money all the time.

The server's book is the judge: how long each account stayed below its trigger, and whether the
money in it is what was there, less what was spent.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from budgetd.core.intent import State
from budgetd.ledger.store import Ledger

from .plain_server import Bank, Member, PlainServer
from .running import Running
from .site import AK, SK, Site

SECONDS = float(os.environ.get("DRAINING_S", "24"))
STALENESS_S = 4.0
CYCLE_S = 4.0
ELSEWHERE = {
    "no such API: GET /v2/accounts/customer-accounts/account-change-records",
    "no such API: POST /v4/costs/cost-analysed-bills/query",
}
"""Records and costs are no part of this server: it says so, and that proves nothing."""
TRIGGER = Decimal("500.00")
POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {org: "/R&D/**"}
    top_up: {when: {below: 500.00}, to: 2000.00}
"""
LIMITS = (
    "per_cycle: {amount: 9999999.00, transfers: 9999, share_of_accounts: 100%}, "
    "per_day: {amount: 9999999.00}, reflected_after: 1s, approval_above: 9999999.00"
)


@dataclass
class Drain:
    """Spends from the accounts, and looks at how long each lies below its trigger."""

    bank: Bank
    rate: tuple[int, int] = (20, 160)
    spent: Decimal = Decimal(0)
    worst_s: float = 0.0
    _below: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Drain":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._stop.set()
        self._thread.join()

    def forgive(self) -> None:
        """What lies below now counts anew: the daemon has been away."""
        with self.bank.lock:
            self._below.clear()

    def _run(self) -> None:
        dice = random.Random(4)  # noqa: S311 - the dice must repeat, not surprise
        while not self._stop.wait(0.1):
            with self.bank.lock:
                for account_id, member in self.bank.members.items():
                    # Cents fall every tenth of a second; a master may only lend what is there.
                    amount = min(Decimal(dice.randint(*self.rate)) / 10, member.cash)
                    member.cash -= amount
                    self.spent += amount
                    self._look(account_id, member, time.monotonic())

    def _look(self, account_id: str, member: Member, now: float) -> None:
        if member.cash >= TRIGGER:
            self._below.pop(account_id, None)
            return
        since = self._below.setdefault(account_id, now)
        self.worst_s = max(self.worst_s, now - since)


@pytest.fixture
def server() -> Iterator[PlainServer]:
    members = {
        f"{number:032x}": Member(f"account-{number}", "5001", Decimal(400 + 40 * number))
        for number in range(20)
    }
    bank = Bank(members, Decimal("9000000.00"), Decimal("0.00"), {})
    with PlainServer(bank, AK, SK) as started:
        yield started


@pytest.fixture
def draining(tmp_path: Path, server: PlainServer) -> Site:
    return site_of(tmp_path, server)


def site_of(home: Path, server: PlainServer) -> Site:
    made = Site(home, server.url)
    made.write(policy=POLICY, limits=LIMITS)
    path = home / "config.yaml"
    # The other server has no quota; what is measured is the daemon's own pace.
    text = path.read_text().replace("timeout: 1s", "timeout: 5s")
    path.write_text(f"{text}polling: {{max_staleness: {STALENESS_S:.0f}s, act_within: 2s}}\n")
    return made


def held(bank: Bank) -> Decimal:
    return bank.cash + sum(member.cash for member in bank.members.values())


def test_no_funded_account_stays_below_its_trigger(draining: Site, server: PlainServer) -> None:
    before = held(server.bank)
    with Drain(server.bank) as drain, Running(Path(draining.config)) as daemon:
        daemon.wait_for("cycle_ended")
        drain.forgive()
        drain.worst_s = 0.0
        time.sleep(SECONDS)
        worst_s = drain.worst_s
        assert daemon.stop() < 10
        assert daemon.process.returncode == 0, daemon.errors
    assert worst_s <= STALENESS_S + CYCLE_S
    assert len(server.bank.moves) > 20
    assert held(server.bank) == before - drain.spent
    assert set(server.complaints) <= ELSEWHERE
    assert all(what == "transfer-amount" for what, _, _ in server.bank.moves)
    # The last one may have been cut off by the stop.
    ended = daemon.events("cycle_ended")[:-1]
    assert not [event["stopped"] for event in ended if event["stopped"]]


def test_killed_and_started_at_random_the_books_still_balance(
    draining: Site, server: PlainServer
) -> None:
    before = held(server.bank)
    dice = random.Random(11)  # noqa: S311 - as above
    with Drain(server.bank) as drain:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with Running(Path(draining.config)) as daemon:
                daemon.wait_for("cycle_began")
                time.sleep(dice.uniform(0.0, 1.5))
        with Running(Path(draining.config)) as daemon:
            # What was in doubt is settled by its key; then every account is served again.
            daemon.wait_for("cycle_ended", count=3)
            assert daemon.stop() < 10
            assert daemon.process.returncode == 0, daemon.errors
    assert held(server.bank) == before - drain.spent
    assert set(server.complaints) <= ELSEWHERE
    # However often a key was sent, it moved once; and each move is one of the ledger's.
    keys = [said["trans_id"] for _, said in server.posts()]
    assert len(server.bank.moves) == len(server.bank.keys) <= len(set(keys)) <= len(keys)
    ledger = Ledger(draining.state, may_write=False)
    moves = ledger.moves(datetime(2020, 1, 1, tzinfo=UTC))
    ledger.close()
    assert {move.state for move in moves} <= {State.SETTLED, State.CANCELLED}
    settled = [f"{move.amount:.2f}" for move in moves if move.state is State.SETTLED]
    assert sorted(settled) == sorted(amount for _, _, amount in server.bank.moves)


class SlowBank(Bank):
    """Its moves take a quarter of a second each."""

    def move(self, what: str, said: dict[str, str]) -> str | None:
        """One movement, after a while."""
        time.sleep(0.25)
        return super().move(what, said)


@pytest.fixture
def server_of_many() -> Iterator[PlainServer]:
    members = {f"{number:032x}": Member(f"a{number}", "5001", Decimal(0)) for number in range(40)}
    bank = SlowBank(members, Decimal("9000000.00"), Decimal("0.00"), {})
    with PlainServer(bank, AK, SK) as started:
        yield started


def test_a_long_batch_does_not_keep_the_fleet_unread(
    tmp_path: Path, server_of_many: PlainServer
) -> None:
    bank = server_of_many.bank
    with Running(Path(site_of(tmp_path, server_of_many).config)) as daemon:
        daemon.wait_for("transfers_left")
        first = len(bank.moves)
        deadline = time.monotonic() + 60
        while len(bank.moves) < len(bank.members) and time.monotonic() < deadline:
            time.sleep(0.1)
        seen = len(daemon.log)
        daemon.wait_for("cycle_ended", since=seen)
        assert daemon.stop() < 10
    assert 0 < first < len(bank.members)
    assert sorted(name for _, name, _ in bank.moves) == sorted(
        member.name for member in bank.members.values()
    )
    assert {member.cash for member in bank.members.values()} == {Decimal(2000)}
    left = [event["transfers"] for event in daemon.events("transfers_left")]
    assert left == sorted(left, reverse=True)
    assert len(left) >= 2
    whys = [event["why"] for event in daemon.events("cycle_began")]
    assert sum("what was left" in why for why in whys) == len(left)
