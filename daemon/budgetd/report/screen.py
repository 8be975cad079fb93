"""The terminal as a report sees it: how wide, which zone, colour or not; and lines that fit it.

It may not look at the real terminal: the caller says what it is.
"""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

NARROWEST = 60
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where a text will be shown. `width` is in cells; fewer than 60 count as 60."""

    width: int
    zone: ZoneInfo
    has_colour: bool = False

    @property
    def room(self) -> int:
        """The cells that a line may fill."""
        return max(self.width, NARROWEST)


def print_lines(lines: Iterable[Text], screen: Screen) -> str:
    """The lines as text, each on its own, with colour where the screen has it."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=screen.room,
        force_terminal=screen.has_colour,
        color_system="standard" if screen.has_colour else None,
        no_color=not screen.has_colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)
    return buffer.getvalue()


def folded(line: str, room: int) -> list[str]:
    """The line in as many as it takes to fit, those after the first two cells further in; nothing
    is cut off, so that what has no blanks may stand out."""
    if cell_len(line) <= room:
        return [line]
    inward = " " * (len(line) - len(line.lstrip()))
    first, *others = sentences(line, room - len(inward) - 2)
    return [f"{inward}{first}", *(f"{inward}  {part}" for part in others)]


def fit(text: str, width: int) -> str:
    """The text in at most that many cells; what is cut off is marked."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled up with blanks to that many cells."""
    blanks = " " * max(width - cell_len(text), 0)
    return blanks + text if right else text + blanks


def flow_parts(parts: Iterable[str], width: int) -> list[str]:
    """The parts joined by ` · `, broken between parts where a line would be too long."""
    lines: list[str] = []
    for part in parts:
        if not part:
            continue
        if lines and cell_len(f"{lines[-1]} · {part}") <= width:
            lines[-1] = f"{lines[-1]} · {part}"
        else:
            lines.append(fit(f"  {part}" if lines else part, width))
    return lines


def sentences(text: str, width: int) -> list[str]:
    """The text on as many lines as it needs, broken between words, never in a command."""
    lines = [""]
    for word in re.findall(r"`[^`]*`\S*|\S+", text):
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
