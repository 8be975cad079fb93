"""What became of cases, for people: each difference at its line, and what the cases covered.

It may not run cases, nor count otherwise than its twin in JSON.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budgetd.core.cases.case import CaseFile
from budgetd.core.cases.coverage import RuleCoverage
from budgetd.core.cases.running import Failure, Result
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.report.harmless import harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One file of cases and its results, in the order they are written."""

    written: Written[CaseFile]
    results: tuple[Result, ...]

    def problem(self, index: int, failure: Failure) -> Problem:
        """A difference at the line of its expectation."""
        case = self.results[index].case
        return self.written.problem(
            ("cases", index, *failure.path), f"case '{case.name}': {failure.message}"
        )


def failed(ran: Sequence[Ran]) -> int:
    """How many cases did not come out as they say."""
    return sum(bool(result.failures) for one in ran for result in one.results)


def executed(ran: Sequence[Ran]) -> int:
    """How many cases were run."""
    return sum(len(one.results) for one in ran)


def cases_text(
    ran: Sequence[Ran], rules: Sequence[RuleCoverage] | None, *, is_coloured: bool = False
) -> str:
    """Each difference with the reason it came to that, the coverage if asked for, the sum."""
    lines: list[str] = []
    for one in ran:
        for index, result in enumerate(one.results):
            for failure in result.failures:
                rendered = one.problem(index, failure).render(is_coloured=is_coloured)
                lines += [rendered, *(f"      {harmless(line)}" for line in failure.why), ""]
    if rules is not None:
        lines += [*_coverage(rules), ""]
    lines.append(_sum(ran))
    return "\n".join(lines) + "\n"


def _sum(ran: Sequence[Ran]) -> str:
    count, bad = executed(ran), failed(ran)
    if not count:
        return (
            "no case was run: that proves nothing, and is a failure;"
            " cases are files named *_test.yaml, beside the policies"
        )
    files = f"{len(ran)} file{'s' if len(ran) != 1 else ''}"
    cases = f"{count} case{'s' if count != 1 else ''}"
    return f"{cases} in {files}: {f'{bad} failed' if bad else 'all pass'}"


def _coverage(rules: Sequence[RuleCoverage]) -> Iterator[str]:
    yield "coverage, rule by rule:"
    for row in rules:
        if not row.is_exercised:
            yield f"  {row.rule}: never exercised"
        else:
            held = ", ".join(f"{hold} {count}" for hold, count in row.held)
            yield f"  {row.rule}: fired {row.fired}; held: {held or 'never'}"
        reached = [name for name, is_reached in row.rails if is_reached]
        missed = [name for name, is_reached in row.rails if not is_reached]
        if reached:
            yield f"    reached: {', '.join(reached)}"
        if missed:
            yield f"    never reached: {', '.join(missed)}"
