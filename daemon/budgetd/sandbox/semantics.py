"""What the provider leaves undocumented, as parameters: beliefs to be tried, not facts.

It may not act; the book reads it and behaves so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class KeyMemory(StrEnum):
    """When a `trans_id` counts as seen."""

    ON_SUCCESS = "on_success"
    ON_RECEIPT = "on_receipt"
    NEVER = "never"


class CheckOrder(StrEnum):
    """Whether a known key is noticed before or after the business checks."""

    KEY_FIRST = "key_first"
    CHECKS_FIRST = "checks_first"


class RecordName(StrEnum):
    """Whose name the master's change records carry in `account_name`."""

    NOBODY = "nobody"
    MASTER = "master"
    MEMBER = "member"


class ReturnedCoupon(StrEnum):
    """Where a coupon's reclaimed remainder goes."""

    RESTORED = "restored"
    NEW = "new"


class ThirdDecimal(StrEnum):
    """What becomes of a third decimal in an amount to move."""

    REFUSED = "refused"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Semantics:
    """One set of beliefs about the provider (API notes, open questions).

    `keys_kept_s` None means for ever. `busy_s` is how long a movement blocks the next one
    (CBC.99007461), `record_lag_s` how late change records appear, `stale_s` how far behind
    every read of an amount is.
    """

    keys: KeyMemory = KeyMemory.ON_SUCCESS
    keys_kept_s: int | None = None
    keys_shared: bool = True
    order: CheckOrder = CheckOrder.KEY_FIRST
    record_lag_s: int = 0
    busy_s: int = 0
    stale_s: int = 0
    record_name: RecordName = RecordName.MASTER
    returned_coupon: ReturnedCoupon = ReturnedCoupon.RESTORED
    third_decimal: ThirdDecimal = ThirdDecimal.REFUSED


DEFAULT = Semantics()


def semantics_of(beliefs: Iterable[str]) -> Semantics:
    """Semantics from texts like `keys=never`, `busy_s=5`, `keys_shared=false`.

    Raises `ValueError`, naming what is known, for any other name or value.
    """
    chosen: dict[str, Any] = {}
    known = tuple(entry.name for entry in fields(Semantics))
    for text in beliefs:
        name, _, value = text.partition("=")
        if name not in known:
            raise ValueError(f"unknown belief {name!r}; there are {', '.join(known)}")
        chosen[name] = _value(name, value, getattr(DEFAULT, name))
    return Semantics(**chosen)


def _value(name: str, text: str, default: object) -> object:
    if isinstance(default, StrEnum):
        allowed = tuple(type(default))
        if text not in allowed:
            raise ValueError(f"{name} is one of {', '.join(allowed)}")
        return type(default)(text)
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise ValueError(f"{name} is true or false")
        return text == "true"
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(f"{name} is a whole number of seconds")
    return int(text)
