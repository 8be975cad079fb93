"""What an answer to a move proves: its phase, its class, and the table of exact pairs.

The default is doubt: whatever this file does not name is `UNKNOWN`. It may not touch the world,
and it judges one attempt alone; what all attempts together prove is `intent.join`.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class AnswerClass(StrEnum):
    """What one attempt proves about the money."""

    SETTLED = "settled"
    """It moved."""
    REFUSED = "refused"
    """This attempt was not executed, definitely, and the same would be refused again."""
    RETRYABLE = "retryable"
    """This attempt was not executed, definitely; the same key may be sent again later."""
    BUSY = "busy"
    """Not executed by this attempt: an earlier task of the master is unfinished."""
    CONTESTED = "contested"
    """Not executed by this attempt, but an earlier copy of ours could be the cause."""
    RECEIVED_BEFORE = "received_before"
    """The key was seen before; it does not say that money moved."""
    UNKNOWN = "unknown"
    """It may have moved."""


class Phase(StrEnum):
    """How far one attempt got."""

    NOT_SENT = "not_sent"
    """It failed before the first request byte, on a fresh connection."""
    SENT = "sent"
    """Bytes left; no complete answer came back."""
    ANSWERED = "answered"
    """A complete answer was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One attempt's outcome. `message` is clean text of at most 300 characters, without secrets.

    `amount` is what a coupon move really moved, where the provider says it (2 decimals);
    `retry_after_s` is whole seconds, 0 to 60. `is_known_pair` is False when an answered POST met a
    pair that no table knows, which pauses all sending.
    """

    phase: Phase
    answer_class: AnswerClass
    status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    amount: Decimal | None = None
    child_coupon_id: str | None = None
    fail_check_items: tuple[str, ...] = ()
    retry_after_s: int | None = None
    is_known_pair: bool = True


_REFUSED = AnswerClass.REFUSED
_CONTESTED = AnswerClass.CONTESTED
_UNKNOWN = AnswerClass.UNKNOWN

PAIRS: dict[tuple[int, str], AnswerClass] = {
    (400, "APIGW.0104"): _REFUSED,
    (400, "APIGW.0105"): _REFUSED,
    (400, "APIGW.0106"): _REFUSED,
    (400, "APIGW.0201"): _REFUSED,
    (401, "APIGW.0301"): _REFUSED,
    (401, "APIGW.0303"): _REFUSED,
    (401, "APIGW.0307"): _REFUSED,
    (403, "APIGW.0302"): _REFUSED,
    (404, "APIGW.0101"): _REFUSED,
    (404, "APIGW.0103"): _REFUSED,
    (413, "APIGW.0201"): _REFUSED,
    (414, "APIGW.0201"): _REFUSED,
    (494, "APIGW.0201"): _REFUSED,
    (400, "CBC.0100"): _REFUSED,
    (401, "CBC.0154"): _REFUSED,
    (403, "CBC.0151"): _REFUSED,
    (403, "CBC.0154"): _REFUSED,
    (403, "CBC.0155"): _REFUSED,
    (403, "CBC.0156"): _REFUSED,
    (400, "CBC.99000047"): _REFUSED,
    (400, "CBC.99000086"): _REFUSED,
    (400, "CBC.99007001"): _REFUSED,
    (400, "CBC.99007181"): _REFUSED,
    (429, "APIG.0308"): AnswerClass.RETRYABLE,
    (429, "APIGW.0308"): AnswerClass.RETRYABLE,
    (429, "CBC.0250"): AnswerClass.RETRYABLE,
    (400, "CBC.99007461"): AnswerClass.BUSY,
    (400, "CBC.99000043"): _CONTESTED,
    (400, "CBC.99005003"): _CONTESTED,
    (400, "CBC.99007004"): _CONTESTED,
    (400, "CBC.99007009"): AnswerClass.RECEIVED_BEFORE,
    (400, "CBC.99000087"): _UNKNOWN,
    (500, "CBC.0999"): _UNKNOWN,
    (502, "APIGW.0201"): _UNKNOWN,
    (504, "APIGW.0201"): _UNKNOWN,
}
"""The moves' part of the provider's error tables, by (HTTP status, error_code)."""

NOT_EXECUTED_STATUSES = frozenset({404, 413, 414, 494})
"""Refused before any backend is met, whoever answers; believed without a code, too."""

SUCCESS_CODES = frozenset({"", "CBC.0000"})
"""A body without `error_code`, and the success code of older APIs."""


def classify(
    *, phase: Phase, status: int | None, code: str, success_status: int, is_documented_shape: bool
) -> AnswerClass:
    """The class of one attempt at a move: by phase, then by the exact (status, code) pair.

    `success_status` is 204 for amounts and 200 for coupons; `is_documented_shape` says whether
    a successful answer has the documented fields (and an answer without body, no body).
    """
    if phase is Phase.NOT_SENT:
        return AnswerClass.RETRYABLE
    if phase is Phase.SENT or status is None:
        return AnswerClass.UNKNOWN
    if status == success_status:
        is_success = is_documented_shape and code in SUCCESS_CODES
        return AnswerClass.SETTLED if is_success else AnswerClass.UNKNOWN
    if not code and status in NOT_EXECUTED_STATUSES:
        return AnswerClass.REFUSED
    return PAIRS.get((status, code), AnswerClass.UNKNOWN)


def knows_pair(
    *, phase: Phase, status: int | None, code: str, success_status: int, is_documented_shape: bool
) -> bool:
    """Whether a table foresees this answer; always true of an attempt without an answer.

    A 5xx or a 408 without any code is foreseen (proxies answer so); with a code that is not in
    the table it is not.
    """
    if phase is not Phase.ANSWERED or status is None:
        return True
    if status == success_status:
        return is_documented_shape and code in SUCCESS_CODES
    if not code:
        return status in NOT_EXECUTED_STATUSES or status == 408 or 500 <= status <= 599
    return (status, code) in PAIRS
