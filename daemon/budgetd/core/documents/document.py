"""YAML text, read as plain data that knows its place: the only room that speaks YAML.

YAML gives shape and lines, never types: every scalar stays the text that was written. Anything
that is not plain data (anchors, tags, directives, variables) is refused at its place, and sizes
are judged while reading, before anything can explode. It may not know any model or field.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from budgetd.core.documents.problem import Problem
from budgetd.core.documents.secrecy import INVISIBLE, is_visible, looks_secret, shorten
from budgetd.core.documents.slips import Fault, slip_of
from budgetd.core.documents.tree import NO_KEYS, Mark, Node, Source, Span, Tree

LARGEST_BYTES = 1024 * 1024
DEEPEST = 20
MOST_NODES = 100_000
LONGEST_SCALAR_BYTES = 4096

_OF_ALIAS = "write it out; a glob that begins with * stands in quotes"
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


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
    return _Builder(source, text).read()


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
    """A mapping or list that is still being read; `key` is the one whose value comes next."""

    node: Node
    mapping: dict[str, Node] | None
    items: list[Node]
    key_spans: dict[str, Span]
    key: str | None = None
    is_repeated: bool = False


class _Builder:
    """Builds the tree from parser events, without recursion."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.text = text
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.nodes = 0
        self.documents = 0
        # Where no value can hold what its text does not show, none has to be looked at for it.
        self.is_clear = text.isascii() and "\\" not in text and "${" not in text

    def read(self) -> Tree | list[Problem]:
        try:
            self._take_all()
        except yaml.MarkedYAMLError as error:
            quoted = self.source.texts[-1][0] if self.source.texts else None
            slip = slip_of(_fault(error, quoted), self.source.lines)
            place = Mark(slip.line + 1, slip.column + 1)
            problem = self.source.problem(place, slip.message, hint=slip.hint)
            return sorted((*self.problems, problem))
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
            self._complain(self.root.span, f"expected a mapping at the top, found {found}")

    def _complain(self, span: Span, message: str, hint: str = "") -> None:
        mark = self.source.mark(span)
        self.problems.append(self.source.problem(mark, message, where=self._where(), hint=hint))

    def _where(self) -> str:
        where = ""
        for level in self.open:
            if level.mapping is None:
                where += f"[{len(level.items)}]"
            elif level.key is not None:
                where += f".{shorten(level.key)}" if where else shorten(level.key)
        return where

    def _take_all(self) -> None:
        next_event = yaml.CSafeLoader(self.text).get_event
        while (event := next_event()) is not None:
            # In the order of how many there are: of three, two are scalars.
            if isinstance(event, yaml.ScalarEvent):
                self._judge_node(event)
                self._add_scalar(event)
            elif isinstance(event, _ENDS):
                self._complete(self.open.pop().node)
            elif isinstance(event, yaml.MappingStartEvent):
                self._judge_node(event)
                mapping, spans = dict[str, Node](), dict[str, Span]()
                node = Node(mapping, _begin(event), spans)
                self._descend(_Open(node, mapping, [], spans))
            elif isinstance(event, yaml.SequenceStartEvent):
                self._judge_node(event)
                items = list[Node]()
                self._descend(_Open(Node(items, _begin(event), NO_KEYS), None, items, {}))
            elif isinstance(event, yaml.AliasEvent):
                self._complain(_span(event), "aliases are not accepted", _OF_ALIAS)
                self._complete(Node(None, _span(event), NO_KEYS))
            elif isinstance(event, yaml.DocumentStartEvent):
                self._start_document(event)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if event.version or event.tags:
            self._complain((0, 0, -1, 0), "directives are not accepted")
        if self.documents > 1:
            self._complain(_span(event), "several documents in one file; one is expected")
            raise _RefusedError

    def _judge_node(self, event: yaml.NodeEvent) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._complain(_span(event), "more than 100,000 nodes")
            raise _RefusedError
        if event.anchor:
            hint = "write it out where it is needed"
            self._complain(_span(event), "anchors are not accepted", hint)
        tag = getattr(event, "tag", None)
        if tag:
            is_include = "include" in str(tag)
            what = "includes are not supported" if is_include else "tags are not accepted"
            self._complain(_span(event), what)

    def _descend(self, level: _Open) -> None:
        if len(self.open) >= DEEPEST:
            self._complain(level.node.span, "nested more than 20 levels deep")
            raise _RefusedError
        above = self.open[-1] if self.open else None
        if above and above.mapping is not None and above.key is None:
            self._complain(level.node.span, "a key must be text")
            raise _RefusedError
        self.open.append(level)

    def _add_scalar(self, event: yaml.ScalarEvent) -> None:
        span = _span(event)
        text: str = event.value
        if len(text) * 4 > LONGEST_SCALAR_BYTES and _size(text) > LONGEST_SCALAR_BYTES:
            self._complain(span, "longer than 4 KiB")
            raise _RefusedError
        is_plain = not event.style
        if not is_plain:
            line, column, last_line, last_column = span
            self.source.texts.append(((line + 1, column + 1), (last_line + 1, last_column + 1)))
        level = self.open[-1] if self.open else None
        if level and level.mapping is not None and level.key is None:
            self._add_key(level, text, span, is_plain=is_plain)
            return
        self._judge_text(text, span)
        if is_plain and text in _NOTHING:
            if level:
                self._complain(span, "expected a value, found nothing", self._cure_of_nothing())
            self._complete(Node(None, span, NO_KEYS))
        else:
            self._complete(Node(text, span, NO_KEYS))

    def _cure_of_nothing(self) -> str:
        """In `{below:500.00}` the colon is a part of the key."""
        key = self.open[-1].key or ""
        is_tight = ":" in key.strip(":")
        return "a space is missing after the colon" if is_tight else "leave the key out instead"

    def _judge_text(self, text: str, span: Span) -> None:
        if not self.is_clear:
            if not is_visible(text.replace("\n", " ")):
                self._complain(span, "control and invisible characters are not accepted")
            if "${" in text:
                self._complain(span, "variables like ${NAME} are not supported")
        if looks_secret(text):
            mark = self.source.mark(span)
            self.source.secret_lines.update(range(mark.line, mark.last_line + 1))
            self._complain(
                span, "what looks like a secret ('***') has no place in this file", "not echoed"
            )

    def _add_key(self, level: _Open, text: str, span: Span, *, is_plain: bool) -> None:
        mapping = level.mapping
        assert mapping is not None
        level.key, level.is_repeated = text, False
        if is_plain and text == "<<":
            self._complain(span, "merge keys are not accepted", "write it out")
        elif is_plain and text in _NOTHING:
            self._complain(span, "a key must be text, found nothing")
        elif "${" in text:
            self._complain(span, "variables like ${NAME} are not supported")
        elif not is_visible(text):
            self._complain(span, "control and invisible characters are not accepted")
        elif looks_secret(text):
            self._complain(span, "what looks like a secret ('***') has no place in this file")
        elif text in mapping:
            level.is_repeated = True
            first = self.source.mark(level.key_spans[text])
            self._complain(
                span,
                f"the key '{shorten(text)}' is written twice",
                f"first at {first.line}:{first.column}",
            )
        if not level.is_repeated:
            level.key_spans[text] = span

    def _complete(self, node: Node) -> None:
        """Hands a finished value to the mapping or list it belongs to."""
        if not self.open:
            self.root = node
            return
        level = self.open[-1]
        if level.mapping is None:
            level.items.append(node)
        elif level.key is not None:
            if not level.is_repeated:
                level.mapping[level.key] = node
            level.key = None


def _span(event: yaml.Event) -> Span:
    start, end = event.start_mark, event.end_mark
    assert start is not None
    assert end is not None
    return start.line, start.column, end.line, end.column


def _begin(event: yaml.Event) -> Span:
    start = event.start_mark
    assert start is not None
    return start.line, start.column, -1, 0


def _fault(error: yaml.MarkedYAMLError, quoted: tuple[int, int] | None) -> Fault:
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    return Fault(
        problem=str(error.problem or error.context),
        at=(mark.line, mark.column) if mark is not None else (0, 0),
        context=str(error.context or ""),
        since=(begun.line, begun.column) if begun is not None else None,
        quoted=(quoted[0] - 1, quoted[1] - 1) if quoted is not None else None,
    )
