"""Policies as they were: a folder, one file, or a revision of the repository they lie in.

The keeper of the one program that is asked, git, which reads alone. It may not judge policies.
"""

import io
import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from budgetd.config.files import read_file, shown_path
from budgetd.core.documents.problem import InvalidDocuments, Problem

LARGEST_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 30
_REVISION = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./@{}^~+-]{0,200}", re.ASCII)
_PATH = re.compile(r"[^\x00-\x1f\x7f:-][^\x00-\x1f\x7f:]{0,1000}")


@contextmanager
def policies_at(where: str, policies: Path) -> Iterator[Path]:
    """A folder that holds what `where` names, as long as the block lasts.

    A folder is itself, a file is copied alone; else it is `REV` or `REV:path` of the repository
    that `policies` lies in (without a path, that folder). Raises `InvalidDocuments`.
    """
    if Path(where).is_dir():
        yield Path(where)
        return
    with TemporaryDirectory(prefix="budgetd-diff-") as made:
        folder = Path(made)
        if Path(where).exists():
            _copy(Path(where), folder)
            yield folder
        else:
            yield _extract(where, policies, folder)


def _copy(file: Path, folder: Path) -> None:
    data = read_file(file, shown_path(file))
    if isinstance(data, Problem):
        raise InvalidDocuments([data])
    (folder / file.name).write_bytes(data)


def _extract(where: str, policies: Path, folder: Path) -> Path:
    revision, colon, path = where.partition(":")
    if not _REVISION.fullmatch(revision) or (colon and not _PATH.fullmatch(path)):
        raise _refused(where, "no folder, no file, and no name of a revision: REV or REV:path")
    if ".." in PurePosixPath(path).parts:
        raise _refused(where, "a path within the repository, without `..`, was expected")
    commit = _git(where, policies, "rev-parse", "--verify", "--end-of-options", _commit(revision))
    inside = path or _git(where, policies, "rev-parse", "--show-prefix").decode()
    inside = inside.strip().rstrip("/")
    top = Path(_git(where, policies, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    archive = ["archive", "--format=tar", commit.decode().strip()]
    data = _git(where, top, *archive, *(["--", f":(literal){inside}"] if inside else []))
    if len(data) > LARGEST_BYTES:
        raise _refused(where, f"larger than {LARGEST_BYTES // 1024**2} MiB")
    _unpack(data, folder)
    found = folder / inside
    if not found.is_file():
        return found
    alone = folder / ".alone"
    alone.mkdir()
    return found.rename(alone / found.name).parent


def _unpack(data: bytes, folder: Path) -> None:
    """Writes the regular files of an archive, and nothing outside the folder; links lead out of
    what was archived, and policies have no need of them. By hand: the filters of tarfile are
    missing in the Python that some systems ship."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar.getmembers():
            place = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or place.is_absolute() or ".." in place.parts:
                continue
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())


def _commit(revision: str) -> str:
    return f"{revision}^{{commit}}"


def _git(where: str, folder: Path, *arguments: str) -> bytes:
    """What git answers; no shell, no pager, no monitor program that a repository names."""
    command = ["git", "--no-pager", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(
            command, capture_output=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        raise _refused(where, "no such folder or file, and git is not installed") from None
    except subprocess.TimeoutExpired:
        raise _refused(where, f"git did not answer in {TIMEOUT_S} s") from None
    if answer.returncode != 0:
        raise _refused(where, "no such folder or file, and no such revision with these policies")
    return answer.stdout


def _refused(where: str, message: str) -> InvalidDocuments:
    return InvalidDocuments([Problem(path=where, message=message)])
