"""Power cuts at any point of a ledger's life: every image opened, every acknowledged commit sought.

The real `Ledger` writes through a recorded VFS. It may not write other statements than pragmas.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import apsw
from tests.crashes.disk import Disk, Image, Kind, Op, Recorder, RecordingVFS, spread
from tests.ledger.intents import AT, answer_of, intent_of, promise

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.core.pause import Pause
from budgetd.ledger import looking
from budgetd.ledger.database import LedgerError
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.recovery import cancel_unsent, doubt_interrupted
from budgetd.ledger.store import Ledger
from budgetd.ledger.switches import end_pause, set_pause

ENTERPRISE = "acme"
PAGES_BEFORE_CHECKPOINT = 24
ACCOUNTS = 20
PAUSES_A_LIFE = 4
ENDS: tuple[tuple[AnswerClass | None, ...], ...] = (
    (AnswerClass.SETTLED,),
    (AnswerClass.UNKNOWN, AnswerClass.SETTLED),
    (None,),
    (AnswerClass.REFUSED,),
    (AnswerClass.UNKNOWN,),
)
"""What the intents of one life are answered, attempt by attempt; None is an attempt cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What the caller was told is durable: the epoch, and the events up to a number."""

    epoch: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pragmas:
    """How durable a ledger is told to be; none is as it is shipped."""

    journal_mode: str = ""
    synchronous: str = ""

    @property
    def is_shipped(self) -> bool:
        """Whether the ledger's own pragmas are in force."""
        return not (self.journal_mode or self.synchronous)

    def set_on(self, ledger: Ledger) -> None:
        """Puts them in force on the ledger's own connection."""
        wanted = {"journal_mode": self.journal_mode, "synchronous": self.synchronous}
        for name, value in wanted.items():
            if value:
                ledger.connection.execute(f"PRAGMA {name} = {value}").fetchall()
        pages = PAGES_BEFORE_CHECKPOINT
        ledger.connection.execute(f"PRAGMA wal_autocheckpoint = {pages}").fetchall()


@dataclass(slots=True)
class Recording:
    """What happened to the disk, what was acknowledged after how many ops, and the true chain."""

    recorder: Recorder = field(default_factory=Recorder)
    acknowledged: dict[int, Acknowledged] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)


class WatchedLedger(Ledger):
    """The ledger, which notes what it acknowledges: all that must outlive a power cut."""

    def __init__(self, path: Path, recording: Recording) -> None:
        self._recording = recording
        super().__init__(path, may_write=True, room_bytes=0)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction; when this returns, its caller believes that it is durable."""
        with super().writing():
            yield
        done = Acknowledged(epoch=epoch_of(self), seq=self.last_seq())
        self._recording.acknowledged[len(self._recording.recorder.ops)] = done


def epoch_of(ledger: Ledger) -> int:
    """How often the lead was taken, as the file says."""
    found = ledger.connection.execute("SELECT value FROM meta WHERE name = 'epoch'").get
    return int(found or 0)


@contextmanager
def recorded(recorder: Recorder) -> Iterator[None]:
    """Every connection that is opened meanwhile is recorded."""
    vfs = RecordingVFS(recorder)
    try:
        yield
    finally:
        vfs.unregister()


def record(path: Path, pragmas: Pragmas, lives: int) -> Recording:
    """So many lives of a ledger, each with every kind of end, opened and closed as processes do."""
    recording = Recording()
    with recorded(recording.recorder):
        for life in range(lives):
            ledger = WatchedLedger(path, recording)
            pragmas.set_on(ledger)
            ledger.lead(ENTERPRISE)
            live(ledger, life)
            if pragmas.is_shipped:
                live_beside(WatchedLedger(path, recording), ledger, life)
            rows = ledger.connection.execute("SELECT hash FROM event ORDER BY seq").fetchall()
            recording.hashes = [str(row[0]) for row in rows]
            if pragmas.journal_mode:
                # Its next life opens it as the ledger does, which wants its own mode.
                ledger.connection.execute("PRAGMA journal_mode = WAL").fetchall()
            ledger.close()
    return recording


def cash(account_id: str) -> Unit:
    return Unit(account_id=account_id, instrument=Instrument.CASH)


def live(ledger: Ledger, life: int) -> None:
    """Recovery, readings, and one intent for each kind of end."""
    cancel_unsent(ledger, AT)
    doubt_interrupted(ledger, AT)
    for number, classes in enumerate(ENDS):
        at = AT + timedelta(minutes=life, seconds=number)
        names = [f"account{index:04d}" for index in range(ACCOUNTS)]
        sample = Sample(at, Decimal("12.34"))
        keep_readings(ledger, [(cash(name), sample) for name in names])
        intent = promise(ledger, intent_of(f"life{life}-{number}"))
        for answer_class in classes:
            attempt = ledger.record_attempt(intent.id, at, "hash")
            if answer_class is not None:
                ledger.record_answer(intent.id, attempt, answer_of(answer_class), at)


def live_beside(other: Ledger, ledger: Ledger, life: int) -> None:
    """A person's command on the same state while the first process goes on: two connections
    write in turn, and each of them checkpoints."""
    Pragmas().set_on(other)
    for number in range(PAUSES_A_LIFE):
        at = AT + timedelta(hours=life, seconds=number)
        pause = Pause(
            id=f"{life}-{number}", rule="", account_id=f"{number}", reason="x", by="a person", at=at
        )
        set_pause(other, pause)
        promise(ledger, intent_of(f"beside{life}-{number}"))
        end_pause(other, pause, "a person", "", at)
    other.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an image turned out to hold; `problem` says why it is not whole."""

    epoch: int = 0
    seq: int = 0
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many commits were acknowledged, images sought in, and which of them lost what."""

    commits: int = 0
    cuts: int = 0
    images: int = 0
    unborn: int = 0
    lost: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.commits} commits, {self.cuts} cuts, {self.images} images, "
            f"{self.unborn} before the first commit, {len(self.lost)} lost"
        )


@dataclass(slots=True, kw_only=True)
class Judge:
    """Opens images, each different one once."""

    path: Path
    hashes: list[str]
    is_shipped: bool
    found: dict[bytes, Found] = field(default_factory=dict)

    def look(self, image: Image) -> Found:
        """What the ledger finds in it after a restart."""
        digest = blake2b(digest_size=16)
        for name in sorted(image):
            digest.update(f"{name} {len(image[name])} ".encode())
            digest.update(image[name])
        known = self.found.get(digest.digest())
        if known is None:
            known = self.found[digest.digest()] = self._open(image)
        return known

    def _open(self, image: Image) -> Found:
        for left in self.path.parent.iterdir():
            left.unlink()
        for name, content in image.items():
            self.path.with_name(name).write_bytes(content)
        try:
            if not self.is_shipped:
                _convert(self.path)
            ledger = Ledger(self.path, may_write=True, room_bytes=0)
        except (LedgerError, apsw.Error) as problem:
            return Found(problem=f"it cannot be opened: {problem}")
        try:
            return self._read(ledger)
        except apsw.Error as problem:
            return Found(problem=f"it cannot be read: {problem}")
        finally:
            ledger.close()

    def _read(self, ledger: Ledger) -> Found:
        rows = ledger.connection.execute("SELECT hash FROM event ORDER BY seq").fetchall()
        hashes = [str(row[0]) for row in rows]
        problem = looking.damage(ledger) or _crooked(ledger)
        if looking.broken_link(ledger) is not None or hashes != self.hashes[: len(hashes)]:
            problem = "its events are not the ones that were written"
        return Found(epoch=epoch_of(ledger), seq=len(hashes), problem=problem)


def _convert(path: Path) -> None:
    """Recovers a file of another journal mode as SQLite does, so that the ledger opens it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        connection.close()


def _crooked(ledger: Ledger) -> str:
    """The first intent whose state is not the one that its last event speaks of."""
    rows = ledger.connection.execute(
        "SELECT intent.id, intent.state, event.kind, event.data FROM intent JOIN event "
        "ON event.seq = (SELECT max(seq) FROM event WHERE intent_id = intent.id)"
    ).fetchall()
    for intent_id, state, kind, data in rows:
        if state != json.loads(str(data)).get("state", kind):
            return f"{intent_id} is {state} after {kind}"
    return ""


def cuts_of(recording: Recording, most: int) -> Iterator[tuple[Acknowledged, Image]]:
    """Power cuts between all ops, with what had been acknowledged before. Where much may be
    lost, before a sync and after an acknowledgement, each way to lose one thing is taken."""
    disk, ops = Disk(), recording.recorder.ops
    done = recording.acknowledged.get(0, Acknowledged())
    for count in range(len(ops) + 1):
        if count:
            disk.pass_op(ops[count - 1])
        done = recording.acknowledged.get(count, done)
        is_grave = count in recording.acknowledged or _is_sync(ops, count)
        cuts = disk.all_cuts() if is_grave else disk.few_cuts()
        for cut in spread(cuts, most):
            yield done, disk.image(cut)


def _is_sync(ops: list[Op], index: int) -> bool:
    return index < len(ops) and ops[index].kind is Kind.SYNC


def judge(recording: Recording, path: Path, pragmas: Pragmas, most: int) -> Tally:
    """Opens the images, at most so many of one point, in an empty folder; counts those that lost
    an acknowledged commit or are not whole. One from before the first may be nothing yet."""
    path.parent.mkdir()
    judging = Judge(path=path, hashes=recording.hashes, is_shipped=pragmas.is_shipped)
    tally = Tally(commits=len(recording.acknowledged))
    for done, image in cuts_of(recording, most):
        tally.cuts += 1
        found = judging.look(image)
        if done == Acknowledged() and found.problem:
            tally.unborn += 1
            tally.reasons.add(found.problem.replace(str(path), path.name))
        elif found.problem or found.epoch < done.epoch or found.seq < done.seq:
            tally.lost.append(f"{found} after {done}")
    tally.images = len(judging.found)
    return tally
