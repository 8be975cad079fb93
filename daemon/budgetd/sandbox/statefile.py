"""The book in a file, replaced whole: a reader finds the old state or the new, never a half.

It may not know what is in a book.
"""

import json
import os
from pathlib import Path

from budgetd.sandbox.book import Book
from budgetd.sandbox.semantics import Semantics
from budgetd.sandbox.snapshot import SnapshotError, from_values, to_values


def save_state(book: Book, path: Path) -> None:
    """Writes beside the file, syncs, and puts the new one in its place; raises `OSError`."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8") as stream:
        json.dump(to_values(book), stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def load_state(path: Path, semantics: Semantics | None = None) -> Book:
    """The book in the file; raises `SnapshotError` where it is no state of a sandbox."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SnapshotError(f"{path.name} is not JSON") from error
    if not isinstance(values, dict):
        raise SnapshotError(f"{path.name} is no state of a sandbox")
    return from_values(values, semantics)
