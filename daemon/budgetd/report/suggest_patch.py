"""Suggestions as a patch that `git apply` and `patch -p1` take: reasons first, then the lines.

Both tools pass over what stands before the first `---` of a file: that is where the reasons and
the marks for a review stand, so that the files themselves change in their numbers alone. It may
not judge.
"""

from collections.abc import Iterator, Mapping, Sequence

from budgetd.core.suggesting.patching import unified
from budgetd.core.suggesting.suggestion import Advice
from budgetd.report.harmless import harmless
from budgetd.report.suggest_words import (
    REVIEW,
    basis_words,
    cap_words,
    change_words,
    field_of,
    number_words,
    reviews,
    waits_words,
)


def suggest_patch(
    advice: Sequence[Advice], old: Mapping[str, str], new: Mapping[str, str], days: int
) -> str:
    """The patch of every file that changes, by its path; empty where none does. `old` and `new`
    are the texts by path, which is relative to where the patch is applied, or to the root."""
    parts = []
    for path in sorted(new):
        about = [one for one in advice if one.path == path and one.numbers]
        parts += [f"# {line}\n" for line in map(_flat, _reasons(about, days))]
        parts.append(unified(old[path], new[path], path.lstrip("/")))
    return "".join(parts)


def is_nameable(path: str) -> bool:
    """Whether a patch can name the file as it stands: other names would need quotes that not
    every tool reads alike."""
    return path.isprintable() and not set(path) & set('"\\')


def _reasons(advice: Sequence[Advice], days: int) -> Iterator[str]:
    for one in advice:
        yield f"{one.rule}: {basis_words(one, days)}"
        for number in one.numbers:
            yield f"{field_of(number)} {change_words(number)}: {number_words(number)}"
        if one.waits:
            yield f"money may wait for: {waits_words(one.waits)}"
        yield from map(cap_words, one.short_caps)
        for number in reviews(one):
            yield f"review: {one.rule} {field_of(number)} {change_words(number)} is {REVIEW}"


def _flat(line: str) -> str:
    return " ".join(harmless(line).split())
