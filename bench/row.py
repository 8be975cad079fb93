"""One line of the table: what was measured, against what, and whether the bound is kept.

It may not measure anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measure. `ratio` is the value over what it is held against, and may be at most `most`;
    `faults` are counts that must be zero, by name."""

    name: str
    value: str
    against: str
    ratio: float
    most: float
    faults: tuple[tuple[str, int], ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the bound is kept and nothing went wrong."""
        return self.ratio <= self.most and not any(count for _, count in self.faults)

    @property
    def verdict(self) -> str:
        """In words: ok, or what is missed."""
        wrong = [f"{count} {name}" for name, count in self.faults if count]
        if self.ratio > self.most:
            wrong.append(f"above {self.most:g}")
        return "ok" if not wrong else "MISSED: " + ", ".join(wrong)


HEADINGS = ("measure", "value", "bound or peer", "ratio", "at most", "verdict")


def table(rows: Sequence[Row]) -> str:
    """The rows in aligned columns."""
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (row.name, row.value, row.against, f"{row.ratio:.3f}", f"{row.most:g}", row.verdict)
