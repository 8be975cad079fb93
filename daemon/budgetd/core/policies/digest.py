"""The name of a set of documents by its meaning: what comments and layout do not change.

It may not read files. Two documents that mean the same have the same digest.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import PurePath
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from budgetd.core.money import CENT, format_amount
from budgetd.core.policies.cron import Cron

_PLAIN = frozenset({str, int, bool, type(None)})


def digest_of(value: object) -> str:
    """`sha256:` and 64 hex digits over the canonical JSON of a value."""
    text = json.dumps(canonical(value), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields of a model, each with the key it is written under."""
    return tuple((name, field.alias or name) for name, field in model.model_fields.items())


def _fields_of(model: BaseModel) -> dict[str, object]:
    written, plain = vars(model), dict[str, object]()
    for name, key in _fields(type(model)):
        item = written[name]
        if item is not None:
            plain[key] = item if type(item) in _PLAIN else canonical(item)
    return plain


def canonical(value: object) -> object:
    """The value as plain JSON data: text, numbers, lists and mappings, nothing left out silently.

    Fields that are None are dropped, so that a key of a later version changes no digest.
    """
    if type(value) in _PLAIN:
        return value
    # In the order of how quickly each is told, models after what is no class of pydantic's.
    match value:
        case tuple() | list():
            return [canonical(item) for item in value]
        case Enum():
            return canonical(value.value)
        case bool() | int() | str():
            return value
        case Decimal():
            return format_amount(value) if value == value.quantize(CENT) else str(value)
        case timedelta():
            return f"{int(value.total_seconds())}s"
        case date() | time():
            return value.isoformat()
        case BaseModel():
            return _fields_of(value)
        case ZoneInfo():
            return value.key
        case Cron():
            return value.text
        case PurePath():
            return str(value)
        case Mapping():
            return {str(key): canonical(item) for key, item in value.items()}
        case frozenset():
            return [canonical(item) for item in sorted(value)]
        case _ if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: canonical(getattr(value, name)) for name in names}
        case _:
            raise TypeError(f"no canonical form for {type(value).__name__}")
