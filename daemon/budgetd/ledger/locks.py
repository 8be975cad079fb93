"""The locks beside a state file: one cycle at a time, one daemon.

A lock counts only while its file is still the one at its path. It may not open the state.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from budgetd.ledger.database import LedgerError, make_private

DAEMON_WAIT_S = 3.0
"""A look at whether a daemon runs takes its lock for a moment: whoever starts waits so long."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held, for as long as its file stays the one at its path."""

    path: Path
    handle: int

    @property
    def is_ours(self) -> bool:
        """Whether it still locks others out: a replaced file locks nobody out."""
        return _is_same_file(self.handle, self.path)

    def release(self) -> None:
        """Lets the next one have it."""
        os.close(self.handle)


def take_cycle_lock(path: Path) -> Lock | None:
    """The lock of a cycle on a state, None while another process has it."""
    return _try_lock(path.with_name(path.name + ".lock"))


@contextmanager
def cycle_lock(path: Path, *, wait_s: float) -> Iterator[None]:
    """Holds the lock of a cycle; one cycle at a time on one state, whatever the process.

    Raises `LedgerError` when another cycle holds it for longer than `wait_s`.
    """
    lock = _wait_for(
        path.with_name(path.name + ".lock"),
        wait_s,
        f"another cycle has held {path}.lock for {wait_s:.0f} s; nothing was changed. Wait for it, "
        "or see what the other budgetd is doing",
    )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def daemon_lock(path: Path) -> Iterator[Lock]:
    """Holds the lock of the one daemon on a state. Raises `LedgerError` where another has it."""
    lock = _wait_for(
        _daemon_path(path),
        DAEMON_WAIT_S,
        f"another budgetd runs on {path}; one state has one daemon. Nothing was changed",
    )
    try:
        yield lock
    finally:
        lock.release()


def is_daemon_running(path: Path) -> bool:
    """Whether a daemon holds its lock on a state, looked at for a moment; nothing is written."""
    try:
        handle = os.open(_daemon_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _daemon_path(path: Path) -> Path:
    return path.with_name(path.name + ".daemon")


def _wait_for(lock_path: Path, wait_s: float, refusal: str) -> Lock:
    deadline = time.monotonic() + wait_s
    while (lock := _try_lock(lock_path)) is None:
        if time.monotonic() >= deadline:
            raise LedgerError(refusal)
        time.sleep(0.1)
    return lock


def _try_lock(path: Path) -> Lock | None:
    """The lock, None where another process has it or has just replaced it."""
    try:
        handle = make_private(path, os.O_RDWR)
    except OSError as problem:
        raise LedgerError(f"{path}: {problem.strerror}") from problem
    is_ours = False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = _is_same_file(handle, path)
    except BlockingIOError:
        is_ours = False
    finally:
        if not is_ours:
            os.close(handle)
    return Lock(path, handle) if is_ours else None


def _is_same_file(handle: int, path: Path) -> bool:
    """Whether the locked file is still the one at the path: a replaced one locks nobody out."""
    try:
        there = path.stat()
    except OSError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
