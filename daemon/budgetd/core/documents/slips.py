"""What was most likely meant where a text is no YAML: a sentence and a cure for the parser's words.

It looks at the text around the parser's place alone. It may not quote it: it may be a secret.
"""

import re
from dataclasses import dataclass

_PAIRS = {"{": "}", "[": "]"}
_TIGHT = re.compile(r"\s*(?:- +)*[\w.-]+:[^\s:/]")
_SPACE = "a space is missing after the colon"
_COLUMN = "keys of one mapping, and the - of one list, begin in one column"
_SECOND = "a text with a colon and a space in it stands in quotes"


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with a text, at a place that counts from 0."""

    line: int
    column: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A parser's word: the problem where it gave up, and in what, which began at `since`; `quoted`
    is where the last text in quotes began. Places count from 0."""

    problem: str
    at: tuple[int, int]
    context: str = ""
    since: tuple[int, int] | None = None
    quoted: tuple[int, int] | None = None


def slip_of(fault: Fault, lines: list[str]) -> Slip:
    """What is told of a fault; the parser's own words where nothing better is known."""
    at = fault.at
    found = _indented_by_tab(lines, at)
    if found is None:
        found = _never_closed(fault, lines)
    if found is None:
        found = _told(lines, at, fault.since or at, (fault.problem, fault.context))
    return found or Slip(*at, f"not YAML: {fault.problem}")


def _indented_by_tab(lines: list[str], at: tuple[int, int]) -> Slip | None:
    before = _line(lines, at[0])[: at[1] + 1]
    column = before.find("\t")
    if column < 0 or before.strip():
        return None
    return Slip(at[0], column, "a tab does not indent in YAML", "write spaces")


def _never_closed(fault: Fault, lines: list[str]) -> Slip | None:
    """A quote that a later line's opening one has closed: the text goes on right behind that."""
    quoted, (line, column) = fault.quoted, fault.at
    if quoted is None or quoted[0] == line or _sign(lines, quoted) not in ("'", '"'):
        return None
    if not _line(lines, line)[:column].rstrip().endswith(_sign(lines, quoted)):
        return None
    return Slip(*quoted, "this quote is not closed in its line", f"but in line {line + 1}")


def _told(
    lines: list[str], at: tuple[int, int], since: tuple[int, int], said: tuple[str, str]
) -> Slip | None:
    problem, context = said
    if "cannot start any token" in problem:
        return _bare(lines, at)
    if context in ("while scanning an alias", "while scanning an anchor") or (
        context == "while scanning a block scalar" and "comment or line break" in problem
    ):
        return _bare(lines, since)
    if context == "while scanning a quoted scalar":
        return Slip(*since, "this quote is never closed")
    if problem == "found unknown escape character":
        hint = "write it twice, or take single quotes"
        return Slip(*at, "a backslash in double quotes begins an escape, and this is none", hint)
    if problem.startswith("mapping values are not allowed"):
        return _second_colon(lines, at)
    if problem == "could not find expected ':'":
        return _without_colon(lines, since)
    if problem.startswith("block sequence entries are not allowed"):
        return Slip(*at, "a list begins on a line of its own", "or put the text in quotes")
    if context in ("while parsing a flow mapping", "while parsing a flow sequence"):
        return _in_brackets(lines, at, since)
    if problem in ("did not find expected key", "did not find expected '-' indicator"):
        return _out_of_place(lines, at)
    if problem == "did not find expected node content" and _sign(lines, at):
        return Slip(*at, f"expected a value, found {_sign(lines, at)}")
    if problem == "found incompatible YAML document" or context == "while scanning a directive":
        return Slip(*since, "directives are not accepted", "a text with % in front needs quotes")
    if problem == "did not find expected <document start>":
        message = "what stands above is a whole document, and this is beyond its end"
        return Slip(*at, message, "one mapping of `key: value` lines is expected")
    return None


def _bare(lines: list[str], at: tuple[int, int]) -> Slip:
    sign = _sign(lines, at)
    return Slip(*at, f"a text cannot begin with {sign}", f'put it in quotes: "{sign}..."')


def _second_colon(lines: list[str], at: tuple[int, int]) -> Slip:
    """A colon where the value of another one is still going on."""
    before = _line(lines, at[0])[: at[1]]
    if ": " in before:
        return Slip(*at, _SECOND, 'like description: "for now: none"')
    begin = len(before) - len(before.lstrip())
    above = _above(lines, at[0])
    if above is not None and _TIGHT.match(lines[above]) and ": " not in lines[above]:
        return Slip(above, lines[above].index(":"), _SPACE)
    if above is not None and ":" in lines[above]:
        message = "this line is deeper than one above it that has its value already"
        return Slip(at[0], begin, message, _COLUMN)
    if above is None:
        return Slip(*at, "a key is one line of text, of 1,024 characters at most")
    shown = lines[above]
    return Slip(above, len(shown) - len(shown.lstrip()), "expected `key: value`, found no colon")


def _without_colon(lines: list[str], since: tuple[int, int]) -> Slip:
    text = _line(lines, since[0])
    if re.match(r"\s*-[^\s-]", text):
        return Slip(*since, "a space is missing after the -")
    if _TIGHT.match(text):
        return Slip(since[0], text.index(":"), _SPACE)
    return Slip(*since, "expected `key: value`, found no colon")


def _in_brackets(lines: list[str], at: tuple[int, int], since: tuple[int, int]) -> Slip:
    """Something between { } or [ ] that is neither parted by a comma nor the end."""
    opens = _sign(lines, since)
    closes = _PAIRS.get(opens, "}")
    sign = _sign(lines, at)
    if sign in ("}", "]"):
        return Slip(*at, f"expected {closes} for the {opens} before, found {sign}")
    if not _is_closed(lines, since):
        return Slip(*since, f"this {opens} is never closed", f"with {closes}")
    if sign == ":":
        return Slip(*at, "a comma is missing before this key, or quotes", _SECOND)
    return Slip(*at, "a comma is missing before this")


def _is_closed(lines: list[str], since: tuple[int, int]) -> bool:
    """Whether what opens there is closed at all, by the count of brackets outside of quotes."""
    text = "\n".join([_line(lines, since[0])[since[1] :], *lines[since[0] + 1 :]])
    depth = 0
    for sign in re.sub(r"""(?<=[\s,:\[{])("[^"\n]*"|'[^'\n]*')|(?<=\s)#.*""", "", text):
        depth += (sign in _PAIRS) - (sign in _PAIRS.values())
        if depth == 0:
            return True
    return False


def _out_of_place(lines: list[str], at: tuple[int, int]) -> Slip | None:
    """What stands where a key, or the next entry of a list, must begin."""
    before, sign = _line(lines, at[0])[: at[1]].rstrip(), _sign(lines, at)
    if sign in ("}", "]"):
        return Slip(*at, f"nothing is open that this {sign} closes")
    if before.endswith(("'", '"')):
        within = "a ' within single quotes is written twice"
        hint = within if before.endswith("'") else "all of it stands in one pair of quotes"
        message = "a text goes on after its closing quote"
        return Slip(*at, message, f"{hint}; or a quote above is not closed")
    if before:
        return None
    if sign == "-":
        return Slip(*at, "an entry of a list stands among keys", _COLUMN)
    return Slip(*at, "the indentation of this line fits none above", _COLUMN)


def _above(lines: list[str], line: int) -> int | None:
    """The last line before that says something."""
    for number in range(min(line, len(lines)) - 1, -1, -1):
        text = lines[number].strip()
        if text and not text.startswith("#"):
            return number
    return None


def _line(lines: list[str], line: int) -> str:
    return lines[line] if 0 <= line < len(lines) else ""


def _sign(lines: list[str], at: tuple[int, int]) -> str:
    return _line(lines, at[0])[at[1] : at[1] + 1]
