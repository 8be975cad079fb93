"""The JSON Schema of a model of documents, for editors, and its reference, for people.

Both are drawn from the models, so that they cannot say anything else. It may not describe
fields itself.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from budgetd.core.moment import format_duration
from budgetd.core.money import format_amount

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Writes defaults as a document would."""

    def encode_default(self, dft: Any) -> Any:
        match dft:
            case Decimal() if 0 < dft < 1:
                # The only defaults between 0 and 1 are shares, which documents write in percent.
                return f"{(dft * 100).normalize():f}%"
            case Decimal():
                return format_amount(dft)
            case timedelta():
                return format_duration(dft)
            case ZoneInfo():
                return dft.key
            case PurePath():
                return str(dft)
            case Enum():
                return dft.value
            case BaseModel():
                return None
            case _:
                return dft


def schema_of(model: type[BaseModel], title: str, examples: Mapping[str, object]) -> Json:
    """The JSON Schema (draft 2020-12) of a document, without the keys of later versions.

    Each field has a description, with its unit where it has one, and an example. `examples` gives
    those that no type knows, by `Section` or `Section.key`.
    """
    schema = _plain_schema(model, title)
    sections = {title: schema, **schema.get("$defs", {})}
    for name, section in sections.items():
        for key, field in section.get("properties", {}).items():
            known = examples.get(f"{name}.{key}", _example_of(field, examples, sections))
            if known is not None:
                field["examples"] = [known]
            if field.get("unit", field.get("description")) != field.get("description"):
                field["description"] = f"{field['description']} ({field['unit']})"
    told = _without_units(schema)
    assert isinstance(told, dict)
    return told


def _example_of(field: Json, examples: Mapping[str, object], named: Mapping[str, Json]) -> object:
    """What may stand there, as a document says it; None where nobody knows."""
    if isinstance(field.get("default"), str | int):
        return field["default"]
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return examples.get(name, _example_of(named[name], examples, named))
    if "examples" in field:
        return field["examples"][0]
    if "enum" in field:
        return field["enum"][0]
    if "const" in field:
        return field["const"]
    if "items" in field:
        inner = _example_of(field["items"], examples, named)
        return None if inner is None else [inner]
    for branch in (*field.get("oneOf", ()), *field.get("anyOf", ())):
        return _example_of(branch, examples, named)
    return None


def _without_units(schema: object) -> object:
    """The schema in words that editors know: a unit stands in the description by now."""
    if isinstance(schema, list):
        return [_without_units(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: _without_units(value)
        for key, value in schema.items()
        if key != "unit" or not isinstance(value, str)
    }


def _plain_schema(model: type[BaseModel], title: str) -> Json:
    raw = model.model_json_schema(schema_generator=_Generator, by_alias=True)
    cleaned = _clean(raw)
    assert isinstance(cleaned, dict)
    return {"$schema": DIALECT, **cleaned, "title": title}


def _clean(schema: object) -> object:
    if isinstance(schema, list):
        return [_clean(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept: Json = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            named = {name: _clean(item) for name, item in value.items() if not _is_later(item)}
            kept[key] = named
        elif key == "anyOf":
            branches = [_clean(item) for item in value if item != {"type": "null"}]
            kept.update(_joined(branches, schema))
        elif key not in kept and not _is_noise(key, value, schema):
            kept[key] = _clean(value)
    return kept


def _joined(branches: list[Any], schema: Mapping[str, Any]) -> Json:
    """One branch stands for itself; the field's own description goes before the type's."""
    if len(branches) != 1:
        return {"anyOf": branches}
    only: Json = dict(branches[0])
    if "description" in schema and "$ref" not in only:
        only["description"] = schema["description"]
    return only


def _is_noise(key: str, value: object, schema: Mapping[str, Any]) -> bool:
    """What tells an editor nothing: absent defaults, generated titles, our own discriminators."""
    if key == "title":
        return "properties" not in schema
    return key == "discriminator" or (key == "default" and value is None)


def _is_later(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "null"


def markdown_reference(model: type[BaseModel], title: str) -> str:
    """Markdown tables of every key of a document: value, default, meaning."""
    schema = _plain_schema(model, title)
    sections = {title: schema, **schema.get("$defs", {})}
    parts = []
    for name, section in sections.items():
        if "properties" not in section:
            continue
        heading = title if name == title else name
        parts.append(f"### {heading}\n\n{section.get('description', '')}\n")
        parts.append(
            "| key | value, or an example | default | meaning |\n| --- | --- | --- | --- |"
        )
        required = section.get("required", [])
        for key, field in section["properties"].items():
            parts.append(_row(key, field, sections, is_required=key in required))
        parts.append("")
    return "\n".join(parts)


def _row(key: str, field: Json, named: Mapping[str, Json], *, is_required: bool) -> str:
    default = field.get("default")
    shown = "needed" if is_required else ("" if default is None else f"`{default}`")
    meaning = str(field.get("description", "")).replace("|", "\\|")
    return f"| `{key}` | {_value(field, named)} | {shown} | {meaning} |"


def _value(field: Json, named: Mapping[str, Json]) -> str:
    """What may stand there, in a word: the values of a closed set, a section, or an example."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        target = named[name]
        return f"[{name}](#{name.lower()})" if "properties" in target else _value(target, named)
    for key in ("anyOf", "oneOf"):
        if key in field:
            return " or ".join(dict.fromkeys(_value(item, named) for item in field[key]))
    if "enum" in field:
        return ", ".join(dict.fromkeys(f"`{value}`" for value in field["enum"]))
    if "const" in field:
        return f"`{field['const']}`"
    if "examples" in field:
        return f"`{field['examples'][0]}`"
    if field.get("type") == "array":
        return f"list of {_value(field.get('items', {}), named)}"
    return "text"
