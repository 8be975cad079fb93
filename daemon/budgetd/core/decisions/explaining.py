"""Why a selector does not mean an account, key by key, in words.

It tells what `selects` answers; it may not answer otherwise.
"""

from collections.abc import Iterator

from budgetd.core.observation import Account, Status
from budgetd.core.policies.selector import Match, OrganizationIds, org_matches, selects


def misses(selector: Match | str, account: Account) -> tuple[str, ...]:
    """Every key of a selector that leaves the account out; empty where it is selected.

    An account that is not normal is selected by `all` and by what names no status, and then held.
    """
    if isinstance(selector, str):
        return () if selector == "all" else ("the rule watches the master alone",)
    if selects(selector, account) is True:
        return ()
    return tuple(_misses(selector, account))


def _misses(match: Match, account: Account) -> Iterator[str]:
    if match.id is not None and account.id not in match.id:
        yield f"id is {account.id}, the rule wants {_words(match.id)}"
    for key in ("name", "display_name"):
        wanted = getattr(match, key)
        if wanted is not None and selects(Match.model_construct(**{key: wanted}), account) is False:
            yield f"{key} is {getattr(account, key) or 'empty'}, the rule wants {_words(wanted)}"
    if match.status is not None and account.status not in match.status:
        yield f"status is {account.status}, the rule wants {_words(match.status)}"
    if match.org is not None:
        yield from _org(match.org, account)
    if match.any is not None and not any(selects(part, account) is True for part in match.any):
        inner = ["; ".join(_misses(part, account)) for part in match.any]
        yield f"none of `any` holds: {' / '.join(inner)}"
    if match.not_ is not None:
        answer = selects(match.not_, account)
        if answer is None:
            yield "its unit cannot be read, and `not` asks for it"
        elif answer:
            yield f"left out by `not`: {', '.join(_told(match.not_))}"


def _org(org: tuple[str, ...] | OrganizationIds, account: Account) -> Iterator[str]:
    unit = account.organization
    if unit is None:
        yield "its unit cannot be read, and the rule asks for it"
    elif not org_matches(org, unit):
        is_by_id = isinstance(org, OrganizationIds)
        found = unit.id if is_by_id else "/" + "/".join(unit.path)
        wanted = org.id if isinstance(org, OrganizationIds) else org
        yield f"org is {found}, the rule wants {_words(wanted)}"


def _words(values: tuple[str, ...] | tuple[Status, ...]) -> str:
    return " or ".join(str(value) for value in values)


def _told(match: Match) -> Iterator[str]:
    """A selector's own keys, as they are written."""
    for key in ("id", "name", "display_name", "status"):
        values = getattr(match, key)
        if values is not None:
            yield f"{key} {_words(values)}"
    if match.org is not None:
        ids = match.org.id if isinstance(match.org, OrganizationIds) else match.org
        yield f"org {_words(ids)}"
    if match.any is not None:
        yield "any of " + " / ".join(", ".join(_told(part)) for part in match.any)
    if match.not_ is not None:
        yield f"not ({', '.join(_told(match.not_))})"
