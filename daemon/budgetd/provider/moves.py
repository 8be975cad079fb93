"""The exact request of a move: which API, and the bytes of its body.

Pure and deterministic: the same promise gives the same bytes for ever, so that its hash can be
kept before anything is sent. It may not sign or send.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.provider.operations import (
    RETRIEVE_AMOUNT,
    RETRIEVE_COUPON,
    TRANSFER_AMOUNT,
    TRANSFER_COUPON,
    Operation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """Which API a move calls, and the exact body."""

    operation: Operation[Any]
    body: bytes


def move_request(
    direction: Direction,
    unit: Unit,
    amount: Decimal,
    key: str,
    coupon_id: str | None = None,
) -> MoveRequest:
    """The request of a move under `key` (`^[0-9a-f]{32}$`), for `amount` (above zero, 2 decimals).

    `coupon_id` is the master's coupon of a reclaim of coupons, where `unit.part` is the child; a
    grant takes it from the unit. A reclaim of a coupon always takes its whole remainder, so its
    amount is not sent. Raises `InvalidRequest` for what the provider's documentation refuses.
    """
    is_grant = direction is Direction.ALLOCATE
    given: dict[str, Any] = {"customer_id": unit.account_id, "trans_id": key}
    operation: Operation[Any]
    match unit.instrument:
        case Instrument.CASH:
            operation = TRANSFER_AMOUNT if is_grant else RETRIEVE_AMOUNT
            given |= {"amount": amount, "balance_type": "BALANCE_TYPE_DEBIT"}
        case Instrument.CREDIT:
            operation = TRANSFER_AMOUNT if is_grant else RETRIEVE_AMOUNT
            # A permanent ledger is named by leaving the field out; "" is refused.
            given |= {"amount": amount, "balance_type": "BALANCE_TYPE_CREDIT"}
            given |= {"expire_time": unit.part or None}
        case Instrument.COUPON if is_grant:
            operation = TRANSFER_COUPON
            given |= {"amount": amount, "coupon_id": unit.part}
        case Instrument.COUPON:
            operation = RETRIEVE_COUPON
            given |= {"coupon_id": coupon_id, "sub_coupon_id": unit.part}
    _, body = operation.prepare(given)
    return MoveRequest(operation=operation, body=body)
