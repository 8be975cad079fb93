"""An account that selectors mean: somebody to show a lint on.

It may not know rules or readings.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import TypeVar

from budgetd.core.observation import Account, Organization, Status
from budgetd.core.policies.selector import Match, OrganizationIds, selects

T = TypeVar("T")
MOST_TRIED = 500
_WILD = re.compile(r"[*?\[]")


def somebody(selectors: Iterable[Match | str], fleet: Iterable[Account] = ()) -> Account | None:
    """An account of the fleet that all selectors mean, else one that is made up; None where none
    is found. One that is not normal is taken last."""
    wanted = list(selectors)
    known = (account for account in fleet if _is_meant(wanted, account))
    normal = min(known, key=lambda account: account.status is not Status.NORMAL, default=None)
    if normal is not None:
        return normal
    tried = islice(_made_up([one for one in wanted if isinstance(one, Match)]), MOST_TRIED)
    return next((account for account in tried if _is_meant(wanted, account)), None)


def _is_meant(selectors: list[Match | str], account: Account) -> bool:
    return all(selects(selector, account) is True for selector in selectors)


def _made_up(matches: list[Match]) -> Iterator[Account]:
    parts = [part for match in matches for part in _parts(match)]
    ids = _distinct(["example", *(one for part in parts for one in part.id or ())])
    globs = [one for part in parts for one in part.name or ()]
    names = _distinct([*_texts(globs), "example"])
    displays = _distinct(["", *_texts([one for part in parts for one in part.display_name or ()])])
    statuses = _distinct([Status.NORMAL, *(one for part in parts for one in part.status or ())])
    units = list(_units(parts))
    for status, unit, name, display, account_id in product(statuses, units, names, displays, ids):
        yield Account(
            id=account_id, name=name, display_name=display, status=status, organization=unit
        )


def _parts(match: Match) -> Iterator[Match]:
    yield match
    for part in match.any or ():
        yield from _parts(part)


def _texts(globs: list[str]) -> Iterator[str]:
    """Texts that a glob means, and texts that two of them mean together."""
    yield from (_literal(glob) for glob in globs)
    for first, second in product(globs, globs):
        head, tail = _WILD.split(first)[0], re.split(r"[*?\]]", second)[-1]
        yield f"{head}{tail}"
        yield f"{head}-{tail}"


def _literal(glob: str) -> str:
    plain = re.sub(r"\[([^!\]])[^\]]*\]", r"\1", glob)
    # A star beside a dash or the like stands for a part of its own: prod-* is shown by prod-x.
    parted = re.sub(r"^\*(?=[._-])|(?<=[._-])\*$", "x", plain)
    return parted.replace("*", "").replace("?", "x") or "example"


def _units(parts: list[Match]) -> Iterator[Organization]:
    orgs = [part.org for part in parts if part.org is not None]
    for org in orgs:
        if isinstance(org, OrganizationIds):
            yield from (Organization(id=one, name=one, path=(one,)) for one in org.id)
            continue
        for path in org:
            names = tuple(part for part in path.split("/") if part)
            if names and names[-1] in ("*", "**"):
                yield _unit((*names[:-1], "example"))
                names = names[:-1]
            yield _unit(names)
    yield _unit(())
    yield _unit(("example",))


def _unit(path: tuple[str, ...]) -> Organization:
    return Organization(id=f"unit /{'/'.join(path)}", name=path[-1] if path else "", path=path)


def _distinct(items: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(items))
