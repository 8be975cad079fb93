"""A state on a disk that becomes full at the worst moments. Runs where it may mount a tmpfs.

`unshare --user --map-root-user --mount python -m tests.crashes.full_disk FOLDER ROUNDS` plays
it and prints what it saw as JSON; the mount is gone with the process.
"""

import json
import os
import random
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.crashes.kills import Campaign
from tests.crashes.lives import open_states
from tests.crashes.scene import Scene, scene

SIZE_BYTES = 24 * 1024 * 1024
SCARCE_BYTES = 10 * 1024 * 1024


@dataclass(slots=True)
class Seen:
    """What happened. `scarce` is a start with too little room, `full` one with none."""

    scarce: int = -1
    scarce_posts: int = -1
    full: int = -1
    full_posts: int = -1
    ends: list[int] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    log: str = ""


@dataclass(slots=True)
class Disk:
    """The folder of the state, and a file that takes its room away."""

    folder: Path

    @property
    def filler(self) -> Path:
        """The file that takes the room."""
        return self.folder / "filler"

    def fill(self, leave_bytes: int = 0) -> None:
        """Leaves so much room, to the page."""
        room = os.statvfs(self.folder)
        handle = os.open(self.filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(handle).st_size
        with suppress(OSError):
            os.posix_fallocate(handle, size, max(room.f_bavail * room.f_frsize - leave_bytes, 1))
        with suppress(OSError):
            while not leave_bytes:
                os.write(handle, bytes(room.f_frsize))
        os.close(handle)

    def empty(self) -> None:
        """Makes room again."""
        self.filler.unlink(missing_ok=True)


def one_cycle(place: Scene) -> int:
    """One process; its exit code."""
    return place.lives.end_of(place.lives.start(place.life()))


def spend(place: Scene) -> None:
    """Everybody goes from above the trigger to below it, seen in between."""
    for minor in (500_00, 600_00):
        for one in list(place.spenders()):
            place.spend(one.id, minor)
        if minor == 500_00:
            one_cycle(place)


def start_without_room(place: Scene, disk: Disk, seen: Seen) -> None:
    """Nothing may be sent while an answer might find no room."""
    spend(place)
    before = place.sandbox.arrived
    disk.fill(SCARCE_BYTES)
    seen.scarce = one_cycle(place)
    seen.scarce_posts = place.sandbox.arrived - before
    disk.fill()
    seen.full = one_cycle(place)
    seen.full_posts = place.sandbox.arrived - before
    disk.empty()
    one_cycle(place)


def fill_in_the_middle(place: Scene, disk: Disk, seen: Seen, dice: random.Random) -> None:
    """The room goes when a movement has arrived, or a few commits later."""
    spend(place)
    nth = place.sandbox.arrived + dice.randrange(1, 6)
    timer = threading.Timer(dice.uniform(0.0, 0.03), disk.fill)
    strike = dice.choice((disk.fill, timer.start))

    def on_arrival() -> None:
        if place.sandbox.arrived == nth:
            strike()

    place.sandbox.on_arrival = on_arrival
    seen.ends.append(one_cycle(place))
    place.sandbox.on_arrival = lambda: None
    if timer.ident is not None:
        timer.join()
    disk.empty()
    for state in open_states(place.site.state):
        seen.left[str(state)] = seen.left.get(str(state), 0) + 1
    place.look_at_ledger()
    place.clock.advance(minutes=1)
    one_cycle(place)
    place.look()


def play(home: Path, rounds: int) -> Seen:
    """The whole of it, on a tmpfs that is mounted where the state will be."""
    state = home / "state"
    state.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(state)]
    subprocess.run(command, check=True)
    seen, disk = Seen(), Disk(state)
    dice = random.Random(rounds)  # noqa: S311 - the dice must repeat, not surprise
    with scene(home) as place:
        one_cycle(place)
        start_without_room(place, disk, seen)
        for _ in range(rounds):
            fill_in_the_middle(place, disk, seen, dice)
        tally = Campaign(place=place, dice=dice).run(0)
        seen.wrong, seen.unsettled, seen.log = tally.wrong, tally.unsettled, place.log()
    return seen


if __name__ == "__main__":
    print(json.dumps(asdict(play(Path(sys.argv[1]), int(sys.argv[2])))))
