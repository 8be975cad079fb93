"""Suggestions as people read them: rule by rule, each number with its reason.

It may not judge.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from budgetd.core.moment import format_minute
from budgetd.core.suggesting.suggestion import Advice
from budgetd.report.harmless import harmless
from budgetd.report.phrases import count
from budgetd.report.screen import Screen, flow_parts, print_lines, sentences
from budgetd.report.suggest_words import (
    REVIEW,
    basis_words,
    cap_words,
    change_words,
    field_of,
    number_words,
    outcome_words,
    waits_words,
)


def suggest_text(
    advice: Sequence[Advice], days: int, screen: Screen, *, enterprise: str, at: datetime
) -> str:
    """Every rule that was looked at, then what to do with what was found. `at` is when it was."""
    told = f"{format_minute(at, screen.zone)} {screen.zone.key}"
    title = (harmless(enterprise), "suggest", told, f"{days} days of readings")
    lines = [Text(part, style="bold") for part in flow_parts(title, screen.room)]
    lines.append(Text())
    for one in advice:
        heading = [one.rule, *basis_words(one, days).split(", ")]
        lines += [Text(part, style="bold") for part in flow_parts(heading, screen.room)]
        for indent, told in _told(one):
            lines += [Text(f"{indent}{part}") for part in _wrapped(indent, told, screen)]
        lines.append(Text())
    lines += [Text(part) for part in sentences(_closing(advice), screen.room)]
    return print_lines(lines, screen)


def _wrapped(indent: str, told: str, screen: Screen) -> list[str]:
    first, *rest = sentences(harmless(told), screen.room - len(indent) - 2)
    return [first, *(f"  {part}" for part in rest)]


def _told(one: Advice) -> Iterator[tuple[str, str]]:
    for number in one.numbers:
        place = f"{one.path}:{number.place.line}:{number.place.column}"
        yield "  ", f"{field_of(number)} {change_words(number)} {place}"
        yield "    ", number_words(number)
        if number.is_cut:
            yield "    ", f"review: {REVIEW}"
    if one.numbers and one.waits:
        yield "  ", f"money may wait for: {waits_words(one.waits)}"
    yield from (("  ", cap_words(cap)) for cap in one.short_caps)
    if why := outcome_words(one):
        yield "  ", why


def _closing(advice: Sequence[Advice]) -> str:
    numbers = sum(len(one.numbers) for one in advice)
    if not numbers:
        return "No number is suggested. Nothing was written."
    files = len({one.path for one in advice if one.numbers})
    return (
        f"{count(numbers, 'number')} in {count(files, 'file')}."
        " Nothing was written: `budgetd suggest --format patch --out suggested.patch`, then"
        " `git apply suggested.patch` and `budgetd diff HEAD policies`."
    )
