"""New documents for a running daemon: all or nothing, the last good set stays.

It reads them again when it is told to, or when the files have changed and stayed so for a while.
It may not swap anything by itself: what is good is handed back.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from budgetd.config import Config, read_credentials
from budgetd.core.documents.problem import InputError, InvalidDocuments, Problem
from budgetd.wiring import Opened, open_documents

FIXED = ("enterprise", "state", "web", "log")
"""Keys of the config that a running daemon cannot change."""

LOOK_S = 2.0
STABLE_LOOKS = 2
"""Files that change are loaded once they have looked the same so many times, `LOOK_S` apart."""


async def load_again(option: Path, running: Config) -> Opened:
    """The config and policies as they are on disk now, read beside the loop.

    Raises `InputError` with every problem; keys that only a restart can change are one.
    """
    return await asyncio.to_thread(_load, option, running)


def _load(option: Path, running: Config) -> Opened:
    opened = open_documents(str(option))
    changed = [name for name in FIXED if getattr(opened.config, name) != getattr(running, name)]
    if changed:
        raise InvalidDocuments(
            [
                Problem(
                    path=str(option),
                    message=f"'{name}' cannot change while budgetd runs; restart it for that",
                )
                for name in changed
            ]
        )
    read_credentials(opened.config)
    return opened


def told(refused: InputError) -> tuple[str, ...]:
    """The problems of a refused document, one line each."""
    return tuple(problem.headline() for problem in refused.problems if not problem.is_warning)


@dataclass(slots=True)
class Watch:
    """Looks at files over and over: true once when they have changed and rest again."""

    _loaded: str = ""
    _seen: str = ""
    _looks: int = field(default=0)

    def settle(self, paths: Sequence[Path]) -> None:
        """What is there now has been loaded, or refused: it is not news any more."""
        self._loaded = self._seen = _print_of(paths)
        self._looks = 0

    def has_news(self, paths: Sequence[Path]) -> bool:
        """Whether the files differ from what was loaded, and have stopped changing."""
        found = _print_of(paths)
        self._looks = self._looks + 1 if found == self._seen else 0
        self._seen = found
        return found != self._loaded and self._looks >= STABLE_LOOKS


def _print_of(paths: Sequence[Path]) -> str:
    """A name for the state of files and folders: names, sizes, times, inodes."""
    lines = []
    for path in paths:
        try:
            children = sorted(os.listdir(path)) if path.is_dir() else [""]
        except OSError:
            children = []
        for child in children:
            there = path / child if child else path
            try:
                status = there.stat()
            except OSError:
                lines.append(f"{there}\0gone")
                continue
            seen = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode)
            lines.append(f"{there}\0{seen}")
    return sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
