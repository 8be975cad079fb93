"""A disk that may lose power: what SQLite wrote, synced and deleted, and what may be left of it.

Recording is a VFS over the machine's own; nothing here knows what a ledger is. The model: what
was synced is there; of what was not, any part may be. A name is durable once its folder was
synced, which SQLite does with the first sync of a new journal or WAL, or as a delete asks for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import apsw
from typing_extensions import Buffer, override

SECTORS_BYTES = (512, 4096)
Image = dict[str, bytes]
"""The files that a power cut left, by name."""


class Kind(StrEnum):
    """What can happen to a disk."""

    WRITE = "write"
    TRUNCATE = "truncate"
    LINK = "link"
    UNLINK = "unlink"
    SYNC = "sync"
    SYNC_FOLDER = "sync_folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One thing that happened; `offset` is the new size of a truncated file."""

    kind: Kind
    name: str
    file: int
    offset: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Recorder:
    """Everything that happened to the files of one folder, in order."""

    ops: list[Op] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    unsynced_names: set[int] = field(default_factory=set)
    count: int = 0

    def opened(self, name: str, flags: int) -> int:
        """The file of a name, which is made where there is none."""
        if name not in self.files:
            self.count += 1
            self.files[name] = self.count
            self.note(Kind.LINK, name)
            if flags & (apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL):
                self.unsynced_names.add(self.count)
        return self.files[name]

    def deleted(self, name: str, *, is_folder_synced: bool) -> None:
        """A name is gone; the file lives on for whoever has it open."""
        if name in self.files:
            self.note(Kind.UNLINK, name)
            del self.files[name]
        if is_folder_synced:
            self.ops.append(Op(kind=Kind.SYNC_FOLDER, name=name, file=0))

    def synced(self, name: str, file: int) -> None:
        """A sync; the first one of a new journal or WAL syncs the folder, too."""
        self.ops.append(Op(kind=Kind.SYNC, name=name, file=file))
        if file in self.unsynced_names:
            self.unsynced_names.remove(file)
            self.ops.append(Op(kind=Kind.SYNC_FOLDER, name=name, file=0))

    def note(self, kind: Kind, name: str, offset: int = 0, data: bytes = b"") -> None:
        """Anything else, to the file that has this name now."""
        file = self.files[name]
        self.ops.append(Op(kind=kind, name=name, file=file, offset=offset, data=data))


class RecordedFile(apsw.VFSFile):
    """A real file whose changes are recorded. The -shm is no part of it: it is memory, and the
    first connection after a power cut makes it anew from the WAL."""

    def __init__(
        self,
        recorder: Recorder,
        base: str,
        filename: str | apsw.URIFilename | None,
        flags: list[int],
    ) -> None:
        super().__init__(base, filename, flags)
        given = filename.filename() if isinstance(filename, apsw.URIFilename) else filename
        self._recorder = recorder
        self._name = Path(given).name if given else ""
        self._file = recorder.opened(self._name, flags[0]) if given else 0

    @override
    def xWrite(self, data: Buffer, offset: int) -> None:
        super().xWrite(data, offset)
        self._note(Kind.WRITE, offset, bytes(data))

    @override
    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._note(Kind.TRUNCATE, newsize)

    @override
    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        if self._name:
            self._recorder.synced(self._name, self._file)

    def _note(self, kind: Kind, offset: int, data: bytes = b"") -> None:
        if self._name:
            self._recorder.note(kind, self._name, offset, data)


class RecordingVFS(apsw.VFS):
    """The machine's VFS, recorded; the process's default while it is registered."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._base = apsw.vfs_names()[0]
        super().__init__("recording", self._base, makedefault=True)

    @override
    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return RecordedFile(self._recorder, self._base, name, flags)

    @override
    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._recorder.deleted(Path(filename).name, is_folder_synced=syncdir)


@dataclass(slots=True)
class Disk:
    """What is durable at one point of a recording, and what is not yet, in order."""

    contents: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    pending: list[Op] = field(default_factory=list)

    def pass_op(self, op: Op) -> None:
        """One more thing happened."""
        if op.kind is Kind.SYNC:
            self._settle(lambda one: one.file == op.file and not _is_of_folder(one))
        elif op.kind is Kind.SYNC_FOLDER:
            self._settle(_is_of_folder)
        else:
            self.pending.append(op)

    def _settle(self, is_durable: Callable[[Op], bool]) -> None:
        for one in self.pending:
            if is_durable(one):
                _apply(self.contents, self.names, one)
        self.pending = [one for one in self.pending if not is_durable(one)]

    def image(self, kept: list[Op]) -> Image:
        """The files after a power cut that these of the pending ops have survived."""
        touched = {one.file for one in kept}
        contents = {
            file: bytearray(content) if file in touched else content
            for file, content in self.contents.items()
        }
        names = dict(self.names)
        for one in kept:
            _apply(contents, names, one)
        return {name: bytes(contents.get(file, b"")) for name, file in names.items()}

    def few_cuts(self) -> Iterator[list[Op]]:
        """Nothing of what is pending, all of it, and its last write torn."""
        yield []
        yield self.pending
        for torn in torn_of(self.pending[-1]) if self.pending else ():
            yield [*self.pending[:-1], torn]

    def all_cuts(self) -> Iterator[list[Op]]:
        """Each prefix, each single one missing, each single one torn, alone and as the last."""
        pending = self.pending
        for index in range(len(pending)):
            yield pending[:index]
            yield pending[:index] + pending[index + 1 :]
            for torn in torn_of(pending[index]):
                yield [*pending[:index], torn]
                yield [*pending[:index], torn, *pending[index + 1 :]]
        yield pending


def torn_of(op: Op) -> Iterator[Op]:
    """A write of which only the first sectors, or only the last ones, reached the disk."""
    if op.kind is not Kind.WRITE:
        return
    for sector_bytes in SECTORS_BYTES:
        first, last = op.offset // sector_bytes, (op.offset + len(op.data) - 1) // sector_bytes
        if first == last:
            continue
        cut = (first + (last - first + 1) // 2) * sector_bytes - op.offset
        yield replace(op, data=op.data[:cut])
        yield replace(op, offset=op.offset + cut, data=op.data[cut:])


def _is_of_folder(op: Op) -> bool:
    return op.kind in (Kind.LINK, Kind.UNLINK)


def _apply(contents: dict[int, bytearray], names: dict[str, int], op: Op) -> None:
    match op.kind:
        case Kind.LINK:
            names[op.name] = op.file
        case Kind.UNLINK:
            if names.get(op.name) == op.file:
                del names[op.name]
        case Kind.TRUNCATE:
            content = contents.setdefault(op.file, bytearray())
            del content[op.offset :]
        case _:
            content = contents.setdefault(op.file, bytearray())
            if len(content) < op.offset:
                content.extend(bytes(op.offset - len(content)))
            content[op.offset : op.offset + len(op.data)] = op.data


def spread(cuts: Iterator[list[Op]], most: int) -> list[list[Op]]:
    """About so many of them at most, spread evenly."""
    found = list(cuts)
    return found[:: 1 + len(found) // most]
