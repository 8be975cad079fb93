"""A recorded reading that a command was told to use in the place of the provider."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetd.core.observation import Observation


def recorded(path: Path, blank: "Observation") -> "Observation":
    """The observation in a file, or from a pipe, on top of what the ledger knows. No more is read
    than a snapshot can be long. Raises `InvalidDocuments`."""
    from budgetd.config.files import read_recorded, shown_path
    from budgetd.core.documents.problem import InvalidDocuments, Problem
    from budgetd.report.snapshot import LARGEST_BYTES, read_snapshot

    data = read_recorded(path, shown_path(path), largest=LARGEST_BYTES)
    if isinstance(data, Problem):
        raise InvalidDocuments([data])
    return read_snapshot(data, path, blank)
