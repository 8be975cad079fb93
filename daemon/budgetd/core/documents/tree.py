"""A document as data that knows its place: marks, nodes, the text they were read from.

It may not speak YAML, nor judge what stands in a document.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from budgetd.core.documents.problem import Problem
from budgetd.core.documents.secrecy import is_visible, may_hold_secret, shorten

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text: line and column from 1, how many characters it spans, where it ends."""

    line: int
    column: int
    width: int = 1
    last_line: int = 0


Span = tuple[int, int, int, int]
"""From where to where, as the parser counts: line and column, last line and column, from 0. Of
what has no text of its own the last line is -1."""
NO_KEYS: Mapping[str, Span] = MappingProxyType({})


# Neither frozen nor with a mark of its own: a set of policies has a hundred thousand of them, of
# which hardly one is ever spoken of.
@dataclass(slots=True)
class Node:
    """One piece of a document. `value` is text, None for nothing, a list of nodes, or a mapping
    of keys to nodes; `key_spans` are the places of a mapping's keys."""

    value: "str | list[Node] | dict[str, Node] | None"
    span: Span
    key_spans: Mapping[str, Span]

    def plain(self) -> object:
        """The same data without places: dicts, lists, text."""
        value = self.value
        if isinstance(value, dict):
            return {
                key: node.value if type(node.value) is str else node.plain()
                for key, node in value.items()
            }
        if isinstance(value, list):
            return [node.plain() for node in value]
        return value


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path of keys and indexes leads: its mark, its written form, the node there."""

    mark: Mark
    where: str
    node: Node


class Source:
    """The text of one document, by lines; it knows which lines must not be shown, and where a
    sign of a comment is only a part of a quoted text or a block."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = _BREAK.split(text)
        self.secret_lines: set[int] = set()
        self.texts: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def mark(self, span: Span) -> Mark:
        """The place of a span; what goes on in the next line ends with its first."""
        line, column, last_line, last_column = span
        if last_line == line:
            stop = last_column
        elif last_line < 0:
            stop = column + 1
        else:
            stop = len(self.lines[line]) if line < len(self.lines) else 0
        return Mark(line + 1, column + 1, max(1, stop - column), last_line + 1)

    def problem(
        self, mark: Mark, message: str, *, where: str = "", hint: str = "", is_warning: bool = False
    ) -> Problem:
        """A problem at a mark, with its source line unless that could show a secret."""
        return Problem(
            path=self.path,
            line=mark.line,
            column=mark.column,
            where=where,
            message=message,
            hint=hint,
            source_line=self.shown_line(mark.line),
            width=mark.width,
            is_warning=is_warning,
        )

    def is_text(self, line: int, column: int) -> bool:
        """Whether a place, from 1, lies in a quoted text or a block."""
        return any(first <= (line, column) < last for first, last in self.texts)

    def shown_line(self, line: int) -> str:
        """The line as it may be shown: empty where a secret stands or may stand."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if line in self.secret_lines or may_hold_secret(text):
            return ""
        if len(text) > 160 or not is_visible(text):
            return ""
        return text


@dataclass(frozen=True, slots=True)
class Tree:
    """A document as data: its text, its root, which is a mapping, and what was refused in it."""

    source: Source
    root: Node
    problems: tuple[Problem, ...] = ()

    def find(self, path: tuple[str | int, ...]) -> Place:
        """The place a path leads to; parts that lead nowhere are passed over.

        A mapping or list is shown at the key that holds it, text at itself.
        """
        node, span, where = self.root, self.root.span, ""
        for part in path:
            if isinstance(node.value, dict) and isinstance(part, str) and part in node.value:
                where = f"{where}.{shorten(part)}" if where else shorten(part)
                key_span, node = node.key_spans[part], node.value[part]
                span = node.span if isinstance(node.value, str) else key_span
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                where = f"{where}[{part}]"
                node = node.value[part]
                span = node.span
        return Place(self.source.mark(span), where, node)

    def problem(
        self, path: tuple[str | int, ...], message: str, *, hint: str = "", is_warning: bool = False
    ) -> Problem:
        """A problem at the place a path leads to."""
        place = self.find(path)
        return self.source.problem(
            place.mark, message, where=place.where, hint=hint, is_warning=is_warning
        )
