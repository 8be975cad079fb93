"""Replays side by side, as people read them: a row a measure, a column a set.

It may not measure.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from budgetd.core.backtest.result import Backtest
from budgetd.report.backtest_rows import Row, Section, names, notes, sections, span
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.screen import ELLIPSIS, Screen, fit, flow_parts, pad, print_lines, sentences

_GAP = 2
_WIDEST_LABEL = 34
_WIDEST_CELL = 26


def backtest_text(found: Backtest, screen: Screen) -> str:
    """The table, in as many blocks as the sets need room, and what must be known to read it."""
    heading = (
        f"{harmless(found.enterprise)} backtest",
        span(found, screen.zone),
        count(found.accounts, "account"),
        f"{found.readings:,} readings",
        f"{found.cycles:,} cycles",
        found.currency,
    )
    lines = [Text(part, style="bold") for part in flow_parts(heading, screen.room)]
    made = tuple(sections(found, screen.zone))
    for columns in _blocks(found, made, screen.room):
        lines += _block(found, made, columns, screen.room)
    for note in notes(found, screen.zone):
        lines.append(Text())
        lines += [Text(part) for part in sentences(note, screen.room)]
    return print_lines(lines, screen)


def _label_width(made: Sequence[Section], room: int) -> int:
    widest = max(cell_len(row.label) for section in made for row in section.rows)
    return min(widest + _GAP, _WIDEST_LABEL, room // 3)


def _widths(found: Backtest, made: Sequence[Section]) -> list[int]:
    return [
        min(
            max(
                cell_len(name),
                *(cell_len(row.cells[place]) for section in made for row in section.rows),
            ),
            _WIDEST_CELL,
        )
        for place, name in enumerate(names(found))
    ]


def _blocks(found: Backtest, made: Sequence[Section], room: int) -> Iterator[list[int]]:
    """The places of the sets that fit beside each other; what really happened stands first in
    each block."""
    widths = _widths(found, made)
    left = room - _label_width(made, room) - _GAP - widths[0]
    block, free = [0], left
    for place in range(1, len(widths)):
        if len(block) > 1 and widths[place] + _GAP > free:
            yield block
            block, free = [0], left
        block.append(place)
        free -= widths[place] + _GAP
    yield block


def _block(
    found: Backtest, made: Sequence[Section], columns: Sequence[int], room: int
) -> Iterator[Text]:
    label = _label_width(made, room)
    widths = _widths(found, made)
    most = (room - label - _GAP) // len(columns) - _GAP
    widths = [min(width, max(most, 12)) for width in widths]
    yield Text()
    heads = "".join(_head(names(found)[place], widths[place]) for place in columns)
    yield Text(pad("", label) + heads, style="bold")
    for section in made:
        yield Text(section.title, style="dim")
        for row in section.rows:
            yield Text(_line(row, columns, widths, label))


def _line(row: Row, columns: Sequence[int], widths: Sequence[int], label: int) -> str:
    cells = "".join(_cell(row.cells[place], widths[place]) for place in columns)
    return pad(fit(f"  {row.label}", label), label) + cells


def _head(name: str, width: int) -> str:
    """A set by the end of its name: folders that lie beside each other begin alike."""
    while cell_len(name) > width:
        name = ELLIPSIS + name.removeprefix(ELLIPSIS)[1:]
    return _cell(name, width)


def _cell(text: str, width: int) -> str:
    return " " * _GAP + pad(fit(text, width), width, right=True)
