"""Golden files: the whole of a report, small enough to review by eye.

After a wanted change, `python -m pytest tests/report --override-ini addopts=` shows the
difference; write the new text into the file by hand or with the function that made it.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> str:
    """The text of a golden file, its line ends untouched."""
    return (FOLDER / name).read_bytes().decode()
