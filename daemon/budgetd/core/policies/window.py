"""Windows of the config as rules name them: known from the moment a rule is read.

It may not know the config: what it names is handed in with the document.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from budgetd.core.documents.fields import complain
from budgetd.core.documents.secrecy import shorten
from budgetd.core.moment import Window


def _window(value: object, info: ValidationInfo) -> Window:
    if isinstance(value, Window):
        return value
    if not isinstance(value, str):
        raise complain("the name of a window", value)
    windows: Mapping[str, Window] = (info.context or {}).get("windows", {})
    if value in windows:
        return windows[value]
    nearest = get_close_matches(value, windows, n=1)
    guess = f"; did you mean '{nearest[0]}'?" if nearest else ""
    raise PydanticCustomError(
        "field",
        "the config has no window '{name}'{guess}",
        {"name": shorten(value), "guess": guess},
    )


NotDuring = Annotated[
    tuple[Annotated[Window, BeforeValidator(_window)], ...],
    Field(min_length=1),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string"},
            "examples": ["[golden-week]"],
        }
    ),
]
