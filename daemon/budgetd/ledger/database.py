"""The state file: opening it, the pragmas it must run under, its transactions, its locks.

It may not know what is stored. SQLite runs as WAL with FULL sync, as apsw bundles it: the
versions before 3.51.3 can lose acknowledged commits, and so can weaker settings.
"""

import os
from pathlib import Path

import apsw

from budgetd.ledger.schema import APPLICATION_ID, STEPS, VERSION

_OLDEST = (3, 51, 3)
BUSY_TIMEOUT_S = 10.0
ROOM_BYTES = 16 * 1024 * 1024
STATEMENTS = 256
"""Prepared statements kept: a cycle runs some seventy, and each use of one takes a new place."""


_NOT_OURS = "this is not a budgetd state file; look at `state` in the config, nothing was changed"

StoreError = apsw.Error
"""What SQLite raises in the middle of work; it ends the process, a commit is never retried."""


class LedgerError(Exception):
    """The state file cannot be used; the message names it and says why."""


class DiskFullError(LedgerError):
    """Too little room is left to be sure of writing an answer down."""


def open_database(path: Path, *, may_write: bool) -> apsw.Connection:
    """Opens the state file, made anew where it may be, and checks all that it must be.

    Raises `LedgerError` for a file of another program, of a newer schema, damaged or
    unreadable, or when a pragma does not hold.
    """
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < _OLDEST:
        raise LedgerError(
            f"SQLite {apsw.sqlite_lib_version()} is older than 3.51.3 and can lose what it wrote; "
            "install budgetd with its own requirements"
        )
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if may_write else 0)
    try:
        _check_kind(path)
        if may_write:
            _touch(path)
        connection = apsw.Connection(str(path), flags=flags, statementcachesize=STATEMENTS)
        connection.set_busy_timeout(int(BUSY_TIMEOUT_S * 1000))
        _prepare(connection, path, may_write=may_write)
    except (apsw.Error, OSError) as problem:
        raise LedgerError(f"{path}: {_words(problem)}") from problem
    return connection


def make_private(path: Path, flags: int) -> int:
    """Opens a file beside the state, made for its owner alone where it is not there: what root
    makes is given to the folder's owner, or the service could not open it."""
    is_new = not path.exists()
    handle = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if is_new and os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _check_kind(path: Path) -> None:
    """Whatever is there must be a file with something in it. One that is empty was a ledger once:
    starting anew would forget what was moved."""
    if not path.exists():
        if path.is_symlink():
            raise LedgerError(f"{path}: it is a link to nothing; is what it leads to mounted?")
        return
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no regular file"
        raise LedgerError(f"{path}: expected a file, found {found}; `state` in the config names it")
    if path.stat().st_size == 0:
        raise LedgerError(
            f"{path}: the file is empty; restore a backup, or remove it to begin a new ledger"
        )


def _touch(path: Path) -> None:
    """Creates the file for its owner alone: it holds what every account has."""
    if not path.parent.is_dir():
        raise LedgerError(f"{path}: the folder does not exist; make it, for this user alone")
    try:
        os.close(make_private(path, os.O_RDWR | os.O_EXCL))
    except FileExistsError:
        # Another process may have made it since it was looked at.
        _check_kind(path)


def _prepare(connection: apsw.Connection, path: Path, *, may_write: bool) -> None:
    found = pragma(connection, "application_id"), pragma(connection, "user_version")
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_schema").get
    if is_empty and found == (0, 0) and may_write:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _walk(connection, 0)
    elif found[0] != APPLICATION_ID:
        raise LedgerError(f"{path}: {_NOT_OURS}")
    elif not isinstance(found[1], int) or not 0 < found[1] <= VERSION:
        raise LedgerError(
            f"{path}: schema {found[1]}, but this budgetd knows {VERSION}; run the newer version "
            "that wrote it, nothing was changed"
        )
    elif found[1] < VERSION and may_write:
        connection.execute("PRAGMA synchronous = FULL")
        _walk(connection, found[1])
    elif found[1] < VERSION:
        raise LedgerError(
            f"{path}: schema {found[1]} of an older budgetd; `budgetd apply` brings it to {VERSION}"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Without it INSERT OR REPLACE deletes a row past the triggers that keep it.
    connection.execute("PRAGMA recursive_triggers = ON")
    # Without it a statement that sorts is planned anew each time a value is bound to it; nothing
    # here is analyzed, so that no plan could gain by knowing the value.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    if not may_write:
        connection.execute("PRAGMA query_only = ON")
    wants = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
    for name, wanted in wants.items():
        if pragma(connection, name) != wanted:
            raise LedgerError(f"{path}: {name} is {pragma(connection, name)}, not {wanted}")


def _walk(connection: apsw.Connection, version: int) -> None:
    """Brings a file to this version's schema, whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have walked while this one waited for the file.
        for step in range(max(version, int(str(pragma(connection, "user_version")))), VERSION):
            connection.execute(STEPS[step + 1])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def pragma(connection: apsw.Connection, name: str) -> object:
    """A pragma as it is in force."""
    return connection.execute(f"PRAGMA {name}").get


def _words(problem: Exception) -> str:
    if isinstance(problem, apsw.NotADBError):
        return _NOT_OURS
    if isinstance(problem, apsw.CorruptError):
        return "the file is damaged; restore the newest backup, then `budgetd adopt --reason`"
    if isinstance(problem, apsw.CantOpenError):
        return "it cannot be opened; does it belong to the user budgetd runs as?"
    if isinstance(problem, apsw.BusyError):
        return "another process has held it for too long; nothing was changed, try again"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__


def check_room(path: Path, room_bytes: int = ROOM_BYTES) -> None:
    """Raises `DiskFullError` when an answer might find no room: checked before each sending."""
    room = os.statvfs(path.parent)
    if room.f_bavail * room.f_frsize < room_bytes:
        raise DiskFullError(
            f"{path.parent}: less than {room_bytes // 1024**2:,} MiB are free; nothing is sent "
            "until there is room"
        )
