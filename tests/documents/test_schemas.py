"""The schemas that editors read: complete, true to the models, and lying where documents name them.

How a real editor shows them is tried by `make editors`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, TypeAdapter

from budgetd.cli import main
from budgetd.config.schema import Config, Provider
from budgetd.core.documents.placing import models_in
from budgetd.core.moment import Window, parse_moment
from budgetd.core.policies.policy import Policy

ROOT = Path(__file__).parents[2]
KEPT = {"policy": ROOT / "policies" / "policy.schema.json", "config": ROOT / "config.schema.json"}
MODELS: dict[str, type[BaseModel]] = {"policy": Policy, "config": Config}
DAYS = Window(
    name="golden-week", begins=parse_moment("2026-09-30"), ends=parse_moment("2026-10-08")
)
Json = dict[str, Any]


def schema_from(document: str) -> Json:
    schema = json.loads(CliRunner().invoke(main, ["schema", document]).stdout)
    assert isinstance(schema, dict)
    return schema


def fields_of(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for name, section in {"": schema, **schema["$defs"]}.items():
        for key, field in section.get("properties", {}).items():
            yield name, key, field


def sections_of(model: type[BaseModel], known: dict[str, type[BaseModel]]) -> None:
    for field in model.model_fields.values():
        for found in models_in(field.annotation):
            if found.__name__ not in known:
                known[found.__name__] = found
                sections_of(found, known)


def as_written(example: object) -> object:
    """As the reader of YAML hands it on: everything is text."""
    if isinstance(example, dict):
        return {key: as_written(value) for key, value in example.items()}
    if isinstance(example, list):
        return [as_written(value) for value in example]
    return str(example)


@pytest.mark.parametrize("document", MODELS)
def test_every_field_has_a_description_and_an_example(document: str) -> None:
    fields = list(fields_of(schema_from(document)))
    lacking = [
        f"{name}.{key}"
        for name, key, field in fields
        if not field.get("description") or not field.get("examples")
    ]
    assert len(fields) > 70
    assert not lacking


@pytest.mark.parametrize("url", ["https://a.example:443", "http://[::1]:8480", "http://127.0.0.1"])
def test_what_an_endpoint_may_be_no_editor_marks(url: str) -> None:
    pattern = schema_from("config")["$defs"]["Provider"]["properties"]["endpoint"]["pattern"]
    keys = {"access_key": "env:A", "secret_key": "env:B"}
    assert Provider.model_validate({"endpoint": url, "credentials": keys}).endpoint == url
    assert re.search(pattern, url)


def test_what_is_measured_says_its_unit() -> None:
    schema = schema_from("policy")
    told = {(name, key): field["description"] for name, key, field in fields_of(schema)}
    assert told["TopUpWhen", "below"].endswith("(an amount above 0.00 with two decimals)")
    assert told["Rule", "cooldown"].endswith("(a whole number and a unit: s, m, h, d, w)")
    assert told["AlertWhen", "cap_used"].endswith("(above 0% to 100%)")
    assert '"unit"' not in json.dumps(schema)


@pytest.mark.parametrize("document", MODELS)
def test_every_example_is_what_its_field_takes(document: str) -> None:
    known = {"": MODELS[document]}
    sections_of(MODELS[document], known)
    context = {"windows": {"golden-week": DAYS}, "folder": Path("/"), "zone": ZoneInfo("UTC")}
    for name, key, field in fields_of(schema_from(document)):
        model = known[name]
        found = next(
            one for name_, one in model.model_fields.items() if key == (one.alias or name_)
        )
        adapter = TypeAdapter[Any](Annotated[found.annotation, "", *found.metadata])
        for example in field["examples"]:
            if (name, key) != ("ChannelSection", "url"):  # whose meaning hangs on its kind
                adapter.validate_python(as_written(example), context=context)


@pytest.mark.parametrize("document", MODELS)
def test_the_schema_that_documents_name_is_the_one_that_is_printed(document: str) -> None:
    printed = CliRunner().invoke(main, ["schema", document]).stdout
    place = KEPT[document].relative_to(ROOT)
    again = f"budgetd schema {document} > {place}"
    assert KEPT[document].read_text("utf-8") == printed, again


def test_every_shipped_document_names_its_schema() -> None:
    for path in [*(ROOT / "policies").glob("*.yaml"), ROOT / "config.example.yaml"]:
        first = path.read_text("utf-8").splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / named).resolve() in KEPT.values(), path
