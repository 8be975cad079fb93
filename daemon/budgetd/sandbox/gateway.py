"""The provider's front door without a socket: who calls, how often, what, and what goes wrong.

It may not sleep or cut a connection: it says what should happen and the server does it.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

from budgetd.sandbox.auth import AccessKey, Gate, SignedRequest
from budgetd.sandbox.book import Book
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.faults import BEFORE, FaultKind, FaultPlan
from budgetd.sandbox.nouns import Refusal
from budgetd.sandbox.operations import BY_PLACE, QUOTAS, Operation
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.wire import Answer, Call, Fields, parameter_error, refusal_content

SANDBOX_AK = "SANDBOXAK0000000000"
SANDBOX_SK = "sandbox-secret-key-opens-nothing-else"
MEMBER_AK_PREFIX = "SBM"
LARGEST_BODY = 12 * 1024 * 1024
SEEN_KEPT = 100_000
STALE_BY = timedelta(minutes=10)
SECRET_PATHS = ("/v3/auth/tokens", "/v2/enterprises/multi-accounts/sub-customers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it reached the provider, and what it got (status 0: no answer)."""

    at: datetime
    method: str
    path: str
    query: str
    body: str
    status: int
    fault: FaultKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer and the fault that befalls it; `answer` None means that none is sent."""

    answer: Answer | None
    fault: FaultKind | None = None


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """Everything one running sandbox has; latency and slowness in seconds."""

    book: Book
    clock: MovableClock = field(default_factory=MovableClock)
    quota: Quota = field(default_factory=lambda: Quota(QUOTAS))
    faults: FaultPlan = field(default_factory=FaultPlan)
    gate: Gate = field(init=False)
    latency_s: float = 0.0
    slow_s: float = 30.0
    state_file: Path | None = None
    extra_keys: dict[str, AccessKey] = field(default_factory=dict)
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=SEEN_KEPT))

    def __post_init__(self) -> None:
        self.gate = Gate(self._find_key)

    def _find_key(self, ak: str) -> AccessKey | None:
        if ak == SANDBOX_AK:
            return AccessKey(ak=ak, sk=SANDBOX_SK, account_id=self.book.master.id)
        if ak in self.extra_keys:
            return self.extra_keys[ak]
        for account_id in self.book.accounts:
            key = member_key(account_id)
            if key.ak == ak:
                return key
        return None

    def admit(self, request: SignedRequest) -> tuple[Operation, str]:
        """The operation and the caller; raises `Refusal` as the gateway would."""
        operation = BY_PLACE.get((request.method, request.path))
        if operation is None:
            raise Refusal(404, "APIGW.0101", "The API does not exist.")
        if len(request.body) > LARGEST_BODY:
            raise Refusal(413, "APIGW.0201", "Request entity too large.")
        caller = self.gate.caller(request, self.clock.now())
        limit = self.quota.admit(caller, request.method, request.path)
        if limit is not None:
            raise throttled(limit)
        return operation, caller

    def perform(self, request: SignedRequest, operation: Operation, caller: str) -> Outcome:
        """Meets the fault the plan has for this request, and does what is left to do."""
        content = f"{request.query} {request.body.decode(errors='replace')}"
        fault = self.faults.choose(request.method, request.path, content)
        if fault in BEFORE:
            return Outcome(answer=_refused(fault), fault=fault)
        now = self.clock.now()
        if fault is FaultKind.SLOW and request.method == "POST":
            busy = now + timedelta(seconds=self.slow_s)
        else:
            busy = None
        stale_by = timedelta(seconds=self.book.semantics.stale_s)
        if fault is FaultKind.STALE_READ:
            stale_by = max(stale_by, STALE_BY)
        try:
            call = Call(
                fields=_fields(request),
                caller=caller,
                book=self.book,
                now=now,
                read_at=now - stale_by if stale_by else now,
            )
            answer = operation.handle(call)
            if busy is not None:
                self.book.hold_busy(busy)
        except Refusal as refusal:
            answer = Answer(status=refusal.status, content=refusal_content(refusal))
        return Outcome(answer=_after(fault, answer), fault=fault)

    def note(self, request: SignedRequest, status: int, fault: FaultKind | None) -> None:
        """Remembers what reached the provider, so that a test can ask; no passwords."""
        is_secret = request.path in SECRET_PATHS
        self.seen.append(
            Seen(
                at=self.clock.now(),
                method=request.method,
                path=request.path,
                query=request.query,
                body="" if is_secret else request.body.decode(errors="replace"),
                status=status,
                fault=fault,
            )
        )


def member_key(account_id: str) -> AccessKey:
    """A member's own key pair: derived from its id, worth nothing outside the sandbox."""
    return AccessKey(
        ak=f"{MEMBER_AK_PREFIX}{account_id[:16].upper()}",
        sk=f"sandbox-member-secret-{account_id}",
        account_id=account_id,
    )


def throttled(limit: int) -> Refusal:
    """429 as the quota page prints it."""
    message = (
        "The throttling threshold has been reached: "
        f"policy user over ratelimit,limit:{limit},time:1 second"
    )
    return Refusal(429, "APIGW.0308", message)


def _refused(fault: FaultKind | None) -> Answer | None:
    refusals: Mapping[FaultKind | None, Refusal] = {
        FaultKind.ERROR_500_BEFORE: Refusal(500, "CBC.0999", "Other error."),
        FaultKind.TIMEOUT_504_BEFORE: Refusal(504, "APIGW.0201", "Backend timeout."),
        FaultKind.THROTTLED: throttled(10),
    }
    refusal = refusals.get(fault)
    if refusal is None:
        return None
    return Answer(status=refusal.status, content=refusal_content(refusal))


def _after(fault: FaultKind | None, answer: Answer) -> Answer | None:
    """What becomes of a true answer on its way."""
    if fault is FaultKind.LOST_AFTER:
        return None
    if fault is FaultKind.ERROR_500_AFTER:
        return _refused(FaultKind.ERROR_500_BEFORE)
    if fault is FaultKind.TIMEOUT_504_AFTER:
        return _refused(FaultKind.TIMEOUT_504_BEFORE)
    return answer


def _fields(request: SignedRequest) -> Fields:
    if request.method == "GET":
        return Fields(dict(parse_qsl(request.query, keep_blank_values=True)))
    if not request.body:
        return Fields({})
    try:
        given = json.loads(request.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise parameter_error("body", "is not JSON") from error
    if not isinstance(given, dict):
        raise parameter_error("body", "must be an object")
    return Fields(given)
