"""SIGKILL at random moments, again and again, with a provider that loses a tenth of its answers.

`python -m tests.crashes.kills --kills 300 --seed 1` is the campaign; a test runs a short one.
Judged by the provider's book, against which the ledger's claims are held, too.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crashes.lives import last_readings, open_accounts, open_states
from tests.crashes.scene import FAULTS, TARGET, TRIGGER, USUAL, Beliefs, Scene, scene

from budgetd.sandbox.nouns import Account
from budgetd.sandbox.semantics import semantics_of

LATENCY_S = 0.004
PATIENCE_S = 0.8
KILLS_A_DEAD_TIME = 12
MOST_ROUNDS = 8
DEAD_TIME_MINUTES = 50


@dataclass(slots=True)
class Tally:
    """What a campaign came to: kills by what they hit, and what the book has against us."""

    kills: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    moves: int = 0
    posts: int = 0
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        hits = ", ".join(f"{count} {name}" for name, count in sorted(self.hits.items()))
        return (
            f"{self.kills} kills ({hits}), {self.posts} posts, {self.moves} movements, "
            f"{self.rounds} rounds to settle, {len(self.wrong)} wrong, "
            f"{len(self.unsettled)} unsettled, {self.seconds:.0f} s"
        )


@dataclass(slots=True, kw_only=True)
class Campaign:
    """Lives and their ends on one scene."""

    place: Scene
    dice: random.Random
    tally: Tally = field(default_factory=Tally)

    def run(self, kills: int) -> Tally:
        """One cycle in peace, so many kills, then peace until all is settled."""
        begun = time.monotonic()
        self._one_cycle()
        self.place.sandbox.latency_s = LATENCY_S
        self.place.sandbox.faults.rates.update(FAULTS)
        while self.tally.kills < kills:
            self._live_on()
            self._kill_one()
        self.place.sandbox.faults.clear()
        self._settle()
        self.place.look()
        self.place.look_at_ledger()
        self.tally.wrong = self.place.wrong
        self.tally.unsettled = self.place.unsettled()
        self.tally.moves, self.tally.posts = self.place.moves(), self.place.sandbox.arrived
        self.tally.seconds = time.monotonic() - begun
        return self.tally

    def _one_cycle(self) -> None:
        self.place.lives.end_of(self.place.lives.start(self.place.life()))

    def _kill_one(self) -> None:
        pid = self.place.lives.start(self.place.life(cycles=0))
        self._await_moment()
        os.kill(pid, signal.SIGKILL)
        code = self.place.lives.end_of(pid)
        if code != -signal.SIGKILL:
            self.place.wrong.append(f"a life ended by itself with {code}; see the log")
        self.tally.kills += 1
        self.place.look_at_ledger()
        states = open_states(self.place.site.state)
        self.tally.hits[str(max(states, default="nothing open"))] += 1

    def _await_moment(self) -> None:
        """Mostly while a movement is under way: on its way, being done, or its answer coming."""
        box, dice = self.place.sandbox, self.dice
        count = dice.randrange(1, 4)
        arrived, done, seen = box.arrived + count, box.done + count, len(box.seen) + 9 * count
        moments: tuple[tuple[Callable[[], bool], float], ...] = (
            (lambda: box.arrived >= arrived, 0.003),
            (lambda: box.arrived >= arrived, 0.006),
            (lambda: box.done >= done, 0.004),
            (lambda: box.done >= done, 0.02),
            (lambda: len(box.seen) >= seen, 0.01),
        )
        has_come, most_s = dice.choice(moments)
        deadline = time.monotonic() + PATIENCE_S
        while not has_come() and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(dice.uniform(0.0, most_s))

    def _live_on(self) -> None:
        """Spending goes on, and a little time passes. An account in doubt spends less than what
        is in doubt: its burn is known to be small. What a person gives is never the amount of a
        top-up, or a record could be either's."""
        self.place.clock.advance(seconds=self.dice.randrange(5, 60))
        if self.tally.kills % KILLS_A_DEAD_TIME == KILLS_A_DEAD_TIME - 1:
            self.place.clock.advance(minutes=DEAD_TIME_MINUTES)
        held = open_accounts(self.place.site.state)
        for one in list(self.place.spenders()):
            if one.id in held:
                self.place.spend(one.id, self.dice.randrange(2, 30_00, 2))
            elif self.dice.random() < 0.8:
                self._spend(one)
        for one in list(self.place.savers()):
            if one.id not in held and one.cash.amount < TRIGGER:
                self.place.give(one.id, self.dice.randrange(900_01, 1500_00, 2))

    def _spend(self, one: Account, *, is_last: bool = False) -> None:
        """From the target to above the trigger, then below it, once that was seen: whoever is
        below it whenever it is looked at asks a person after two top-ups without effect."""
        was_seen = last_readings(self.place.site.state).get(one.id, 0) >= TRIGGER
        if (one.cash.amount == TARGET and not is_last) or not was_seen:
            room = one.cash.amount - TRIGGER - 100_00
            self.place.spend(one.id, self.dice.randrange(0, max(room, 2), 2))
        elif one.cash.amount >= TRIGGER:
            self.place.spend(one.id, one.cash.amount - self.dice.randrange(300_00, TRIGGER, 2))

    def _settle(self) -> None:
        """No faults; all is settled, spent once more, and settled to the cent."""
        self._settle_all()
        for one in list(self.place.spenders()):
            if one.cash.amount == TARGET:
                self._spend(one)
        self._settle_all()
        for one in list(self.place.spenders()):
            self._spend(one, is_last=True)
        low = [one for one in self.place.spenders() if one.cash.amount < TRIGGER]
        self._settle_all()
        if not low:
            self.place.wrong.append("nobody was below the trigger at the end")
        self.place.wrong += [
            f"{one.name} ends with {one.cash.amount}" for one in low if one.cash.amount != TARGET
        ]

    def _settle_all(self) -> None:
        """The dead time passes as often as needed."""
        for _ in range(MOST_ROUNDS):
            self._one_cycle()
            self.tally.rounds += 1
            if not self.place.unsettled() and not open_states(self.place.site.state):
                return
            self.place.clock.advance(minutes=DEAD_TIME_MINUTES)


def campaign(home: Path, kills: int, seed: int, beliefs: Beliefs = USUAL) -> Tally:
    """One campaign in an empty folder."""
    with scene(home, beliefs=beliefs) as place:
        dice = random.Random(seed)  # noqa: S311 - the dice must repeat, not surprise
        return Campaign(place=place, dice=dice).run(kills)


def main() -> int:
    """The campaign of the command line; 1 where the book has anything against us."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for state and log, which is kept")
    parser.add_argument("--belief", action="append", default=[], help="like record_lag_s=120")
    parser.add_argument("--resend", default="same_key", help="or never")
    given = parser.parse_args()
    beliefs = Beliefs(semantics=semantics_of(given.belief), resend=given.resend)
    with tempfile.TemporaryDirectory() as made:
        home = given.keep or Path(made)
        home.mkdir(exist_ok=True)
        tally = campaign(home, given.kills, given.seed, beliefs)
    print(tally, *tally.wrong, *tally.unsettled, sep="\n")
    return 1 if tally.wrong or tally.unsettled else 0


if __name__ == "__main__":
    sys.exit(main())
