"""The stage of one schedule: simulated time, what waits for its turn, points at which a process
may die, and what happened.

It may not know the product.
"""

import heapq
import types
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from budgetd.sandbox.book import Book
from budgetd.sandbox.nouns import Moved

from .enterprise import ALL_SETUPS, START, book_of
from .script import Dice, Script


class Killed(BaseException):
    """The process ends here: nothing of the product catches it."""


@types.coroutine
def wait(length_s: float) -> Generator[float, None, None]:
    """Gives the turn back for so long; the driver resumes, or never does."""
    yield length_s


@dataclass(slots=True, eq=False)
class Post:
    """One POST as a process sent it. `deliveries` counts how often the gateway ran it."""

    number: int
    process: int
    key: str
    body: bytes
    signed_at: datetime
    sent_at: datetime
    deliveries: int = 0


@dataclass(slots=True, eq=False)
class Execution:
    """A movement in the book and the POST that made it; `is_repeat` when the gateway ran the
    same POST again by itself."""

    post: Post
    moved: Moved
    is_repeat: bool


@dataclass(slots=True)
class Coverage:
    """What was reached, by table and name."""

    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, table: str, name: str) -> None:
        """Counts one."""
        self.seen[table, name] += 1


class Stage:
    """Time, turns and truth of one schedule."""

    def __init__(self, script: Script, coverage: Coverage) -> None:
        self.script = script
        self.coverage = coverage
        self.now_s = 0.0
        self.begins = START + timedelta(seconds=script.start_s)
        self.setup = ALL_SETUPS[script.setup]
        self.book: Book = book_of(self.setup, script.semantics, self.begins, script.places)
        self.stopped_until_s = 0.0
        self.healed_at: datetime | None = None
        self.is_over = False
        self.served: dict[tuple[str, str], float] = {}
        self.by_hand: Counter[tuple[str, str]] = Counter()
        self.posts: list[Post] = []
        self.executions: list[Execution] = []
        self.violations: list[str] = []
        self.story: list[str] = []
        self.keeps_story = False
        self.lock_owner: int | None = None
        self.waits = 0
        self.asked: dict[str, datetime] = {}
        self.approved: Counter[str] = Counter()
        self.underway = 0
        self.newest_epoch = 0
        self.dice = Dice(script.seed)
        self.peaceful_cycles = 0
        self.reads = 0
        self._points: Counter[str] = Counter()
        self._turns: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    @property
    def is_healed(self) -> bool:
        """Whether the faults have ended."""
        return self.healed_at is not None

    def now(self) -> datetime:
        """The provider's clock."""
        return self.begins + timedelta(seconds=self.now_s)

    def our_now(self) -> datetime:
        """The clock of the host that budgetd runs on, which may be off the provider's."""
        skew_s = 0.0 if self.is_healed else self.script.skew_s
        return self.begins + timedelta(seconds=self.now_s + skew_s)

    def later(self, length_s: float, act: Callable[[], None]) -> None:
        """Lets something happen in so many seconds."""
        heapq.heappush(self._turns, (self.now_s + length_s, next(self._order), act))

    def next_at_s(self) -> float | None:
        """When something happens next."""
        return self._turns[0][0] if self._turns else None

    def play_next(self) -> None:
        """Passes the time to the next thing, and lets it happen."""
        at_s, _, act = heapq.heappop(self._turns)
        self.now_s = max(self.now_s, at_s)
        act()

    def forget(self) -> None:
        """Lets go of what would still happen, and so of everybody whom it would happen to."""
        self._turns.clear()

    def reach(self, kind: str) -> None:
        """A point at which a process may die; raises `Killed` where it does."""
        number = self._points[kind]
        self._points[kind] += 1
        if not self.is_healed and (kind, number) in self.script.deaths:
            self.coverage.note("deaths", kind)
            self.tell(f"dies at {kind} {number}")
            raise Killed

    def stop_s(self) -> float:
        """For how long a process is stopped at this wait of its."""
        number = self.waits
        self.waits += 1
        if self.is_healed:
            return 0.0
        length_s = self.script.stops.get(number, 0.0)
        if length_s:
            self.stopped_until_s = max(self.stopped_until_s, self.now_s + length_s)
            self.coverage.note("deaths", "stopped")
            self.tell(f"stopped for {length_s} s")
        return length_s

    @property
    def repeats(self) -> list[Execution]:
        """What the gateway made of a POST that it ran more than once."""
        return [one for one in self.executions if one.post.deliveries > 1]

    def executed(self, post: Post, moved: Moved, *, is_repeat: bool) -> None:
        """Keeps which POST made which movement."""
        self.executions.append(Execution(post, moved, is_repeat))
        self.tell(f"  book: {moved.move.kind} {moved.amount} {moved.move.customer_id[:2]}")

    def violate(self, rule: str, what: str) -> None:
        """A broken invariant."""
        self.violations.append(f"{rule}: {what}")
        self.tell(f"VIOLATION {rule}: {what}")

    def tell(self, what: str) -> None:
        """One line of the story, where somebody wants it."""
        if self.keeps_story:
            self.story.append(f"{self.now_s:9.1f} {what}")
