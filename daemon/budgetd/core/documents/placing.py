"""A document read into a model, and every complaint of the model put at its place in the text.

It may not judge: fields and models do. It may not speak YAML: `document` does.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from budgetd.core.documents.document import read_tree
from budgetd.core.documents.problem import Problem
from budgetd.core.documents.secrecy import shorten
from budgetd.core.documents.tree import Node, Place, Tree

M = TypeVar("M", bound=BaseModel)
TAG_PREFIX = "\0"
"""Marks what is no key of a document, which never holds this character."""
INCLUDES = frozenset({"include", "includes", "import", "imports", "extends", "$include", "$ref"})


@dataclass(frozen=True, slots=True)
class Written(Generic[M]):
    """A model with the text it was read from, so that later judgements find their place."""

    path: str
    model: M
    tree: Tree

    def problem(
        self, path: tuple[str | int, ...], message: str, *, hint: str = "", is_warning: bool = False
    ) -> Problem:
        """A problem at the field a path of keys and indexes leads to."""
        return self.tree.problem(path, message, hint=hint, is_warning=is_warning)


def read_model(text: bytes | str, path: str, model: type[M]) -> M | list[Problem]:
    """The model a text means, or every problem of the text, in order of place."""
    written = read_written(text, path, model)
    return written if isinstance(written, list) else written.model


def read_written(
    text: bytes | str, path: str, model: type[M], context: Mapping[str, object] | None = None
) -> Written[M] | list[Problem]:
    """As `read_model`, together with the places. `context` is handed to the fields."""
    tree = read_tree(text, path)
    if isinstance(tree, list):
        return tree
    try:
        read = model.model_validate(tree.root.plain(), context=dict(context or {}))
    except ValidationError as error:
        return _problems(tree, model, error.errors(include_url=False))
    return sorted(tree.problems) if tree.problems else Written(path, read, tree)


def _problems(tree: Tree, model: type[BaseModel], details: list[ErrorDetails]) -> list[Problem]:
    """Everything that is wrong, each place once: what was refused as text is not judged again."""
    _hide_secrets(tree, details)
    places = {(problem.line, problem.column) for problem in tree.problems}
    fields = {problem.where for problem in tree.problems if problem.where}
    found = {_placed(tree, model, detail) for detail in details}
    new = [
        problem
        for problem in found
        if problem and problem.where not in fields and (problem.line, problem.column) not in places
    ]
    return sorted((*tree.problems, *new))


def _hide_secrets(tree: Tree, details: list[ErrorDetails]) -> None:
    """Lines of values that were refused as literal secrets are shown by no problem."""
    for detail in details:
        if detail["type"] == "secret":
            mark = tree.find(detail["loc"]).mark
            tree.source.secret_lines.update(range(mark.line, mark.last_line + 1))


def _placed(tree: Tree, model: type[BaseModel], detail: ErrorDetails) -> Problem | None:
    loc = tuple(part for part in detail["loc"] if not str(part).startswith(TAG_PREFIX))
    kind, context = detail["type"], detail.get("ctx", {})
    place = tree.find(loc)
    if kind == "extra_forbidden":
        return _unknown_key(tree, model, loc)
    if kind == "missing":
        message = f"the key '{loc[-1]}' is missing"
        place = tree.find(loc[:-1])
        return tree.source.problem(place.mark, message, where=place.where)
    if kind == "too_short" and isinstance(place.node.value, list) and place.node.value:
        return None
    if kind == "secret":
        return tree.source.problem(place.mark, detail["msg"], where=place.where)
    return tree.source.problem(
        place.mark,
        _message(kind, detail["msg"], context, place),
        where=place.where,
        hint=str(context.get("hint", "")),
    )


def _message(kind: str, said: str, context: Mapping[str, Any], place: Place) -> str:
    match kind:
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"expected a mapping, found {_shown(place.node)}"
        case "tuple_type" | "list_type":
            return f"expected a list, found {_shown(place.node)}"
        case "string_type":
            return f"expected text, found {_shown(place.node)}"
        case "literal_error" | "enum":
            return f"expected {_quiet(context['expected'])}, found {_shown(place.node)}"
        case "too_short":
            return "expected one or more, found an empty list"
        case "field" if "shown" in context and isinstance(place.node.value, str):
            return f"expected {context['expected']}, found {_shown(place.node)}"
        case _:
            return said


def _quiet(expected: str) -> str:
    """`<Instrument.CASH: 'cash'>` is no word for people; 'cash' is."""
    return re.sub(r"<?\w+\.\w+: ('\w+')>?", r"\1", expected)


def _shown(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    return "nothing" if node.value is None else f"'{shorten(node.value)}'"


def _unknown_key(tree: Tree, model: type[BaseModel], loc: tuple[str | int, ...]) -> Problem:
    parent, key = tree.find(loc[:-1]), str(loc[-1])
    span = parent.node.key_spans.get(key)
    mark = tree.source.mark(span) if span is not None else parent.mark
    known = sorted(known_keys(model, loc[:-1]))
    message = f"unknown key '{shorten(key)}'"
    hint = ""
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if key.lower() in INCLUDES:
        message = f"{message}; includes are not supported"
    elif nearest:
        message = f"{message}; did you mean '{nearest[0]}'?"
    elif known:
        hint = f"known: {', '.join(known)}"
    return tree.source.problem(mark, message, where=parent.where, hint=hint)


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """The keys a mapping at this path of a document may have; none where there is no mapping."""
    candidates, is_name = {model}, False
    for part in path:
        if is_name or not isinstance(part, str):
            is_name = False
            continue
        fields = [
            field
            for candidate in candidates
            for name, field in candidate.model_fields.items()
            if part == (field.alias or name)
        ]
        candidates = {found for field in fields for found in models_in(field.annotation)}
        # Of a mapping by names, the next key is a name of somebody's choice.
        is_name = any(get_origin(field.annotation) is dict for field in fields)
    return {
        field.alias or name
        for candidate in candidates
        for name, field in candidate.model_fields.items()
        if field.annotation is not type(None)
    }


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model an annotation mentions, inside unions, tuples and annotations too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)
