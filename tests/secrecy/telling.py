"""Everything by which a failure or a noun could tell a secret, as texts to be searched.

It may not judge them.
"""

import io
import logging
import pprint
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import TracebackType

from budgetd import logs

Output = tuple[str, str | bytes]
"""Where something came out, and what."""


DATA = ("budgetd.provider.answers", "budgetd.provider.bills", "budgetd.core.observation")


@dataclass(slots=True)
class Log:
    """What was logged so far."""

    stream: io.StringIO

    @property
    def outputs(self) -> list[Output]:
        return [("log", self.stream.getvalue())]


@contextmanager
def logged(rng: Random) -> Iterator[Log]:
    """The product's log in one of its two forms, at its most talkative; libraries included."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("debug", rng.choice(("json", "text")), stream)
    try:
        yield Log(stream)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def told_by(error: BaseException) -> Iterator[Output]:
    """What an exception shows: itself, its traceback, our nouns among the locals of its frames."""
    yield "str", str(error)
    yield "repr", repr(error)
    yield "attributes", repr(getattr(error, "__dict__", {}))
    yield "traceback", "".join(traceback.format_exception(error))
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        yield from _locals(one.__traceback__)


def _locals(trace: TracebackType | None) -> Iterator[Output]:
    """What a traceback with locals would show of our nouns, alone and inside containers."""
    for frame, _line in traceback.walk_tb(trace):
        for name, value in frame.f_locals.items():
            if _is_ours(value) or (isinstance(value, list | tuple) and any(map(_is_ours, value))):
                yield f"local {name} of {frame.f_code.co_name}", _shown(value)


def _is_ours(value: object) -> bool:
    """Nouns that are read out of a good answer are data: a name is shown as it is."""
    module = type(value).__module__
    return module.startswith("budgetd.") and module not in DATA


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # a noun that is only half made may have no repr
        return f"no repr: {type(error).__name__}"


def told_by_noun(name: str, noun: object) -> Iterator[Output]:
    """What a noun shows of itself to whoever prints, formats, logs or inspects it."""
    yield f"{name}: repr", repr(noun)
    yield f"{name}: str", str(noun)
    yield f"{name}: format", f"{noun}"
    yield f"{name}: percent", f"{noun!s} {[noun]} { {'a': noun} }"
    yield f"{name}: pprint", pprint.pformat(noun)
    yield f"{name}: error", str(ValueError(noun))
