"""What the provider leaves undocumented, as parameters: beliefs to be tried, not facts.

It may not act; the book reads it and behaves so.
"""

from dataclasses import dataclass
from enum import StrEnum


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
