"""A provider, a site and its book as the only judge: what every crash test is played on.

Twelve accounts: ten that spend and are topped up to 2,000.00, two whose excess above 200.00 comes
home. Amounts are minor units. It may not take the ledger's word for anything.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.commands.site import AK, SK, Site
from tests.crashes.clock import SharedClock
from tests.crashes.lives import Life, Lives, claimed
from tests.crashes.relay import Relay

from budgetd.core.intent import FINAL, State
from budgetd.sandbox.auth import AccessKey, SignedRequest
from budgetd.sandbox.book import Book
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.faults import FaultKind, FaultPlan
from budgetd.sandbox.fleet import MASTER_ID, ORGANIZATIONS, PROJECTS, RND, ROOT
from budgetd.sandbox.gateway import Outcome, Sandbox
from budgetd.sandbox.nouns import Account, Purse
from budgetd.sandbox.operations import QUOTAS, Operation
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox
from budgetd.sandbox.semantics import Semantics

TARGET, TRIGGER, KEEP, EXCESS = 2000_00, 1000_00, 200_00, 1000_00
POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {org: /R&D}
    top_up: {when: {below: 1000.00}, to: 2000.00}
  - name: home
    accounts: {org: /Projects}
    reclaim: {when: {above: 1000.00}, keep: 200.00}
"""
LIMITS = (
    "approval_above: 90000000.00, per_cycle: {amount: 90000000.00, transfers: 1000}, "
    "per_day: {amount: 90000000.00}"
)
FAULTS = {
    FaultKind.LOST_BEFORE: 15_000,
    FaultKind.LOST_AFTER: 30_000,
    FaultKind.ERROR_500_BEFORE: 10_000,
    FaultKind.ERROR_500_AFTER: 25_000,
    FaultKind.THROTTLED: 10_000,
    FaultKind.TIMEOUT_504_AFTER: 10_000,
}
"""How many of a million movements meet what; a tenth of them meet anything. Nothing malformed:
that stops everything until a person resumes it."""


class MoveFaults(FaultPlan):
    """Faults for movements alone: a read is only repeated, and that takes its time."""

    def choose(self, method: str, path: str, content: str = "") -> FaultKind | None:
        """None for a read."""
        return super().choose(method, path, content) if method == "POST" else None


class WatchedSandbox(Sandbox):
    """The sandbox, which tells when a movement has arrived: before it is done, and after."""

    __slots__ = ("arrived", "done", "on_arrival")

    def __init__(self, book: Book, clock: MovableClock) -> None:
        super().__init__(
            book=book,
            clock=clock,
            quota=Quota(QUOTAS, multiplier=0),
            faults=MoveFaults(),
            extra_keys={AK: AccessKey(ak=AK, sk=SK, account_id=book.master.id)},
        )
        self.arrived = self.done = 0
        self.on_arrival: Callable[[], None] = lambda: None

    def admit(self, request: SignedRequest) -> tuple[Operation, str]:
        """Counts what arrives, and says so before it is done."""
        if request.method == "POST":
            self.arrived += 1
            self.on_arrival()
        return super().admit(request)

    def perform(self, request: SignedRequest, operation: Operation, caller: str) -> Outcome:
        """Counts what was done or refused."""
        outcome = super().perform(request, operation, caller)
        self.done += request.method == "POST"
        return outcome


def book(semantics: Semantics | None) -> Book:
    """Everybody at the target, the master with plenty."""

    def account(number: int, org: str, minor: int) -> Account:
        name = f"{'spender' if org == RND else 'saver'}_{number}"
        made = Account(id=f"{number:032x}", name=name, display_name=name, org_id=org)
        made.cash = Purse(minor)
        return made

    master = Account(id=MASTER_ID, name="acme", display_name="acme", org_id=ROOT)
    master.cash = Purse(50_000_000_00)
    spenders = [account(number, RND, TARGET) for number in range(1, 11)]
    savers = [account(number, PROJECTS, KEEP) for number in range(11, 13)]
    return Book(
        master=master,
        organizations=ORGANIZATIONS,
        accounts=(*spenders, *savers),
        semantics=semantics,
    )


@dataclass(slots=True, kw_only=True)
class Scene:
    """One place: the provider's world, the folder of a site, and what was seen to be wrong."""

    home: Path
    sandbox: WatchedSandbox
    running: RunningSandbox
    relay: Relay
    site: Site
    clock: SharedClock
    lives: Lives
    wrong: list[str] = field(default_factory=list)

    def life(self, **changes: object) -> Life:
        """What a process is told here."""
        given: dict[str, object] = {
            "config": self.site.config,
            "state": str(self.site.state),
            "clock": str(self.clock.path),
            "log": str(self.home / "log"),
        }
        return Life(**(given | changes))  # type: ignore[arg-type]  # fields of Life

    def log(self) -> str:
        """All that any life has said."""
        path = self.home / "log"
        return path.read_text() if path.exists() else ""

    # What people do meanwhile

    def spend(self, account_id: str, minor: int) -> None:
        """Consumption, of what is there; looks first, because spending would hide what is wrong."""
        self.look()
        minor = min(minor, self.sandbox.book.accounts[account_id].cash.amount)
        if minor:
            self._post("spend", account=account_id, amount=_text(minor))

    def give(self, account_id: str, minor: int) -> None:
        """A person's own movement in the console."""
        self.look()
        self._post("move", kind="allocate", account=account_id, amount=_text(minor))

    def _post(self, path: str, **fields: str) -> None:
        httpx.post(f"{self.running.url}/_sandbox/{path}", json=fields).raise_for_status()

    # The judge

    def spenders(self) -> Iterator[Account]:
        """The accounts that are topped up."""
        return (one for one in self.sandbox.book.accounts.values() if one.org_id == RND)

    def savers(self) -> Iterator[Account]:
        """The accounts whose excess comes home."""
        return (one for one in self.sandbox.book.accounts.values() if one.org_id == PROJECTS)

    def look(self) -> None:
        """What must hold at any moment: no key moved twice, nobody past the target."""
        keys = Counter(one.move.key for one in self.sandbox.book.moves if not one.move.by_hand)
        self.wrong += [f"key {key} moved {count} times" for key, count in keys.items() if count > 1]
        self.wrong += [
            f"{one.name} has {one.cash.amount}"
            for one in self.spenders()
            if one.cash.amount > TARGET
        ]
        self.wrong += [
            f"{one.name} has {one.cash.amount}" for one in self.savers() if one.cash.amount < KEEP
        ]
        if not all(sums.holds for sums in self.sandbox.book.conservation()):
            self.wrong.append("money was made or lost")

    def look_at_ledger(self) -> None:
        """What the ledger claims to know, against the book: settled has moved as booked, refused,
        cancelled and void have not, and nothing moved without an attempt on record."""
        moved = {str(one.move.key): one.amount for one in self.sandbox.book.moves}
        claims = claimed(self.site.state)
        self.wrong += [
            f"key {key} is {state} of {amount}, the book has {moved.get(key)}"
            for key, (state, amount) in claims.items()
            if state in FINAL and moved.get(key) != (amount if state is State.SETTLED else None)
        ]
        ours = [str(one.move.key) for one in self.sandbox.book.moves if not one.move.by_hand]
        self.wrong += [
            f"key {key} moved, and nothing says that it was sent"
            for key in ours
            if key not in claims or claims[key][0] is State.PREPARED
        ]

    def unsettled(self) -> list[str]:
        """Accounts that are not where their rule wants them: something was lost."""
        low = [one.name for one in self.spenders() if one.cash.amount < TRIGGER]
        high = [one.name for one in self.savers() if one.cash.amount > EXCESS]
        return low + high

    def moves(self) -> int:
        """How many movements of ours there were."""
        return sum(not one.move.by_hand for one in self.sandbox.book.moves)


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """What is believed of the provider, and whether budgetd may send the same key again."""

    semantics: Semantics | None = None
    resend: str = "same_key"


USUAL = Beliefs()


@contextmanager
def scene(home: Path, *, is_relayed: bool = False, beliefs: Beliefs = USUAL) -> Iterator[Scene]:
    """A scene in an empty folder; its `relay` is between budgetd and the provider if wished."""
    clock = SharedClock(home / "clock")
    sandbox = WatchedSandbox(book(beliefs.semantics), MovableClock(clock.now))
    with RunningSandbox(sandbox) as running, Relay(running.url) as relay:
        site = Site(home, relay.url if is_relayed else running.url)
        site.write(limits=LIMITS, policy=POLICY, resend=beliefs.resend)
        with Lives.begun() as lives:
            yield Scene(
                home=home,
                sandbox=sandbox,
                running=running,
                relay=relay,
                site=site,
                clock=clock,
                lives=lives,
            )
