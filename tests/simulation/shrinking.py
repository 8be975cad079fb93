"""Makes a failing script small: drops what it still fails without, one thing at a time.

It may not change what a failure is: the same invariant must break.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from budgetd.sandbox.semantics import Semantics

from .script import Script

PLAIN = {
    "semantics": Semantics(),
    "processes": 1,
    "steals_lock": False,
    "skew_s": 0.0,
    "restart_s": 20.0,
    "reads_late": False,
    "start_s": 0.0,
    "latency_s": 0.5,
    "setup": "step",
}


def rules_of(violations: list[str]) -> set[str]:
    """Which invariants broke."""
    return {violation.partition(":")[0] for violation in violations}


def shrink(script: Script, broken: Callable[[Script], set[str]]) -> Script:
    """The smallest script found that breaks one of the invariants that this one breaks."""
    wanted = broken(script)
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(script):
            if candidate != script and broken(candidate) & wanted:
                script, is_smaller = candidate, True
                break
    return script


def _smaller(script: Script) -> Iterator[Script]:
    for name in ("posts", "reads", "stops"):
        if getattr(script, name):
            yield _with(script, name, {})
    if script.deaths:
        yield replace(script, deaths=frozenset())
    if script.events:
        yield replace(script, events=())
    for name in ("posts", "reads", "stops"):
        found = getattr(script, name)
        for key in found:
            yield _with(script, name, {k: v for k, v in found.items() if k != key})
    for death in script.deaths:
        yield replace(script, deaths=script.deaths - {death})
    for event in script.events:
        yield replace(script, events=tuple(one for one in script.events if one is not event))
    for name, plain in PLAIN.items():
        yield _with(script, name, plain)


def _with(script: Script, name: str, value: Any) -> Script:
    changes: dict[str, Any] = {name: value}
    return replace(script, **changes)
