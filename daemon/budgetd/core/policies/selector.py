"""Which accounts a rule is about.

A selector answers yes, no, or "cannot be read" (None), which selects nothing and, under `not`,
leaves the account out. It may not look at readings.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from budgetd.core.documents.fields import Document, Texts, complain, later
from budgetd.core.observation import Account, Organization, Status


class OrganizationIds(Document):
    """Units by the provider's own id, for names that hold a slash."""

    id: Texts = Field(description="the provider's ids of units")


def _statuses(value: object) -> object:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts:
        raise complain("an account status", value)
    known = ", ".join(Status)
    for text in texts:
        if text not in list(Status):
            raise complain(f"one of {known}", text)
    return tuple(Status(text) for text in texts)


_ORG_FORMS = "a unit like /R&D, /R&D/* or /R&D/**"


def _inner_parts(path: str) -> list[str]:
    """The parts in which a star would be taken for a name."""
    *inner, last = path.split("/")
    return inner if last in ("*", "**") else [*inner, last]


def _org_paths(value: object) -> object:
    paths = (value,) if isinstance(value, str) else value
    for path in paths if isinstance(paths, list | tuple) else ():
        if isinstance(path, str) and not path.startswith("/"):
            raise complain(_ORG_FORMS, path, "it begins with /")
        if isinstance(path, str) and any("*" in part for part in _inner_parts(path)):
            raise complain(_ORG_FORMS, path, "only the last part may be * or **")
    return value


def _org_form(value: object) -> str:
    return "\0ids" if isinstance(value, dict | OrganizationIds) else "\0paths"


_ORG_SCHEMA: JsonDict = {"type": "string", "pattern": "^/[^*]*([*]{1,2})?$"}
OrgPaths = Annotated[
    Texts,
    BeforeValidator(_org_paths),
    WithJsonSchema(
        {"anyOf": [_ORG_SCHEMA, {"type": "array", "minItems": 1, "items": _ORG_SCHEMA}]}
    ),
]
_STATUS_SCHEMA: JsonDict = {"type": "string", "enum": [status.value for status in Status]}
Statuses = Annotated[
    tuple[Status, ...],
    BeforeValidator(_statuses),
    WithJsonSchema(
        {"anyOf": [_STATUS_SCHEMA, {"type": "array", "minItems": 1, "items": _STATUS_SCHEMA}]}
    ),
]
Org = Annotated[
    Annotated[OrgPaths, Tag("\0paths")] | Annotated[OrganizationIds, Tag("\0ids")],
    Discriminator(_org_form),
]


class Match(Document):
    """Keys are and-ed, a list is or-ed; globs respect case."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    id: Texts | None = Field(None, description="the provider's account ids")
    name: Texts | None = Field(None, description="globs over the login name")
    display_name: Texts | None = Field(None, description="globs over the display name")
    org: Org | None = Field(
        None, description="/A is that unit, /A/* its child units, /A/** it and all below"
    )
    status: Statuses | None = Field(
        None, description="other statuses than normal, which is the default"
    )
    any: tuple["Part", ...] | None = Field(None, min_length=1, description="one must match")
    not_: "Part | None" = Field(None, alias="not", description="what is left out")
    group: Annotated[None, BeforeValidator(later("group"))] = None
    new_for: Annotated[None, BeforeValidator(later("new_for"))] = None


def _selector(value: object) -> object:
    if isinstance(value, str) and value not in ("all", "master"):
        raise complain("`all` or a mapping like {org: /R&D/**}", value)
    return _part(value)


def _part(value: object) -> object:
    if isinstance(value, dict) and not value:
        raise PydanticCustomError("field", "an empty selector; say `all` for every account")
    return value


Part = Annotated[Match, BeforeValidator(_part)]
Match.model_rebuild()


def _selector_form(value: object) -> str:
    return "\0word" if isinstance(value, str) else "\0match"


Selector = Annotated[
    Annotated[Literal["all", "master"], Tag("\0word")] | Annotated[Match, Tag("\0match")],
    Discriminator(_selector_form),
    BeforeValidator(_selector),
]


def admits(selector: "Match | str", account: Account) -> bool:
    """Whether the status of an account that the selector means lets it count: it is normal, or
    the part that chooses the account names its status. Who leaves some statuses out (`not`) asks
    for none of the others."""
    if account.status is Status.NORMAL:
        return True
    return isinstance(selector, Match) and _names(selector, account)


def _names(match: Match, account: Account) -> bool:
    """Whether the status is named here, or by a part that means the account."""
    if match.status is not None and account.status in match.status:
        return True
    if any(selects(part, account) is True and _names(part, account) for part in match.any or ()):
        return True
    return match.not_ is not None and _is_left(match.not_, account)


def _is_left(match: Match, account: Account) -> bool:
    """Whether what is left out names the status by a `not` of its own: that is meant again."""
    if any(_is_left(part, account) for part in match.any or ()):
        return True
    inner = match.not_
    return inner is not None and selects(inner, account) is True and _names(inner, account)


def selects(selector: "Match | str", account: Account) -> bool | None:
    """Whether the selector means this account; None when that cannot be read."""
    if isinstance(selector, str):
        return selector == "all"
    return _all(_answers(selector, account))


def _answers(match: Match, account: Account) -> Iterable[bool | None]:
    if match.id is not None:
        yield account.id in match.id
    if match.name is not None:
        yield _glob(match.name, account.name)
    if match.display_name is not None:
        yield _glob(match.display_name, account.display_name)
    if match.status is not None:
        yield account.status in match.status
    if match.org is not None:
        yield org_matches(match.org, account.organization)
    if match.any is not None:
        yield _any(selects(part, account) for part in match.any)
    if match.not_ is not None:
        inner = selects(match.not_, account)
        yield None if inner is None else not inner


def _glob(patterns: tuple[str, ...], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def org_matches(org: tuple[str, ...] | OrganizationIds, unit: Organization | None) -> bool | None:
    """Whether a unit is one that is meant; None of a unit that is not known."""
    if unit is None:
        return None
    if isinstance(org, OrganizationIds):
        return unit.id in org.id
    return any(_path_matches(path, unit.path) for path in org)


@lru_cache(maxsize=4096)
def _parts_of(pattern: str) -> tuple[str, ...]:
    return tuple(part for part in pattern.strip("/").split("/") if part)


def _path_matches(pattern: str, path: tuple[str, ...]) -> bool:
    parts = _parts_of(pattern)
    if parts and parts[-1] == "**":
        head = parts[:-1]
        return path[: len(head)] == head
    if parts and parts[-1] == "*":
        return len(path) == len(parts) and path[:-1] == parts[:-1]
    return path == parts


def _all(answers: Iterable[bool | None]) -> bool | None:
    known = list(answers)
    if False in known:
        return False
    return None if None in known else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    known = list(answers)
    if True in known:
        return True
    return None if None in known else False
