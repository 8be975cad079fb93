"""Where a state file is at home, and the witness beside it that says how far it had come.

A file that was restored, copied or belongs to another enterprise has forgotten moves that
happened: it moves nothing until a person adopts it. It may not know transfers.
"""

import os
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import apsw

from budgetd.ledger.database import LedgerError, make_private

MACHINE = Path("/etc/machine-id")
_WIDTH = 128
_GONE = "the state that was in use here is gone, and this one is new"


class ForeignStateError(LedgerError):
    """The state file is not the one that was last written here; the message says how so."""


@lru_cache(maxsize=16)
def witness_path(path: Path) -> Path:
    """The witness of a state file."""
    return path.with_name(path.name + ".seen")


def come_home(connection: apsw.Connection, path: Path, enterprise: str) -> dict[str, str]:
    """What the file says of itself once it is at home here, a new one from now on; inside the
    caller's transaction. Raises `ForeignStateError` for a strange one."""
    known = _meta(connection)
    why = _strangeness(connection, path, enterprise, known)
    if why:
        raise ForeignStateError(
            f"{path}: {why}. What was moved since may be missing in it, so nothing is moved; see "
            "docs/operations.md, then `budgetd adopt --reason`"
        )
    return known if "home" in known else settle_in(connection, path, enterprise)


def strangeness(connection: apsw.Connection, path: Path, enterprise: str) -> str:
    """Why this file cannot be trusted to know all that happened; empty where it can."""
    return _strangeness(connection, path, enterprise, _meta(connection))


def _strangeness(
    connection: apsw.Connection, path: Path, enterprise: str, known: dict[str, str]
) -> str:
    try:
        written = witness_path(path).read_bytes().decode("ascii").split()
    except FileNotFoundError:
        written = []
    except (OSError, ValueError) as problem:
        return f"{witness_path(path)} cannot be read ({type(problem).__name__})"
    if "home" not in known:
        # A new file has no witness, or one of a first lead that died before it was kept.
        is_new = len(written) != 3 or not written[1].isdecimal() or _knows(connection, written)
        return "" if is_new else _GONE
    if known.get("enterprise") != enterprise:
        return f"it is the state of {known.get('enterprise')}, not of {enterprise}"
    return _contradiction(connection, known, written) or _elsewhere(known, path)


def _contradiction(connection: apsw.Connection, known: dict[str, str], written: list[str]) -> str:
    """Why the witness speaks against the file: it saw another file, or events that are gone."""
    if len(written) != 3 or not written[1].isdecimal():
        return "the file beside it that says how far it had come is missing or damaged"
    if written[0] != known["ledger"]:
        return "another state file was in use here"
    if _knows(connection, written):
        return ""
    newest = connection.execute("SELECT coalesce(max(seq), 0) FROM event").get
    return f"it was restored from a backup: event {written[1]} was written here, it knows {newest}"


def _knows(connection: apsw.Connection, written: list[str]) -> bool:
    """Whether the file has the event that the witness saw last."""
    seq = int(written[1])
    found = connection.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).get
    return seq == 0 or found == written[2]


def _elsewhere(known: dict[str, str], path: Path) -> str:
    if known["home"] == home_of(path):
        return ""
    return "it was copied, or moved here from another host"


def settle_in(connection: apsw.Connection, path: Path, enterprise: str) -> dict[str, str]:
    """Makes this file at home here; inside the caller's transaction. Returns what it says of
    itself then."""
    known = _meta(connection)
    wanted = {"home": home_of(path), "enterprise": enterprise}
    wanted |= {} if "ledger" in known else {"ledger": uuid4().hex}
    for name, value in wanted.items():
        if known.get(name) == value:
            continue
        connection.execute(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
    return known | wanted


def last_event(connection: apsw.Connection) -> tuple[int, str]:
    """The number and the hash of the last event; of none, 0 and a dash."""
    found: tuple[int, str] | None = connection.execute(
        "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return found or (0, "-")


def renew_witness(connection: apsw.Connection, path: Path) -> None:
    """Lets the witness of a file that is no stranger know what was written beside a cycle."""
    known = _meta(connection)
    with suppress(OSError, ValueError):
        written = witness_path(path).read_bytes().decode("ascii").split()
        if "home" in known and not _contradiction(connection, known, written):
            bear_witness(path, known["ledger"], last_event(connection))


def bear_witness(path: Path, ledger: str, newest: tuple[int, str]) -> None:
    """Writes down beside the file, by its name, how far it has come: always behind it, never
    ahead.

    One short write in place, synchronized when the witness is new and never again: one that
    lags behind after a power cut accuses nobody, but one that is missing or empty would.
    """
    line = " ".join((ledger, str(newest[0]), newest[1])).ljust(_WIDTH - 1) + "\n"
    there = witness_path(path)
    is_new = False
    try:
        handle = os.open(there, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        handle, is_new = make_private(there, os.O_WRONLY), True
    try:
        os.pwrite(handle, line.encode("ascii"), 0)
        if is_new:
            os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """Makes the name of a new file in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def home_of(path: Path) -> str:
    """This host and this file: a copy has another inode."""
    named = f"{_machine()}\n{path.stat().st_ino}"
    return sha256(named.encode()).hexdigest()[:32]


@cache
def _machine() -> str:
    """The host's name for itself, which lasts longer than any process on it."""
    try:
        return MACHINE.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _meta(connection: apsw.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, value FROM meta").fetchall()
    return {str(name): str(value) for name, value in rows}
