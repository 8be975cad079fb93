"""The documents in force, and new ones for a running daemon: all or nothing, the last good stay.

They are read again when somebody says so, or when the files have changed and rest again. It may
not know what is done with them.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from budgetd.config import Config, read_credentials
from budgetd.config.channels import read_channels
from budgetd.core.documents.problem import InputError, InvalidDocuments, Problem
from budgetd.core.standing import Policies
from budgetd.logs import logger
from budgetd.notify.notifier import check_channels
from budgetd.wiring import Opened, open_documents

FIXED = ("enterprise", "state", "web", "log")
"""Keys of the config that a running daemon cannot change."""

LOOK_S = 2.0
MOST_TOLD = 20
STABLE_LOOKS = 2
"""Files that change are loaded once they have looked the same so many times, `LOOK_S` apart."""


class InForce:
    """The config and policies that a daemon works by, read from `option` again when asked."""

    def __init__(self, option: Path, opened: Opened, clock: Callable[[], datetime]) -> None:
        self._option = option
        self._clock = clock
        self._watch = Watch()
        self._loading = asyncio.Lock()
        self._watch.settle(self._paths(opened))
        self._accept(opened)

    @property
    def is_watched(self) -> bool:
        """Whether a change of the files is enough (`reload: watch`)."""
        return self.opened.config.reload == "watch"

    def has_news(self) -> bool:
        """Whether the files have changed, and rest again; to be asked every `LOOK_S`."""
        return not self._loading.locked() and self._watch.has_news(self._paths(self.opened))

    async def load(self) -> bool:
        """Reads the documents as they are now, beside the loop; True where they are in force
        from now on, False where they were refused and the last good ones stay."""
        async with self._loading:
            # Before reading: what changes while it is read is news again.
            self._watch.settle(self._paths(self.opened))
            try:
                opened = await asyncio.to_thread(_load, self._option, self.opened.config)
            except InputError as refused:
                self._refuse(refused)
                return False
            self._accept(opened)
            return True

    def _accept(self, opened: Opened) -> None:
        now, rules = self._clock(), list(opened.loaded.policy_set.rules())
        self.opened = opened
        digest = opened.loaded.policy_set.digest
        self.policies = Policies(digest=digest, rules=len(rules), loaded_at=now, tried_at=now)
        logger().info(
            "policies_loaded",
            policies=digest,
            rules=len(rules),
            warnings=[problem.headline() for problem in opened.loaded.warnings[:MOST_TOLD]],
        )

    def _refuse(self, refused: InputError) -> None:
        errors = [one.headline() for one in refused.problems if not one.is_warning]
        self.policies = replace(self.policies, tried_at=self._clock(), problems=tuple(errors))
        logger().error(
            "reload_refused",
            problems=errors[:MOST_TOLD],
            count=len(errors),
            policies=self.policies.digest,
        )

    def _paths(self, opened: Opened) -> tuple[Path, ...]:
        calendar = opened.config.calendar
        return (self._option, opened.config.policies, *((calendar,) if calendar else ()))


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
    check_channels(read_channels(opened.config))
    return opened


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
