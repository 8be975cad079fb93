"""Patched policies read, judged and linted again, before anybody sees the patch.

What `check` would say of them, and does not say of what is there, takes a rule's numbers out of
the patch, and so does a patch that changes anything but them. It may not read files.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from budgetd.core.documents.placing import Written, read_written
from budgetd.core.documents.problem import Problem
from budgetd.core.lints.linting import Setting as LintSetting
from budgetd.core.lints.linting import lint
from budgetd.core.money import format_amount
from budgetd.core.policies.conflicts import judge
from budgetd.core.policies.digest import canonical
from budgetd.core.policies.policy import Policy
from budgetd.core.suggesting.patching import PatchError, patched
from budgetd.core.suggesting.suggestion import Advice, Number, Outcome

_OF_ALL = "above-master"  # stands at whichever rule wants most
MOVED = "the file is not the one that was read; try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The policies as they were read: each with its text, by path, and what rules may name of
    the config; the setting of the lints."""

    written: Sequence[Written[Policy]]
    texts: Mapping[str, str]
    context: Mapping[str, object]
    linting: LintSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The advice that stands, and the patched text of each file that changes, by its path."""

    advice: tuple[Advice, ...]
    texts: Mapping[str, str]


def prove(advice: Sequence[Advice], texts: Texts) -> Proven:
    """The advice, less what `check` would not pass; that is told with what it would say."""
    known = {_key(problem) for problem in _problems(texts.written, texts)}
    left = list(advice)
    while numbers := [number for one in left for number in one.numbers]:
        changed = _patched(left, texts)
        read = [
            _reread(one, [n for a in left if a.path == one.path for n in a.numbers], changed, texts)
            for one in texts.written
        ]
        told = [problem for one in read if not isinstance(one, Written) for problem in one]
        if not told:
            whole = [one for one in read if isinstance(one, Written)]
            told = [one for one in _problems(whole, texts) if _key(one) not in known]
        if not told:
            return Proven(advice=tuple(left), texts=changed)
        left = _without(left, told)
        assert len([number for one in left for number in one.numbers]) < len(numbers)
    return Proven(advice=tuple(left), texts={})


def _patched(advice: Sequence[Advice], texts: Texts) -> dict[str, str]:
    """The text of each file that changes."""
    by_path: dict[str, list[Number]] = {}
    for one in advice:
        if one.numbers:
            by_path.setdefault(one.path, []).extend(one.numbers)
    changed = {}
    for path, numbers in by_path.items():
        try:
            changed[path] = patched(texts.texts[path], numbers)
        except PatchError:
            changed[path] = ""
    return changed


def _reread(
    one: Written[Policy], numbers: Sequence[Number], changed: Mapping[str, str], texts: Texts
) -> Written[Policy] | list[Problem]:
    if one.path not in changed:
        return one
    if not changed[one.path]:
        return [Problem(path=one.path, message=MOVED)]
    read = read_written(changed[one.path], one.path, Policy, texts.context)
    if isinstance(read, Written) and not differs_only_in(numbers, one.model, read.model):
        return [Problem(path=one.path, message=MOVED)]
    return read


def _problems(written: Sequence[Written[Policy]], texts: Texts) -> list[Problem]:
    """Everything that `check` says of these policies."""
    found = judge(written, texts.linting.limits.zone)
    if any(not problem.is_warning for problem in found):
        return found
    return lint(written, found, texts.linting)


def _key(problem: Problem) -> tuple[object, ...]:
    """What makes a problem the same one, whatever amounts it names."""
    if problem.lint == _OF_ALL:
        return (problem.lint,)
    return problem.path, problem.where, problem.lint, problem.about, problem.is_warning


def _without(advice: Sequence[Advice], told: Sequence[Problem]) -> list[Advice]:
    """The advice without the numbers of the rules that the problems are about; without any,
    where they are about none of those."""
    blamed = {
        one.rule: problem
        for problem in told
        for one in advice
        if one.numbers and (one.rule in problem.about or _stands_in(problem, one))
    }
    if not blamed:
        blamed = {one.rule: told[0] for one in advice if one.numbers}
    return [_refused(one, blamed[one.rule]) if one.rule in blamed else one for one in advice]


def _stands_in(problem: Problem, one: Advice) -> bool:
    """Whether a problem stands at the rule, or is of the whole file that it is in."""
    if problem.path != one.path:
        return False
    inside = one.numbers[0].place.where.partition(".")[0]
    return problem.where.partition(".")[0] in ("", inside)


def _refused(one: Advice, problem: Problem) -> Advice:
    return replace(one, outcome=Outcome.REFUSED, numbers=(), note=problem.message)


def differs_only_in(numbers: Sequence[Number], old: Policy, new: Policy) -> bool:
    """Whether two policies are the same but for these numbers."""
    expected = deepcopy(canonical(old))
    for number in numbers:
        place: Any = expected
        for part in number.path[:-1]:
            place = place[part]
        place[number.path[-1]] = format_amount(number.new)
    return expected == canonical(new)
