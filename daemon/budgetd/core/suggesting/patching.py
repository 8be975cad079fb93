"""Numbers put into the text of a policy, each where the old one stands, and nothing else changed.

Comments, quotes, order and line ends stay byte by byte. It may not read files, nor judge.
"""

import re
from collections.abc import Iterable

from budgetd.core.money import format_amount
from budgetd.core.suggesting.suggestion import Number

_BREAK = re.compile(r"\r\n|\n|\r")
_AMOUNT = re.compile(
    r"(?P<quote>['\"]?)(?P<text>[0-9]+(?P<cents>\.[0-9]{1,2})?)(?P=quote)", re.ASCII
)


class PatchError(Exception):
    """A text in which a number does not stand where it was read."""


def patched(text: str, numbers: Iterable[Number]) -> str:
    """The text with the new numbers. Raises `PatchError` where it is not the text that the
    numbers were read from.

    `text` is decoded with its byte order mark, if it has one. A number is written as the old one
    was: in its quotes, and without cents where it had none and needs none.
    """
    # A byte order mark is no column of the line it stands before.
    skipped = 1 if text.startswith("\ufeff") else 0
    starts = [skipped, *(found.end() for found in _BREAK.finditer(text))]
    for number in sorted(numbers, key=lambda one: (one.place.line, one.place.column), reverse=True):
        place = number.place
        begins = starts[place.line - 1] + place.column - 1 if place.line <= len(starts) else -1
        ends = begins + place.width
        found = _AMOUNT.fullmatch(text[begins:ends]) if begins >= 0 else None
        if found is None or format_amount(number.old) != _written(found["text"]):
            raise PatchError(place.where)
        text = text[:begins] + _like(found, format_amount(number.new)) + text[ends:]
    return text


def _written(text: str) -> str:
    """The old text with two decimals."""
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}"


def _like(found: re.Match[str], amount: str) -> str:
    shown = amount.removesuffix(".00") if found["cents"] is None else amount
    return f"{found['quote']}{shown}{found['quote']}"


def unified(old: str, new: str, path: str) -> str:
    """The difference as `patch -p1` and `git apply` take it: lines replaced one for one. `path`
    is relative to where the patch is applied; empty where nothing differs."""
    before, after = _lines(old), _lines(new)
    assert len(before) == len(after)
    changed = [
        place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    ]
    if not changed:
        return ""
    # As git does it: a blank in a name is told from the end of the name by a tab.
    name = f"{path}\t" if " " in path else path
    parts = [f"--- a/{name}\n+++ b/{name}\n"]
    for first, last in _hunks(changed, len(before)):
        parts.append(f"@@ -{first + 1},{last - first} +{first + 1},{last - first} @@\n")
        parts.extend(_hunk(before, after, first, last))
    return "".join(parts)


CONTEXT = 3


def _hunks(changed: list[int], length: int) -> list[tuple[int, int]]:
    """The lines of each hunk, those that touch joined."""
    found: list[tuple[int, int]] = []
    for place in changed:
        first, last = max(place - CONTEXT, 0), min(place + CONTEXT + 1, length)
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def _hunk(before: list[str], after: list[str], first: int, last: int) -> list[str]:
    lines: list[str] = []
    place = first
    while place < last:
        if before[place] == after[place]:
            lines.append(_line(" ", before[place]))
            place += 1
            continue
        end = place
        while end < last and before[end] != after[end]:
            end += 1
        lines += [_line("-", line) for line in before[place:end]]
        lines += [_line("+", line) for line in after[place:end]]
        place = end
    return lines


def _line(sign: str, line: str) -> str:
    ended = line.endswith("\n")
    return f"{sign}{line}" if ended else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """The lines as patches count them: ended by a line feed alone."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
