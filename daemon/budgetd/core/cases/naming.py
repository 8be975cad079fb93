"""Whether a file of cases speaks of accounts and rules that there are, each at its place.

It may not run a case.
"""

import difflib
from collections.abc import Iterable, Iterator

from budgetd.core.cases.case import Case, CaseFile
from budgetd.core.cases.staging import Ground
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.core.documents.secrecy import shorten

Path = tuple[str | int, ...]
LISTS = ("transfers", "proposals", "withheld", "held", "alerts", "observed")


def judge_names(written: Written[CaseFile], ground: Ground) -> list[Problem]:
    """Every name in a file that means nobody, or two; and cases that are called the same."""
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for index, case in enumerate(written.model.cases):
        path = ("cases", index, "name")
        if case.name in seen:
            hint = f"first at line {seen[case.name]}"
            problems.append(written.problem(path, "two cases have this name", hint=hint))
        seen.setdefault(case.name, written.tree.find(path).mark.line)
        problems += _judge_accounts(written, case, ("cases", index))
        problems += _judge_rules(written, case, ("cases", index), ground)
    return sorted(problems)


def _judge_accounts(written: Written[CaseFile], case: Case, base: Path) -> Iterator[Problem]:
    known = set(case.accounts)
    for path, name in _accounts(case):
        is_master = name == "master" and path[0] == "expect"
        if name not in known and not is_master:
            message = f"the case has no account '{shorten(name)}'{_nearest(name, known)}"
            yield written.problem((*base, *path), message)
    if "master" in known:
        path = (*base, "accounts", "master")
        yield written.problem(path, "`master` means the master: give the account another name")
    ids: dict[str, str] = {}
    for name, given in case.accounts.items():
        first = ids.setdefault(given.id or name, name)
        if first != name:
            path = (*base, "accounts", name)
            yield written.problem(path, f"it has the id of '{shorten(first)}'")


def _accounts(case: Case) -> Iterator[tuple[Path, str]]:
    for key in ("moves", "announced", "decided", "paused"):
        for index, item in enumerate(getattr(case, key)):
            if item.account:
                yield (key, index, "account"), item.account
    for key in LISTS:
        for index, item in enumerate(getattr(case.expect, key) or ()):
            if item.account is not None:
                yield ("expect", key, index, "account"), item.account


def _judge_rules(
    written: Written[CaseFile], case: Case, base: Path, ground: Ground
) -> Iterator[Problem]:
    policies = {name.partition("/")[0] for name in ground.by_name}
    for path, name in _rules(case):
        is_pause = path[0] == "paused" and name in policies
        if ground.full_name(name) is None and not is_pause:
            same = [full for full in ground.by_name if full.partition("/")[2] == name]
            means = f"several rules are called '{name}': {', '.join(same)}"
            unknown = f"there is no rule '{shorten(name)}'{_nearest(name, _words(ground))}"
            yield written.problem((*base, *path), means if same else unknown)


def _rules(case: Case) -> Iterator[tuple[Path, str]]:
    if case.only is not None:
        yield ("only",), case.only
    for name in case.loaded:
        yield ("loaded", name), name
    for key in ("moves", "announced", "decided", "paused"):
        for index, item in enumerate(getattr(case, key)):
            if item.rule:
                yield (key, index, "rule"), item.rule
    for key in LISTS:
        for index, item in enumerate(getattr(case.expect, key) or ()):
            if item.rule is not None:
                yield ("expect", key, index, "rule"), item.rule


def _words(ground: Ground) -> list[str]:
    return [*ground.by_name, *(name.partition("/")[2] for name in ground.by_name)]


def _nearest(name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
