"""One complete HTTP answer, judged: a value, an error, or what it proves about a move.

Pure: bytes and headers in, nouns out. It may not call, wait, or retry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from budgetd.core.answer import SUCCESS_CODES, Answer, AnswerClass, Phase, classify, knows_pair
from budgetd.provider.answers import CreatedCoupon, ReclaimedCoupon
from budgetd.provider.errors import (
    MalformedAnswer,
    ProviderError,
    Throttled,
    clean_code,
    clean_text,
    error_of,
)
from budgetd.provider.hiding import without_secrets
from budgetd.provider.operations import Operation
from budgetd.provider.pacer import LONGEST_PAUSE_S
from budgetd.provider.wire import Place, parse

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A complete answer. Header names are lower-case. It may be a token, or repeat one, so it
    shows its status alone."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether the body came as it is, in no encoding (none is ever asked for)."""
        return self.headers.get("content-encoding", "identity").strip().lower() == "identity"

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return self.is_plain and kind == "application/json"

    @property
    def retry_after_s(self) -> int | None:
        """`Retry-After` in seconds, 60 at most; None when absent or not plain digits."""
        given = self.headers.get("retry-after", "").strip()
        if not (given.isascii() and given.isdecimal()):
            return None
        return min(int(given[:9]), LONGEST_PAUSE_S)

    def skew_s(self, now: datetime) -> float | None:
        """The provider's clock minus ours in seconds; None without a readable `Date`."""
        try:
            date = parsedate_to_datetime(self.headers.get("date", ""))
            return (date - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What judging needs to know: which currency is ours, and what must never be shown."""

    currency: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def place(self, endpoint: str) -> Place:
        """The top of an answer of this API."""
        return Place(endpoint, self.currency, secrets=self.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What an error body says, cleaned; empty where it says nothing readable."""

    code: str = ""
    message: str = ""
    request_id: str = ""
    fail_check_items: tuple[str, ...] = ()


def complaint_of(reply: Reply, reading: Reading, place: Place) -> Complaint:
    """The documented members of an error body; anything unreadable is simply not there."""
    request_id = clean_code(reply.headers.get("x-request-id", ""), reading.secrets)
    try:
        found = parse(reply.body, place) if reply.is_plain and reply.body else None
    except MalformedAnswer:
        found = None
    if not isinstance(found, dict):
        return Complaint(request_id=request_id)
    items = found.get("fail_check_items")
    return Complaint(
        code=clean_code(_text(found.get("error_code")), reading.secrets),
        message=clean_text(_text(found.get("error_msg")), reading.secrets),
        request_id=request_id or clean_code(_text(found.get("request_id")), reading.secrets),
        fail_check_items=tuple(
            # One item is documented with a stray blank; it is compared without blanks.
            clean_text(without_secrets(one, reading.secrets).replace(" ", ""))[:64]
            for one in (items if isinstance(items, list) else [])[:20]
            if isinstance(one, str)
        ),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def value_of(operation: Operation[A], reply: Reply, reading: Reading) -> A | None:
    """The value of a read, or None of a call that answers without a body.

    Raises the `ProviderError` that the answer stands for.
    """
    place = reading.place(operation.endpoint)
    if reply.status >= 400:
        raise failure_of(operation.endpoint, reply, reading)
    if reply.status != operation.success_status:
        why = f"HTTP {reply.status}, where {operation.success_status} is documented"
        raise MalformedAnswer(operation.endpoint, "$", why)
    if operation.parse is None:
        return None
    if not reply.is_plain:
        raise place.fail("a content encoding that was not asked for")
    if not reply.is_json:
        raise place.fail("a body that is not called JSON (a sign-in page or a filter in between?)")
    found = parse(reply.body, place)
    code = found.get("error_code") if isinstance(found, dict) else None
    if code is not None and code not in SUCCESS_CODES:
        raise failure_of(operation.endpoint, reply, reading)
    return operation.parse(found, place)


def failure_of(endpoint: str, reply: Reply, reading: Reading) -> ProviderError:
    """The error of a failing answer, the checks that failed in its message."""
    said = complaint_of(reply, reading, reading.place(endpoint))
    parts = [said.message, ", ".join(said.fail_check_items)]
    error = error_of(
        endpoint,
        status=reply.status,
        code=said.code,
        message=": ".join(part for part in parts if part),
        request_id=said.request_id,
    )
    if isinstance(error, Throttled):
        error.retry_after_s = reply.retry_after_s
    return error


def answer_of(operation: Operation[Any], reply: Reply, reading: Reading) -> Answer:
    """What a complete answer to a move proves. Never raises."""
    place = reading.place(operation.endpoint)
    said = complaint_of(reply, reading, place)
    shape = _shape_of(operation, reply, place)
    facts: dict[str, Any] = {
        "phase": Phase.ANSWERED,
        "status": reply.status,
        "code": said.code,
    }
    judged = {
        **facts,
        "success_status": operation.success_status,
        "is_documented_shape": not shape.complaint,
    }
    answer_class = classify(**judged)
    is_settled = answer_class is AnswerClass.SETTLED
    return Answer(
        **facts,
        answer_class=answer_class,
        is_known_pair=knows_pair(**judged),
        message=said.message or shape.complaint,
        request_id=said.request_id,
        amount=shape.amount if is_settled else None,
        child_coupon_id=shape.child_coupon_id if is_settled else None,
        fail_check_items=said.fail_check_items,
        retry_after_s=reply.retry_after_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What a successful answer holds; `complaint` says what is undocumented about it."""

    complaint: str = ""
    amount: Decimal | None = None
    child_coupon_id: str | None = None


def _shape_of(operation: Operation[Any], reply: Reply, place: Place) -> _Shape:
    if reply.status != operation.success_status:
        is_failure = reply.status >= 400
        return _Shape(complaint="" if is_failure else f"HTTP {reply.status} is not documented")
    if operation.parse is None:
        is_empty = not reply.body and reply.headers.get("content-length", "0").strip() == "0"
        return _Shape(complaint="" if is_empty else "a body, where none is documented")
    if not reply.is_json:
        return _Shape(complaint="a body that is not called JSON")
    try:
        found = operation.parse(parse(reply.body, place), place)
    except MalformedAnswer as error:
        return _Shape(complaint=clean_text(error.message))
    if isinstance(found, ReclaimedCoupon):
        return _Shape(amount=found.amount)
    if isinstance(found, CreatedCoupon):
        return _Shape(child_coupon_id=found.sub_coupon_id)
    return _Shape(complaint="an answer of another kind")
