"""Policies as they were: a folder, one file, or a revision of the repository they lie in.

The keeper of the one program that is asked, git, which reads alone: objects as they were
committed, through no filter and no program that a repository names. It may not judge policies.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from budgetd.config.files import read_file, shown_path
from budgetd.core.documents.problem import InvalidDocuments, Problem

LARGEST_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 30
_REVISION = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./@{}^~+-]{0,200}", re.ASCII)
_PATH = re.compile(r"[^\x00-\x1f\x7f:-][^\x00-\x1f\x7f:]{0,1000}")
_FILES = ("100644", "100755")

# What a repository's own configuration could run, even for a command that only reads.
_SAFE = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.attributesFile": os.devnull,
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "false",
    "log.showSignature": "false",
    "protocol.allow": "never",
}
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks, by any program
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@contextmanager
def policies_at(where: str, policies: Path) -> Iterator[Path]:
    """A folder that holds what `where` names, as long as the block lasts.

    A folder is itself, a file is copied alone; else it is `REV` or `REV:path` of the repository
    that `policies` lies in (without a path, that folder). Raises `InvalidDocuments`; so does what
    the block finds wrong there, told at the place that people know: `REV:path:line:column`.
    """
    if Path(where).is_dir():
        yield Path(where)
        return
    with TemporaryDirectory(prefix="budgetd-diff-") as made:
        folder = Path(made)
        if Path(where).exists():
            home = str(Path(shown_path(Path(where))).parent)
            prefix = "" if home == "." else f"{home.rstrip('/')}/"
            _copy(Path(where), folder)
        else:
            prefix = _extract(where, policies, folder)
        try:
            yield folder
        except InvalidDocuments as refused:
            told = [_placed(problem, folder, prefix) for problem in refused.problems]
            raise InvalidDocuments(told) from None


def _placed(problem: Problem, folder: Path, prefix: str) -> Problem:
    """The problem of a file in a folder that was made for it, where people know it."""

    def told(text: str) -> str:
        for made in (str(folder), shown_path(folder)):
            text = text.replace(f"{made}/", prefix).replace(made, prefix.rstrip("/") or ".")
        return text

    return replace(
        problem,
        path=told(problem.path),
        message=told(problem.message),
        hint=told(problem.hint),
        example=tuple(map(told, problem.example)),
    )


def _copy(file: Path, folder: Path) -> None:
    data = read_file(file, shown_path(file))
    if isinstance(data, Problem):
        raise InvalidDocuments([data])
    (folder / file.name).write_bytes(data)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a tree of git: its mode, kind, object, size (0 of a tree), and name."""

    mode: str
    kind: str
    id: str
    size: int
    name: str


def _extract(where: str, policies: Path, folder: Path) -> str:
    """Writes the policy files of a revision into a folder; what stands before their names where
    people know them."""
    revision, colon, path = where.partition(":")
    if not _REVISION.fullmatch(revision) or (colon and not _PATH.fullmatch(path)):
        raise _refused(where, "no folder, no file, and no name of a revision: REV or REV:path")
    if ".." in PurePosixPath(path).parts or path.startswith("/"):
        raise _refused(where, "a path within the repository, without `..`, was expected")
    git = _Git(where, policies)
    commit = git.line("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    inside = PurePosixPath(path or git.line("rev-parse", "--show-prefix"))
    if inside == PurePosixPath():
        _write(git, git.entries(commit), folder)
        return f"{revision}:"
    found = git.entries("--full-tree", commit, "--", str(inside))
    if len(found) != 1:
        raise _refused(where, "no such folder or file, and no such revision with these policies")
    if found[0].kind == "tree":
        _write(git, git.entries("--full-tree", found[0].id), folder)
        return f"{revision}:{inside}/"
    _write(git, [replace(found[0], name=inside.name)], folder)
    parent = "" if inside.parent == PurePosixPath() else f"{inside.parent}/"
    return f"{revision}:{parent}"


def _write(git: "_Git", entries: list[_Entry], folder: Path) -> None:
    """Writes regular files alone: links lead out of what was committed, and policies have no
    need of them."""
    wanted = [
        entry
        for entry in entries
        if entry.mode in _FILES and PurePosixPath(entry.name).suffix in (".yaml", ".yml")
    ]
    if sum(entry.size for entry in wanted) > LARGEST_BYTES:
        raise _refused(git.where, f"larger than {LARGEST_BYTES // 1024**2} MiB")
    for entry, data in zip(wanted, git.contents(wanted), strict=True):
        (folder / PurePosixPath(entry.name).name).write_bytes(data)


@dataclass(frozen=True, slots=True)
class _Git:
    """git on the repository of a folder; every method raises `InvalidDocuments`."""

    where: str
    folder: Path

    def line(self, *arguments: str) -> str:
        """The one line that git answers."""
        return self._ask(*arguments).decode().strip("\n")

    def entries(self, *arguments: str) -> list[_Entry]:
        """The entries of a tree."""
        rows = self._ask("ls-tree", "-z", "--long", *arguments).split(b"\0")
        found = []
        for row in filter(None, rows):
            facts, _, name = row.partition(b"\t")
            mode, kind, object_id, size = facts.decode().split()
            size_b = int(size) if size.isdigit() else 0
            found.append(_Entry(mode, kind, object_id, size_b, os.fsdecode(name)))
        return found

    def contents(self, entries: list[_Entry]) -> Iterator[bytes]:
        """What each entry holds, as it was committed; refused where one is not at hand, as in a
        partial clone."""
        asked = "".join(f"{entry.id}\n" for entry in entries).encode()
        answer = self._ask("cat-file", "--batch", given=asked) if entries else b""
        place = 0
        for entry in entries:
            begins = answer.find(b"\n", place) + 1
            if answer[place:begins] != f"{entry.id} blob {entry.size}\n".encode():
                raise _refused(self.where, f"the repository has no content for {entry.name}")
            place = begins + entry.size + 1
            yield answer[begins : place - 1]

    def _ask(self, *arguments: str, given: bytes = b"") -> bytes:
        """What git answers: no shell, no pager, no network, nothing that a repository names."""
        options = [part for key, value in _SAFE.items() for part in ("-c", f"{key}={value}")]
        command = ["git", "--no-pager", *options, "-C", str(self.folder), *arguments]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        try:
            answer = subprocess.run(
                command,
                capture_output=True,
                timeout=TIMEOUT_S,
                input=given,
                check=False,
                env=kept | _ENVIRONMENT,
            )
        except FileNotFoundError:
            raise _refused(self.where, "no such folder or file, and git is not installed") from None
        except subprocess.TimeoutExpired:
            raise _refused(self.where, f"git did not answer in {TIMEOUT_S} s") from None
        if answer.returncode != 0:
            message = "no such folder or file, and no such revision with these policies"
            raise _refused(self.where, message)
        return answer.stdout


def _refused(where: str, message: str) -> InvalidDocuments:
    return InvalidDocuments([Problem(path=where, message=message)])
