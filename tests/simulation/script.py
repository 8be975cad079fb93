"""What happens in one schedule: beliefs about the provider, faults, deaths, people, time.

A script follows from its seed and is data: entries can be dropped one by one and it still
plays. It may not play itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from budgetd.sandbox.semantics import (
    DEFAULT,
    CheckOrder,
    KeyMemory,
    RecordName,
    ReturnedCoupon,
    Semantics,
)

from .enterprise import SETUPS, VARIED

T = TypeVar("T")
LONG_ENOUGH_S = 1800
"""A key is kept at least from the first sending to the last instant a resend may execute."""


WHOLE_EVERY = 20
BESIDE_EVERY, BESIDE = 16, 9
"""Of so many schedules the one in which a daemon reads while another process may lead."""


class PostFault(StrEnum):
    """What befalls one POST. `before`: nothing is done; `after`: all is, and nobody is told."""

    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_AFTER = "error_500_after"
    TIMEOUT_504_BEFORE = "timeout_504_before"
    TIMEOUT_504_AFTER = "timeout_504_after"
    TRY_AGAIN_BEFORE = "try_again_before"
    TRY_AGAIN_AFTER = "try_again_after"
    SLOW = "slow"
    THROTTLED = "throttled"
    MALFORMED = "malformed"
    STRANGE_PAIR = "strange_pair"
    NOT_SENT = "not_sent"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    BUSY = "busy"
    DELAYED = "delayed"
    REPLAYED = "replayed"
    DOUBLED = "doubled"


class ReadFault(StrEnum):
    """What befalls one read."""

    FAILED = "failed"
    STALE = "stale_read"


class Happening(StrEnum):
    """What others do at a time of their own."""

    SPEND = "spend"
    USE_COUPON = "use_coupon"
    OWN_TOP_UP = "own_top_up"
    MASTER_PAYS_IN = "master_pays_in"
    BY_HAND_OUT = "by_hand_out"
    BY_HAND_HOME = "by_hand_home"
    STATUS = "status"
    CUSTODY = "custody"
    CHECK_ITEMS = "check_items"
    PAUSE = "pause"
    RESUME = "resume"
    DISK_FULL = "disk_full"
    KILL = "kill"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Event:
    """One happening: seconds after the start, who (an account's place, or a process), how much
    (minor units, or seconds)."""

    at_s: float
    what: Happening
    who: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All of one schedule. `posts` and `reads` are faults by number of call, `deaths` the points
    at which a process dies (kind, number), `stops` for how long (seconds) a process is stopped
    at its nth wait. Where the first process `reads_beside`, it reads without the lock, for as long
    as from one cycle to the next. Faults end after `chaos_s`. `places` are the accounts that there
    are; after so many `peaceful_cycles`, and when nothing is open any more, it is judged."""

    seed: int
    setup: str
    start_s: float = 0.0
    semantics: Semantics = DEFAULT
    resends: bool = True
    processes: int = 1
    steals_lock: bool = False
    reads_beside: bool = False
    interval_s: float = 300.0
    chaos_s: float = 1800.0
    latency_s: float = 0.5
    skew_s: float = 0.0
    reads_late: bool = False
    delay_s: float = 120.0
    has_records: bool = True
    restart_s: float = 20.0
    places: tuple[int, ...] = (0, 1, 2)
    peaceful_cycles: int = 1
    posts: Mapping[int, PostFault]
    reads: Mapping[int, ReadFault]
    deaths: frozenset[tuple[str, int]]
    stops: Mapping[int, float]
    events: tuple[Event, ...]

    def lines(self) -> list[str]:
        """The script for people."""
        plain = [
            f"{one.name}={getattr(self, one.name)}"
            for one in fields(self)
            if one.name not in ("semantics", "posts", "reads", "deaths", "stops", "events")
        ]
        beliefs = [
            f"{one.name}={getattr(self.semantics, one.name)}"
            for one in fields(self.semantics)
            if getattr(self.semantics, one.name) != getattr(Semantics(), one.name)
        ]
        lines = ["script " + " ".join(plain), "beliefs " + " ".join(beliefs)]
        lines += [f"POST {number} meets {fault}" for number, fault in sorted(self.posts.items())]
        lines += [f"read {number} meets {fault}" for number, fault in sorted(self.reads.items())]
        lines += [f"dies at {kind} {number}" for kind, number in sorted(self.deaths)]
        lines += [
            f"wait {number} lasts {length} s" for number, length in sorted(self.stops.items())
        ]
        lines += [
            f"at {event.at_s:.0f} s {event.what} who={event.who} amount={event.amount}"
            for event in self.events
        ]
        return lines


class Dice(Random):
    """Draws the parts of one script."""

    def chance(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self.random() < share

    def some(self, values: Sequence[T], share: float) -> list[T]:
        """Each of the values with this chance, one at least."""
        return [value for value in values if self.chance(share)] or [self.choice(values)]

    def semantics(self) -> Semantics:
        """Beliefs about the provider. A forgetful provider is met with resends off alone."""
        return Semantics(
            keys=self.choice((KeyMemory.ON_SUCCESS, KeyMemory.ON_SUCCESS, KeyMemory.ON_RECEIPT)),
            keys_kept_s=self.choice((None, None, None, 1800)),
            keys_shared=self.chance(0.8),
            order=self.choice(
                (CheckOrder.KEY_FIRST, CheckOrder.KEY_FIRST, CheckOrder.CHECKS_FIRST)
            ),
            record_lag_s=self.choice((0, 0, 0, 30, 300, 600)),
            busy_s=self.choice((0, 0, 0, 0, 0, 0, 2, 8, 90)),
            stale_s=self.choice((0, 0, 0, 0, 30, 600)),
            record_name=self.choice(tuple(RecordName)),
            returned_coupon=self.choice(tuple(ReturnedCoupon)),
        )

    def forgetful(self, semantics: Semantics) -> Semantics:
        """The same beliefs, but keys are not kept, or not for long."""
        never = self.chance(0.5)
        return Semantics(
            **{one.name: getattr(semantics, one.name) for one in fields(semantics)}
            | {
                "keys": KeyMemory.NEVER if never else semantics.keys,
                "keys_kept_s": None if never else self.choice((20, 120, 900)),
            }
        )

    def posts(self) -> dict[int, PostFault]:
        """Faults of POSTs, of some kinds."""
        rate = self.choice((0.0, 0.1, 0.3, 0.3, 0.6, 0.9))
        kinds = self.some(tuple(PostFault), self.choice((0.1, 0.3, 1.0)))
        draw = self.random
        return {number: self.choice(kinds) for number in range(30) if draw() < rate}

    def reads(self) -> dict[int, ReadFault]:
        """Faults of reads, of some kinds."""
        rate = self.choice((0.0, 0.0, 0.03, 0.15, 0.5))
        kinds = self.some(tuple(ReadFault), 0.5)
        draw = self.random
        return {number: self.choice(kinds) for number in range(120) if draw() < rate}

    def deaths(self) -> frozenset[tuple[str, int]]:
        """Points at which a process dies."""
        if self.chance(0.35):
            return frozenset()
        count = self.choice((1, 1, 2, 3, 6))
        reach = self.choice((8, 30, 60))
        kinds = ("commit", "commit", "wait", "wait", "other")
        return frozenset((self.choice(kinds), self.randrange(reach)) for _ in range(count))

    def stops(self, share: float) -> dict[int, float]:
        """Waits that last: a process stopped, a machine asleep."""
        if not self.chance(share):
            return {}
        lengths = (5.0, 45.0, 130.0, 600.0, 1000.0, 2000.0, 3400.0)
        return {self.randrange(80): self.choice(lengths) for _ in range(self.choice((1, 2, 5)))}

    def events(self, chaos_s: float) -> tuple[Event, ...]:
        """What others do."""
        rates = {what: self.choice((0, 0, 0, 1, 3)) for what in Happening}
        rates[Happening.SPEND] = self.choice((0, 1, 3, 8))
        rates[Happening.KILL] = self.choice((0, 0, 1))
        found = [
            Event(
                at_s=round(self.uniform(0.0, chaos_s), 1),
                what=what,
                who=self.randrange(3),
                amount=self.choice((500_00, self.randrange(1_00, 1_500_00))),
            )
            for what in Happening
            for _ in range(rates[what])
        ]
        return tuple(sorted(found))


def script_of(seed: int) -> Script:
    """The script with this number."""
    dice = Dice(seed)
    semantics, resends = dice.semantics(), dice.chance(0.85)
    if not resends and dice.chance(0.7):
        semantics = dice.forgetful(semantics)
    interval_s = dice.choice((30.0, 60.0, 60.0, 120.0, 300.0, 900.0))
    chaos_s = interval_s * dice.choice((0.5, 1, 1, 2, 4))
    processes = 2 if dice.chance(0.2) else 1
    script = Script(
        seed=seed,
        setup=_varied(dice.choice(tuple(SETUPS)), seed),
        start_s=dice.choice((0.0, 0.0, timedelta(hours=13, minutes=50).total_seconds())),
        semantics=semantics,
        resends=resends,
        processes=processes,
        steals_lock=processes == 2 and dice.chance(0.7),
        interval_s=interval_s,
        chaos_s=chaos_s,
        latency_s=dice.choice((0.1, 0.5, 3.0)),
        skew_s=dice.choice((0.0, 0.0, 0.0, 0.0, 60.0, -60.0, 200.0)),
        reads_late=dice.chance(0.5),
        delay_s=dice.choice((20.0, 120.0, 600.0, 880.0)),
        has_records=dice.chance(0.8),
        posts=_bearable(dice.posts(), semantics),
        reads=dice.reads(),
        deaths=dice.deaths(),
        stops=dice.stops(0.6 if processes == 2 else 0.25),
        events=dice.events(chaos_s),
        restart_s=dice.choice((20.0, 20.0, 20.0, 20.0, 700.0, 2000.0)),
    )
    if seed % BESIDE_EVERY == BESIDE:
        return replace(script, reads_beside=True, processes=2)
    return script


def _varied(setup: str, seed: int) -> str:
    return VARIED.get(setup, {}).get(seed % 4, setup)


def schedule_of(seed: int) -> Script:
    """The schedule with this number: one in twenty is a whole script, the others are small."""
    script = script_of(seed)
    return script if seed % WHOLE_EVERY == 0 else small(script)


def small(script: Script) -> Script:
    """One or two accounts, a cycle or two among faults, little else: most of what can go wrong
    goes wrong here, and many more of them are played."""
    dice = Dice(-1 - script.seed)
    places = dice.choice(((0,), (0,), (0,), (2,), (2,), (0, 1), (0, 2)))
    chaos_s = max(script.interval_s * 0.4, 30.0)
    events = [
        Event(
            at_s=round(event.at_s * chaos_s / script.chaos_s, 1),
            what=event.what,
            who=dice.choice(places),
            amount=event.amount,
        )
        for event in script.events
    ]
    kept = sorted(dice.sample(events, min(len(events), 3)))
    deaths = sorted(script.deaths)
    return replace(
        script,
        places=places,
        chaos_s=chaos_s,
        events=tuple(kept),
        deaths=frozenset(dice.sample(deaths, min(len(deaths), 2))),
        peaceful_cycles=dice.choice((0, 1)),
    )


def _bearable(posts: dict[int, PostFault], semantics: Semantics) -> dict[int, PostFault]:
    """No gateway that repeats a POST by itself before a provider that keeps no keys: there no
    client rule prevents a double."""
    kept_s = semantics.keys_kept_s
    if semantics.keys is not KeyMemory.NEVER and (kept_s is None or kept_s >= LONG_ENOUGH_S):
        return posts
    repeated = (PostFault.REPLAYED, PostFault.DOUBLED)
    return {number: fault for number, fault in posts.items() if fault not in repeated}
