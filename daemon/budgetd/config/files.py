"""Files as they may be trusted: read whole, once, and only when nobody else could have put them.

The keeper of files for configuration, policies and secrets. It may not know what they say.
"""

import errno
import os
import stat
from pathlib import Path

from budgetd.core.documents.document import LARGEST_BYTES
from budgetd.core.documents.problem import Problem

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def shown_path(path: Path) -> str:
    """The path as messages show it: relative to where the command runs, when it lies below. All
    lies below the root, where a service runs: from there it is shown as it is."""
    try:
        here = Path.cwd()
        return str(path if here == Path(here.anchor) else path.relative_to(here))
    except (ValueError, OSError):
        return str(path)


def read_file(path: Path, shown: str, *, largest: int = LARGEST_BYTES) -> bytes | Problem:
    """The bytes of a regular file, or why it is not read.

    Refused: what is no regular file (a FIFO is not waited for, a device not opened), symlink
    loops, unreadable and world-writable files, files above `largest` bytes, and files that
    change while they are read.
    """
    try:
        refusal = _refusal(path.stat(), shown)
        if refusal:
            return refusal
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        return Problem(path=shown, message=_reason(problem))
    with os.fdopen(handle, "rb") as file:
        try:
            before = os.fstat(handle)
            refusal = _refusal(before, shown)
            if refusal:
                return refusal
            data = file.read(largest + 1)
            after = os.fstat(handle)
        except OSError as problem:
            return Problem(path=shown, message=_reason(problem))
    if len(data) > largest:
        return Problem(path=shown, message=f"larger than {_size(largest)}")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return Problem(path=shown, message="it changed while it was read; try again")
    return data


def read_recorded(path: Path, shown: str, *, largest: int) -> bytes | Problem:
    """The bytes of a file, or of a pipe that a shell has laid (`/dev/stdin`, `<(...)`), or why it
    is not read; one more than `largest` at the most. No FIFO is waited for, no device read."""
    try:
        status = path.stat()
        if not (_is_laid(path) and stat.S_ISFIFO(status.st_mode)):
            kind = _kind(status)
            if kind:
                return Problem(path=shown, message=f"expected a file, found {kind}")
        with path.open("rb") as file:
            return file.read(largest + 1)
    except OSError as problem:
        return Problem(path=shown, message=_reason(problem))


def _is_laid(path: Path) -> bool:
    """Whether what is opened has no name of its own, but is one of our open files."""
    return not os.path.exists(os.path.realpath(path))


def list_documents(folder: Path, shown: str) -> list[Path] | Problem:
    """The policy files of a folder in order of name: `*.yaml` and `*.yml`, hidden ones and
    `*_test.yaml` (cases) left out. Subfolders are not entered."""
    try:
        status = folder.stat()
        if not stat.S_ISDIR(status.st_mode):
            return Problem(path=shown, message="not a folder")
        if status.st_mode & stat.S_IWOTH:
            return Problem(path=shown, message="anybody may write into this folder; chmod o-w")
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        message = "there is no such folder; `policies` of the config names it"
        return Problem(path=shown, message=message)
    except OSError as problem:
        return Problem(path=shown, message=_reason(problem))
    return [folder / name for name in names if _is_policy_name(name)]


def _is_policy_name(name: str) -> bool:
    stem, extension = os.path.splitext(name)
    is_hidden = name.startswith(".")
    return extension in (".yaml", ".yml") and not is_hidden and not stem.endswith("_test")


def _refusal(status: os.stat_result, shown: str) -> Problem | None:
    kind = _kind(status)
    if kind:
        return Problem(path=shown, message=f"expected a file, found {kind}")
    if status.st_mode & stat.S_IWOTH:
        return Problem(path=shown, message="anybody may write to this file; chmod o-w")
    return None


def _kind(status: os.stat_result) -> str:
    """What it is instead of a regular file; empty where it is one."""
    if stat.S_ISREG(status.st_mode):
        return ""
    return next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")


def _size(count: int) -> str:
    return f"{count // (1024 * 1024)} MiB" if count >= 1024 * 1024 else f"{count // 1024} KiB"


def _reason(problem: OSError) -> str:
    match problem.errno:
        case errno.ELOOP:
            return "a symlink loop"
        case errno.ENOENT:
            return "there is no such file"
        case errno.EACCES | errno.EPERM:
            return "it may not be read by this user"
        case _:
            return f"it cannot be read: {os.strerror(problem.errno or 0)}"
