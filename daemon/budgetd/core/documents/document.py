"""YAML text, read as plain data that knows its place: the only room that speaks YAML.

YAML gives shape and lines, never types: every scalar stays the text that was written. Anything
that is not plain data (anchors, tags, directives, variables) is refused at its place, and sizes
are judged while reading, before anything can explode. It may not know any model or field.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from budgetd.core.documents.problem import Problem
from budgetd.core.documents.secrecy import (
    INVISIBLE,
    is_visible,
    looks_secret,
    may_hold_secret,
    shorten,
)

LARGEST_BYTES = 1024 * 1024
DEEPEST = 20
MOST_NODES = 100_000
LONGEST_SCALAR_BYTES = 4096

_BREAK = re.compile(r"\r\n|\n|\r")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text: line and column from 1, how many characters it spans, where it ends."""

    line: int
    column: int
    width: int = 1
    last_line: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One piece of a document. `value` is text, None for nothing, a list of nodes, or a mapping
    of keys to nodes; `key_marks` are the places of a mapping's keys."""

    value: "str | list[Node] | dict[str, Node] | None"
    mark: Mark
    key_marks: dict[str, Mark] = field(default_factory=dict)

    def plain(self) -> object:
        """The same data without places: dicts, lists, text."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


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
        node, mark, where = self.root, self.root.mark, ""
        for part in path:
            if isinstance(node.value, dict) and isinstance(part, str) and part in node.value:
                where = f"{where}.{shorten(part)}" if where else shorten(part)
                key_mark, node = node.key_marks[part], node.value[part]
                is_text = isinstance(node.value, str)
                mark = node.mark if is_text else key_mark
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                where = f"{where}[{part}]"
                node = node.value[part]
                mark = node.mark
        return Place(mark, where, node)

    def problem(
        self, path: tuple[str | int, ...], message: str, *, hint: str = "", is_warning: bool = False
    ) -> Problem:
        """A problem at the place a path leads to."""
        place = self.find(path)
        return self.source.problem(
            place.mark, message, where=place.where, hint=hint, is_warning=is_warning
        )


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, with or without a byte order mark. Raises UnicodeDecodeError."""
    return data.decode("utf-8-sig")


def read_tree(data: bytes | str, path: str) -> Tree | list[Problem]:
    """The document in a text; or, where it cannot be read to its end, why.

    A tree may carry problems: what was refused is left out of it or stands as nothing.
    """
    size = len(data)
    if size > LARGEST_BYTES:
        return [Problem(path=path, message="larger than 1 MiB")]
    try:
        text = decode(data) if isinstance(data, bytes) else data.removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        return [Problem(path=path, line=line, column=1, message="not UTF-8")]
    source = Source(path, text)
    unseen = [_unseen_problem(source, *spot) for spot in _unseen(source)]
    if unseen:
        return unseen
    return _Builder(source).read(text)


def _unseen(source: Source) -> Iterator[tuple[int, int, str]]:
    """The first character of each line that a reader cannot see and that could mislead."""
    for number, line in enumerate(source.lines, 1):
        if line.isascii() and line.isprintable():
            continue
        for column, character in enumerate(line, 1):
            if character != "\t" and not is_visible(character):
                yield number, column, character
                break


def _unseen_problem(source: Source, line: int, column: int, character: str) -> Problem:
    kind = "a NUL character" if character == "\0" else _kind_of(character)
    return source.problem(Mark(line, column), f"{kind} (U+{ord(character):04X}) is not accepted")


def _size(text: str) -> int:
    """The bytes of a text; of one that is short in characters no more than it could have."""
    most = len(text) * 4
    return most if most <= LONGEST_SCALAR_BYTES else len(text.encode("utf-8", "surrogatepass"))


def _kind_of(character: str) -> str:
    if character in INVISIBLE:
        return "an invisible or bidirectional character"
    return "a control character"


class _RefusedError(Exception):
    """Reading cannot go on."""


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read."""

    node: Node
    key: str | None = None
    key_mark: Mark | None = None
    is_repeated: bool = False


class _Builder:
    """Builds the tree from parser events, without recursion."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.nodes = 0
        self.documents = 0

    def read(self, text: str) -> Tree | list[Problem]:
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = f"not YAML: {error.problem or error.context}"
            place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
            return sorted((*self.problems, self.source.problem(place, message)))
        except yaml.YAMLError as error:
            return [Problem(path=self.source.path, message=f"not YAML: {error}")]
        except _RefusedError:
            return sorted(self.problems)
        self._judge_top()
        if self.root is None or not isinstance(self.root.value, dict):
            return sorted(self.problems)
        return Tree(self.source, self.root, tuple(self.problems))

    def _judge_top(self) -> None:
        if self.problems:
            return
        if self.root is None or self.root.value is None:
            message = "an empty file; it would mean nothing, and nothing is not assumed"
            self.problems.append(Problem(path=self.source.path, message=message))
        elif not isinstance(self.root.value, dict):
            found = "a list" if isinstance(self.root.value, list) else "a single value"
            self._complain(self.root.mark, f"expected a mapping at the top, found {found}")

    def _complain(self, mark: Mark, message: str, hint: str = "") -> None:
        self.problems.append(self.source.problem(mark, message, where=self._where(), hint=hint))

    def _where(self) -> str:
        where = ""
        for level in self.open:
            if isinstance(level.node.value, list):
                where += f"[{len(level.node.value)}]"
            elif level.key is not None:
                where += f".{shorten(level.key)}" if where else shorten(level.key)
        return where

    def _mark(self, event: yaml.Event) -> Mark:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        line = self.source.lines[start.line] if start.line < len(self.source.lines) else ""
        stop = end.column if end.line == start.line else len(line)
        return Mark(start.line + 1, start.column + 1, max(1, stop - start.column), end.line + 1)

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.AliasEvent():
                self._complain(self._mark(event), "aliases are not accepted", "write it out")
                self._complete(Node(None, self._mark(event)))
            case yaml.ScalarEvent():
                self._judge_node(event)
                self._add_scalar(event)
            case yaml.MappingStartEvent():
                self._judge_node(event)
                self._descend(Node({}, self._narrow(event)))
            case yaml.SequenceStartEvent():
                self._judge_node(event)
                self._descend(Node([], self._narrow(event)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._complete(self.open.pop().node)

    def _narrow(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        assert start is not None
        return Mark(start.line + 1, start.column + 1)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if event.version or event.tags:
            self._complain(Mark(1, 1), "directives are not accepted")
        if self.documents > 1:
            self._complain(self._mark(event), "several documents in one file; one is expected")
            raise _RefusedError

    def _judge_node(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._complain(self._mark(event), "more than 100,000 nodes")
            raise _RefusedError
        if event.anchor:
            hint = "write it out where it is needed"
            self._complain(self._mark(event), "anchors are not accepted", hint)
        tag = getattr(event, "tag", None)
        if tag:
            is_include = "include" in str(tag)
            what = "includes are not supported" if is_include else "tags are not accepted"
            self._complain(self._mark(event), what)

    def _descend(self, node: Node) -> None:
        if len(self.open) >= DEEPEST:
            self._complain(node.mark, "nested more than 20 levels deep")
            raise _RefusedError
        level = self.open[-1] if self.open else None
        if level and isinstance(level.node.value, dict) and level.key is None:
            self._complain(node.mark, "a key must be text")
            raise _RefusedError
        self.open.append(_Open(node))

    def _add_scalar(self, event: yaml.ScalarEvent) -> None:
        mark = self._mark(event)
        text: str = event.value
        if _size(text) > LONGEST_SCALAR_BYTES:
            self._complain(mark, "longer than 4 KiB")
            raise _RefusedError
        level = self.open[-1] if self.open else None
        is_plain = not event.style
        if not is_plain:
            self._keep_span(event)
        if level and isinstance(level.node.value, dict) and level.key is None:
            self._add_key(level, text, mark, is_plain=is_plain)
            return
        if not is_visible(text.replace("\n", " ")):
            self._complain(mark, "control and invisible characters are not accepted")
        self._judge_text(text, mark)
        is_nothing = is_plain and text in _NOTHING
        if is_nothing and self.open:
            self._complain(mark, "expected a value, found nothing", "leave the key out instead")
        self._complete(Node(None if is_nothing else text, mark))

    def _keep_span(self, event: yaml.Event) -> None:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        span = ((start.line + 1, start.column + 1), (end.line + 1, end.column + 1))
        self.source.texts.append(span)

    def _judge_text(self, text: str, mark: Mark) -> None:
        if "${" in text:
            self._complain(mark, "variables like ${NAME} are not supported")
        if looks_secret(text):
            self.source.secret_lines.update(range(mark.line, mark.last_line + 1))
            self._complain(
                mark, "what looks like a secret ('***') has no place in this file", "not echoed"
            )

    def _add_key(self, level: _Open, text: str, mark: Mark, *, is_plain: bool) -> None:
        mapping = level.node.value
        assert isinstance(mapping, dict)
        level.key, level.key_mark, level.is_repeated = text, mark, False
        if is_plain and text == "<<":
            self._complain(mark, "merge keys are not accepted", "write it out")
        elif is_plain and text in _NOTHING:
            self._complain(mark, "a key must be text, found nothing")
        elif "${" in text:
            self._complain(mark, "variables like ${NAME} are not supported")
        elif not is_visible(text):
            self._complain(mark, "control and invisible characters are not accepted")
        elif looks_secret(text):
            self._complain(mark, "what looks like a secret ('***') has no place in this file")
        elif text in mapping:
            first = level.node.key_marks[text]
            self._complain(
                mark,
                f"the key '{shorten(text)}' is written twice",
                f"first at {first.line}:{first.column}",
            )
            level.is_repeated = True

    def _complete(self, node: Node) -> None:
        """Hands a finished value to the mapping or list it belongs to."""
        if not self.open:
            self.root = node
            return
        level = self.open[-1]
        if isinstance(level.node.value, list):
            level.node.value.append(node)
        elif isinstance(level.node.value, dict) and level.key is not None:
            if not level.is_repeated and level.key_mark is not None:
                level.node.value[level.key] = node
                level.node.key_marks[level.key] = level.key_mark
            level.key = None
