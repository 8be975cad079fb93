"""A recorded reading that a command was told to use in the place of the provider."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetd.core.observation import Observation


def recorded(path: Path, blank: "Observation") -> "Observation":
    """The observation in a file, or from a pipe, on top of what the ledger knows. No more is read
    than a snapshot can be long. Raises `InvalidDocuments` and `OSError`."""
    from budgetd.report.snapshot import LARGEST_BYTES, read_snapshot

    with path.open("rb") as file:
        return read_snapshot(file.read(LARGEST_BYTES + 1), path, blank)
