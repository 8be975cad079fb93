"""What people allow: a comment that sets one lint aside, on its line, for a time, with a reason.

`# budgetd: allow LINT until 2027-01-31 because ...`, on the line or above it. An allowance that
is over, says no reason, or allows nothing, is a problem of its own. It may not allow an error.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from budgetd.core.documents.problem import Problem, as_lint
from budgetd.core.documents.tree import Mark, Source
from budgetd.core.moment import MomentError, parse_date

LINTS = (
    "overlap",
    "ping-pong",
    "refill",
    "taken-back",
    "shadowed",
    "slow",
    "short-of-target",
    "no-cap",
    "lapses",
    "not-normal",
    "over",
    "never-holds",
    "uncovered",
    "matches-nobody",
    "unknown-id",
    "closed-id",
    "above-master",
    "no-history",
)
"""Every kind of warning about policies, by the name under which it is allowed."""

OF_FLEETS = LINTS[LINTS.index("uncovered") :]
FORM = "# budgetd: allow LINT until 2027-01-31 because REASON"
_COMMENT = re.compile(r"(?:^|\s)#\s*budgetd:\s*(?P<said>.*)$")
_ALLOW = re.compile(
    r"allow\s+(?P<lint>[\w-]+)(?:\s+until\s+(?P<until>\S+))?(?:\s+because\s+(?P<reason>\S.*))?\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One comment that is in force: which lint, at which line of which file."""

    path: str
    lint: str
    line: int
    mark: Mark


def apply_allowances(
    problems: Sequence[Problem], sources: Sequence[Source], today: date, *, has_fleet: bool
) -> list[Problem]:
    """The problems that nobody allows, and what is wrong with the allowances, in order of place."""
    kept, allowances = list(problems), list[tuple[Source, Allowance]]()
    for source in sources:
        for found in _allowances(source, today):
            if isinstance(found, Problem):
                kept.append(found)
            else:
                allowances.append((source, found))
    for source, one in allowances:
        met = [problem for problem in kept if _is_allowed(problem, one)]
        if met:
            kept = [problem for problem in kept if problem not in met]
        elif has_fleet or one.lint not in OF_FLEETS:
            kept.append(_wrong(source, one.mark, f"no {one.lint} is here: take it out"))
    return sorted(kept)


def _is_allowed(problem: Problem, one: Allowance) -> bool:
    is_same = problem.path == one.path and problem.line == one.line
    return problem.is_warning and problem.lint == one.lint and is_same


def _allowances(source: Source, today: date) -> Iterator[Allowance | Problem]:
    for number, text in enumerate(source.lines, 1):
        comment = _COMMENT.search(text) if "budgetd:" in text else None
        if comment is None:
            continue
        column = text.index("#", comment.start()) + 1
        if source.is_text(number, column):
            continue
        mark = Mark(number, column, max(1, len(text.rstrip()) - column + 1))
        found = _read(comment["said"], today)
        if isinstance(found, tuple):
            yield _wrong(source, mark, *found)
        else:
            is_alone = not text[: column - 1].strip()
            line = _next_line(source, number) if is_alone else number
            yield Allowance(path=source.path, lint=found, line=line, mark=mark)


def _next_line(source: Source, number: int) -> int:
    """The next line that is neither empty nor a comment."""
    for later, text in enumerate(source.lines[number:], number + 1):
        if text.strip() and not text.strip().startswith("#"):
            return later
    return number


def _read(said: str, today: date) -> str | tuple[str, str]:
    """The lint that is allowed, or what is wrong and how it is written."""
    matched = _ALLOW.fullmatch(said)
    if matched is None:
        return "not an allowance", FORM
    lint = matched["lint"]
    if lint not in LINTS:
        nearest = difflib.get_close_matches(lint, LINTS, n=1)
        guess = f"; did you mean '{nearest[0]}'?" if nearest else ""
        return f"there is no lint '{lint}'{guess}", f"known: {', '.join(LINTS)}"
    if matched["until"] is None:
        return "an allowance needs its last day", FORM
    try:
        until = parse_date(matched["until"])
    except MomentError as problem:
        return f"an allowance needs its last day: {problem}", FORM
    if matched["reason"] is None:
        return "an allowance needs a reason", FORM
    if until < today:
        return f"this allowance ended with {until}", "mend the rule, or decide again"
    return lint


def _wrong(source: Source, mark: Mark, message: str, hint: str = "") -> Problem:
    return as_lint("allowance", source.problem(mark, message, hint=hint, is_warning=True))
