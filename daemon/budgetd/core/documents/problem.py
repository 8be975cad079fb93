"""What is wrong with a document, and where: one noun, and how people and machines see it.

It may not read documents, and it may not print: it makes text, others show it.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from budgetd.core.documents.secrecy import visible

RED, YELLOW, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, at its place; sorts by path, line and column.

    `line` and `column` count from 1; a `line` of 0 speaks of the file as a whole. `where` is the
    field path (`rules[0].top_up.when.below`). `source_line` is empty where showing it could
    show a secret. `width` is the number of characters the carets stand under. `lint` names the
    kind of a warning, `about` the rules it is about, `example` tells what would happen, in lines.
    """

    path: str
    line: int = 0
    column: int = 0
    where: str = ""
    message: str
    hint: str = ""
    source_line: str = ""
    width: int = 1
    is_warning: bool = False
    lint: str = ""
    about: tuple[str, ...] = ()
    example: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`path:line:column`, or the path alone."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def with_example(self, *lines: str) -> "Problem":
        """The problem with what would happen."""
        return replace(self, example=lines)

    def headline(self) -> str:
        """One line: the place, the field, what is wrong."""
        kind = "warning: " if self.is_warning else ""
        where = f"{self.where}: " if self.where else ""
        return visible(f"{self.place}: {kind}{where}{self.message}")

    def render(self, *, is_coloured: bool = False) -> str:
        """The headline, then the source line with carets and the hint beside them."""
        tint = YELLOW if self.is_warning else RED
        said = f"{self.headline()} [{self.lint}]" if self.lint else self.headline()
        head = f"{tint}{said}{PLAIN}" if is_coloured else said
        told = "".join(f"\n      {visible(line)}" for line in self.example)
        return f"{self._placed(head, is_coloured=is_coloured)}{told}"

    def _placed(self, head: str, *, is_coloured: bool) -> str:
        tint = YELLOW if self.is_warning else RED
        if not self.source_line:
            return f"{head}\n  = {visible(self.hint)}" if self.hint else head
        gutter = f"{self.line:>3}"
        pad = _blank(self.source_line[: self.column - 1])
        marked = self.source_line[self.column - 1 : self.column - 1 + self.width]
        carets = "^" * max(1, _columns(marked))
        if is_coloured:
            carets = f"{tint}{carets}{PLAIN}"
        below = f"{pad}{carets} {visible(self.hint)}".rstrip()
        return f"{head}\n{gutter} | {self.source_line}\n{' ' * len(gutter)} | {below}"

    def as_json(self) -> dict[str, object]:
        """The form of `check --format json`."""
        document: dict[str, object] = {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "where": self.where,
            "message": self.message,
            "hint": self.hint,
            "severity": "warning" if self.is_warning else "error",
        }
        kind = {"lint": self.lint, "example": list(self.example)} if self.lint else {}
        return document | kind

    def as_line(self) -> str:
        """`path:line:column: message`, for editors: the place always has a line and a column."""
        placed = replace(self, line=max(self.line, 1), column=max(self.column, 1))
        return f"{placed.headline()} [{self.lint}]" if self.lint else placed.headline()


def as_lint(lint: str, problem: Problem, *rules: str) -> Problem:
    """The problem as one of a kind, and the rules it is about."""
    return replace(problem, lint=lint, about=rules)


class InputError(Exception):
    """Input that is refused; the fault is the writer's. Carries every problem, in order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(problem.headline() for problem in self.problems))


class InvalidDocuments(InputError):  # noqa: N818 - the name says what is wrong with what
    """Documents that are refused whole."""


class InvalidCredentials(InputError):  # noqa: N818 - as above
    """Secrets that are not where the config says, or are no secrets; none is quoted."""


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _columns(text: str) -> int:
    return sum(2 if _is_wide(character) else 1 for character in text)


def _blank(text: str) -> str:
    """As many columns of nothing as the text takes; tabs stay tabs."""
    return "".join(
        "\t" if character == "\t" else " " * (2 if _is_wide(character) else 1) for character in text
    )
