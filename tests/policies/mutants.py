"""Every small change of a policy: each number, duration, time, word and key, one at a time.

A mutant is the policy's plain data with one change, and a name that says which.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from budgetd.core.documents.document import read_tree
from budgetd.core.documents.tree import Tree

Path = tuple[str | int, ...]
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
FOR_PEOPLE = {"version", "policy", "name", "description"}
WORDS = {
    "warning": ("info", "critical"),
    "critical": ("info", "warning"),
    "last": ("1", "28", "30"),
    "all": ("master",),
    "master": ("all",),
    "monthly": ("daily", "weekly"),
}
"""What a word may be taken for. Of keys, too: a key of the first kind is written as the other."""
KEYS = {
    "below": ("above", "runway_below"),
    "runway_below": ("runway_above", "unread_for", "idle_for"),
    "above": ("below", "runway_above"),
    "to": ("add", "keep"),
    "add": ("to",),
    "keep": ("to",),
    "min": ("max", "multiple_of"),
    "max": ("min", "multiple_of"),
    "multiple_of": ("min", "max"),
    "top_up": ("reclaim", "grant_coupons"),
    "reclaim": ("top_up",),
    "reclaim_coupons": ("grant_coupons", "reclaim"),
    "expires_within": ("idle_for",),
    "balance_at_least": ("will_lapse", "above"),
    "account_per_day": ("account_per_week", "account_ever", "rule_per_week"),
    "account_per_month": ("account_per_week", "account_ever", "rule_per_month"),
    "rule_per_day": ("rule_per_week", "rule_per_month", "account_per_week"),
    "monthly": ("daily", "weekly"),
    "catch_up": ("every",),
    "cooldown": ("notice",),
}
NEEDED = {"accounts", "rules", "version", "policy", "name"}


@dataclass(frozen=True)
class Mutant:
    name: str
    text: str


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a policy's text."""
    tree = read_tree(text, "policy.yaml")
    assert isinstance(tree, Tree)
    data = tree.root.plain()
    for path, value in _leaves(data):
        for other in _others(str(path[-1]), value):
            yield _mutant(data, path, f"{value} -> {other}", lambda _, new=other: new)
    for path, mapping in _mappings(data):
        for key in mapping:
            for other in (*KEYS.get(key, ()), None) if key not in NEEDED | FOR_PEOPLE else ():
                if other not in mapping:
                    change = f"{key} -> {other}" if other else f"without {key}"
                    yield _mutant(
                        data, path, change, lambda old, k=key, o=other: _renamed(old, k, o)
                    )


def _renamed(mapping: dict[str, Any], key: str, other: str | None) -> dict[str, Any]:
    named = {other if old == key else old: value for old, value in mapping.items()}
    return {name: value for name, value in named.items() if name is not None}


def _mutant(data: Any, path: Path, change: str, make: Any) -> Mutant:
    root = copy.deepcopy({"": data})
    holder: Any = root
    for part in ("", *path[:-1]) if path else ():
        holder = holder[part]
    last = path[-1] if path else ""
    holder[last] = make(holder[last])
    where = ".".join(str(part) for part in path)
    return Mutant(f"{where}: {change}", yaml.safe_dump(root[""], sort_keys=False))


def _leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in FOR_PEOPLE:
                yield from _leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, (*path, index))
    else:
        yield path, data


def _mappings(data: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            yield from _mappings(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _mappings(value, (*path, index))


def _others(key: str, value: str) -> list[str]:
    if value in WORDS:
        return list(WORDS[value])
    if re.fullmatch(r"\d+\.\d\d", value):
        amount, cent = Decimal(value), Decimal("0.01")
        halves = (amount / 2).quantize(cent)
        return [str(amount - cent), str(amount + cent), str(halves), str(amount * 2)]
    if found := re.fullmatch(r"(\d+)([smhdw])", value):
        return _lengths(int(found[1]), found[2])
    if re.fullmatch(r"\d\d:\d\d", value):
        minutes = int(value[:2]) * 60 + int(value[3:])
        return [f"{m // 60:02}:{m % 60:02}" for m in (minutes - 1, minutes + 1, minutes + 60)]
    if re.fullmatch(r"\d+(\.\d+)?%", value):
        return [f"{Decimal(value[:-1]) + step}%" for step in (-1, 1)]
    if re.fullmatch(r"\d+", value):
        return [str(int(value) - 1), str(int(value) + 1), str(int(value) * 2)]
    if value.endswith("/**"):
        unit = value.removesuffix("/**")
        return [f"{unit}/*", unit, "/**", f"{unit}/web/**", "/Nobody/**"]
    raise AssertionError(f"no mutants of {key}: {value}")


def _lengths(count: int, unit: str) -> list[str]:
    """One more and one less of its unit, and a second more and less."""
    seconds = count * SECONDS[unit]
    steps = [seconds - 1, seconds + 1, seconds - SECONDS[unit], seconds + SECONDS[unit]]
    return [f"{step}s" for step in steps if step > 0]
