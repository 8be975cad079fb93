"""A message as plain text: names from outside made harmless, links dead, no longer than allowed.

It may not know who receives it: a chat hands in what is alive in its own texts.
"""

from collections.abc import Mapping

from budgetd.core.telling import Message, Severity
from budgetd.report.harmless import harmless

LONGEST_LINE = 300
_DEAD = {"://": ": //", "www.": "www. ", "](": "] ("}
"""What readers turn into links, and what it becomes: nothing of ours is a link."""

_LOUD = {Severity.WARNING: "WARNING: ", Severity.CRITICAL: "CRITICAL: ", Severity.INFO: ""}


def subject_of(enterprise: str, message: Message) -> str:
    """The one line that says it all: `[acme] WARNING: ...`."""
    return dead(_first(enterprise, message))


def _first(enterprise: str, message: Message) -> str:
    return f"[{enterprise}] {_LOUD[message.severity]}{message.title}"


def dead(text: str, live: Mapping[str, str] | None = None) -> str:
    """One line with nothing hidden in it and nothing that acts; `live` is what else would."""
    line = harmless(text)
    if len(line) > LONGEST_LINE:
        line = f"{line[:LONGEST_LINE]}..."
    for found, instead in (_DEAD | dict(live or {})).items():
        line = line.replace(found, instead)
    return line


def text_of(
    enterprise: str, message: Message, largest_bytes: int, live: Mapping[str, str] | None = None
) -> str:
    """The whole message within so many bytes of UTF-8; lines at the end that have no place are
    counted instead."""
    first = dead(_first(enterprise, message), live)
    lines = [dead(line, live) for line in message.lines]
    for kept in range(len(lines), -1, -1):
        left = len(lines) - kept
        tail = [f"... and {left} more"] if left else []
        text = "\n".join([first, *lines[:kept], *tail])
        if len(text.encode()) <= largest_bytes:
            return text
    return first.encode()[:largest_bytes].decode(errors="ignore")
