"""What a campaign reached, and what it must have reached to count as one.

It may not judge money.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from budgetd.core import intent
from budgetd.core.answer import AnswerClass
from budgetd.core.intent import FINAL, TRANSITIONS, State
from budgetd.ledger import store

from .script import Happening, PostFault, ReadFault
from .stage import Coverage

MUST_REACH: dict[str, tuple[str, ...]] = {
    "states": (*sorted(FINAL), State.NEEDS_HUMAN),
    "steps": tuple(
        f"{before} -> {after}" for before, afters in TRANSITIONS.items() for after in sorted(afters)
    ),
    "classes": tuple(AnswerClass),
    "faults": (*PostFault, *ReadFault),
    "happenings": tuple(Happening),
}
WIDTH = 80


@contextmanager
def watching_steps(coverage: Coverage) -> Iterator[None]:
    """Notes every lawful step of an intent while it lasts."""
    lawful = intent.check_transition

    def check(before: State, after: State) -> None:
        lawful(before, after)
        coverage.note("steps", f"{before} -> {after}")

    vars(store)["check_transition"] = check
    try:
        yield
    finally:
        vars(store)["check_transition"] = lawful


def missing(coverage: Coverage) -> list[str]:
    """What must be reached, and never was."""
    return [
        f"{table}: {name}"
        for table, names in MUST_REACH.items()
        for name in names
        if not coverage.seen[table, str(name)]
    ]


def table_lines(coverage: Coverage) -> Iterator[str]:
    """The tables for people, 80 columns wide at the most."""
    for table in sorted({table for table, _ in coverage.seen}):
        cells = [
            f"{name} {number:,}"
            for (owner, name), number in sorted(coverage.seen.items())
            if owner == table
        ]
        yield table
        line = " "
        for cell in cells:
            if len(line) + len(cell) + 2 > WIDTH:
                yield line
                line = " "
            line += f" {cell},"
        yield line.rstrip(",")
