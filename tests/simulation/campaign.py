"""Many schedules, on several cores: plays seeds, counts what was reached, keeps what failed.

It may not print.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from budgetd import cycle, doubt, execute

from .coverage import watching_steps
from .driver import play
from .script import Script, schedule_of
from .shrinking import rules_of
from .stage import Coverage
from .statefile import StateFile

CHUNK = 250
LOGGING = (cycle, doubt, execute)
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, the files are ours


@dataclass(slots=True)
class Result:
    """So many schedules, what they reached, and the violations by seed."""

    schedules: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Result") -> None:
        """Joins another result to this one."""
        self.schedules += other.schedules
        self.coverage.seen.update(other.coverage.seen)
        self.failed.update(other.failed)


@contextmanager
def state_file() -> Iterator[StateFile]:
    """A state file to play on, in memory where there is such a file system."""
    home = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="budgetd-simulation-", dir=home))
    try:
        with closing(StateFile(made)) as state:
            yield state
    finally:
        shutil.rmtree(made)


def broken_by(script: Script) -> set[str]:
    """The invariants that one script breaks."""
    with state_file() as state:
        return rules_of(play(script, state, Coverage()).violations)


def told(script: Script) -> list[str]:
    """The story of one script, for people."""
    with state_file() as state:
        return play(script, state, Coverage(), tells=True).story


def run_seeds(seeds: Iterable[int], draw: Callable[[int], Script] = schedule_of) -> Result:
    """Plays these seeds in this process."""
    result = Result()
    with _undisturbed(), state_file() as state, watching_steps(result.coverage):
        for seed in seeds:
            stage = play(draw(seed), state, result.coverage)
            result.schedules += 1
            if stage.violations:
                result.failed[seed] = stage.violations
            if result.schedules % CHUNK == 0:
                gc.collect()
    return result


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No lines of the log, and no looking for garbage in between: every schedule leaves its stage
    behind, and what was there before none of them leaves."""
    was_collecting, loggers = gc.isenabled(), [(one, vars(one)["logger"]) for one in LOGGING]
    gc.disable()
    gc.freeze()
    for module, _ in loggers:
        vars(module)["logger"] = _Silence
    try:
        yield
    finally:
        for module, logger in loggers:
            vars(module)["logger"] = logger
        gc.unfreeze()
        if was_collecting:
            gc.enable()


class _Silence:
    """A logger that says nothing."""

    def info(self, _event: str, **_facts: object) -> None:
        """Says nothing."""

    warning = info


def run_many(first: int, count: int, workers: int) -> Iterator[Result]:
    """Plays so many seeds from the first on; a result a chunk, as they come."""
    chunks = [
        range(start, min(start + CHUNK, first + count))
        for start in range(first, first + count, CHUNK)
    ]
    if workers == 1:
        yield from map(run_seeds, chunks)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(run_seeds, chunks)
