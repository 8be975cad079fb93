"""The one door to the provider: every byte that leaves the product for it leaves here.

Reads are paced, retried and typed; a move is one POST, once, and its outcome an `Answer`. It
may not decide anything about money, and it never sends a move twice.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx

from budgetd.core.answer import Answer, AnswerClass, Phase
from budgetd.provider.answers import Page
from budgetd.provider.calls import CONNECT, RESET, TIMEOUT, TLS, Call, SignedMove, Unanswered
from budgetd.provider.credentials import JSON_BODY, Credential
from budgetd.provider.endpoint import host_of
from budgetd.provider.errors import (
    InvalidRequest,
    MalformedAnswer,
    ProviderError,
    clean_text,
)
from budgetd.provider.fields import secrets_in
from budgetd.provider.iam import (
    TOKEN_ENDPOINT,
    TOKEN_PATH,
    TokenLogin,
    asks_for_new_token,
    token_of,
    token_request,
)
from budgetd.provider.moves import MoveRequest
from budgetd.provider.operations import Operation, Role
from budgetd.provider.pacer import Departure, Pacer, ProcessSlots, Slots
from budgetd.provider.paging import read_pages
from budgetd.provider.repeating import log_repeats, repeated
from budgetd.provider.replies import Reply, answer_of, failure_of, value_of
from budgetd.provider.signing import AccessKey, Unsigned
from budgetd.provider.wire import LARGEST_BODY_BYTES

A = TypeVar("A")
Row = TypeVar("Row")

HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "budgetd",
}
Query = tuple[tuple[str, str], ...]


@dataclass(kw_only=True, eq=False, repr=False)
class Client:
    """The provider, under one credential. An async context manager.

    `endpoint` is `https://host[:port]` (`http` for loopback alone); `requests_per_second` the
    quota of a common API; `timeout_s` the hard deadline of one attempt; `backoff_s` the first
    wait before a read is repeated. `transport` replaces the network in tests. Raises
    `InvalidRequest` for an endpoint that is not one.
    """

    endpoint: str
    credentials: AccessKey | TokenLogin
    currency: str
    clock: Callable[[], datetime]
    requests_per_second: Fraction | int = 10
    timeout_s: float = 30.0
    backoff_s: float = 0.5
    slots: Slots | None = None
    transport: httpx.AsyncBaseTransport | None = None
    ca_file: Path | None = None
    skew_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        _quieten()
        self._host = host_of(self.endpoint)
        if isinstance(self.credentials, TokenLogin):
            host_of(self.credentials.iam_endpoint)
        self._pacer = Pacer(
            requests_per_second=Fraction(self.requests_per_second),
            slots=self.slots or ProcessSlots(),
        )
        self._credential = Credential(
            self.credentials,
            currency=self.currency,
            clock=self.clock,
            fetch_token=self._fetch_token,
        )
        self._first_call = asyncio.Lock()
        trust = self._trust()
        # The pool's work for one call grows with the square of its open connections, so a fast
        # pace is spread over pools of a few connections each (measured: 37 calls a second of
        # one pool, 590 of 250, at a quota of 1000 and answers that take a second).
        pools = 1 if self.transport else max(1, int(self.requests_per_second / 4))
        self._reads = [self._open(trust, keeps_connections=True) for _ in range(pools)]
        self._next_pool = cycle(self._reads)
        self._moves = self._open(trust, keeps_connections=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        for http in (*self._reads, self._moves):
            await http.aclose()

    @property
    def is_refused(self) -> bool:
        """Whether the provider refused the credential, so that no further call is made."""
        return self._credential.is_refused

    async def read(self, operation: Operation[A], **params: Any) -> A:
        """One call of a reading API, up to three attempts.

        429, 5xx and a missing answer are repeated after a growing wait with jitter; nothing else
        is. Raises the `ProviderError` of the last attempt.
        """
        self._require(operation, Role.READ)
        query, body = operation.prepare(params)
        return await repeated(
            lambda: self._value(operation, query, body),
            attempt_s=self.timeout_s,
            backoff_s=self.backoff_s,
        )

    async def read_all(
        self,
        operation: Operation[Page[Row]],
        *,
        seen: Callable[[Sequence[Row]], None] | None = None,
        **params: Any,
    ) -> tuple[Row, ...]:
        """Every row of a list, each once (see `paging`). `offset` and `limit` are not given."""
        if operation.paging is None:
            raise InvalidRequest(operation.endpoint, "offset", "is not known to it: no list")

        async def fetch(offset: int, limit: int) -> Page[Row]:
            return await self.read(operation, **params, offset=offset, limit=limit)

        return await read_pages(operation.endpoint, operation.paging, fetch, seen)

    async def create(self, operation: Operation[None], **params: Any) -> None:
        """One POST that creates something and moves no money: sent once, its error raised."""
        self._require(operation, Role.CREATE)
        query, body = operation.prepare(params)
        await self._value(operation, query, body, secrets_in(operation.fields, params))

    def sign_move(self, move: MoveRequest) -> SignedMove:
        """The move as it will leave. Sends nothing; raises `MovesNeedAccessKey` under a token."""
        operation = move.operation
        self._require(operation, Role.MOVE)
        signed_at = self.clock()
        request = self._unsigned(operation, (), move.body)
        return SignedMove(
            operation=operation,
            headers=self._credential.sign(request, at=signed_at),
            body=move.body,
            body_hash=hashlib.sha256(move.body).hexdigest(),
            signed_at=signed_at,
        )

    async def send_move(self, signed: SignedMove) -> Answer:
        """Exactly one POST, on a connection of its own, under a hard deadline.

        Never repeats, and never raises for what the network or the provider does. A cancelled
        task raises `CancelledError`: the caller treats that attempt as unanswered.
        """
        operation = signed.operation
        departure = await self._pacer.wait(operation.endpoint, operation.quota_factor)
        if self._credential.is_refused:
            return Answer(
                phase=Phase.NOT_SENT,
                answer_class=AnswerClass.RETRYABLE,
                message="not sent: the provider refused this credential before",
            )
        call = Call(
            method=operation.method,
            url=self.endpoint.rstrip("/") + operation.path,
            headers={**signed.headers, "connection": "close"},
            body=signed.body,
        )
        try:
            reply = await self._exchange(self._moves, call, departure)
        except Unanswered as lost:
            return Answer(
                phase=Phase.SENT if lost.is_sent else Phase.NOT_SENT,
                answer_class=AnswerClass.UNKNOWN if lost.is_sent else AnswerClass.RETRYABLE,
                code=lost.code,
                message=str(lost),
            )
        self._note(operation.endpoint, reply, call)
        return answer_of(operation, reply, self._credential.reading(call))

    def _require(self, operation: Operation[Any], role: Role) -> None:
        if operation.role is not role:
            raise InvalidRequest(operation.endpoint, "the call", f"is a {operation.role}")

    async def _value(
        self, operation: Operation[A], query: Query, body: bytes, secrets: tuple[str, ...] = ()
    ) -> A:
        try:
            return await self._value_once(operation, query, body, secrets)
        except ProviderError as error:
            if not self._credential.has_tokens or not asks_for_new_token(error):
                raise
        self._credential.retry_with_new_token()
        return await self._value_once(operation, query, body, secrets)

    async def _value_once(
        self, operation: Operation[A], query: Query, body: bytes, secrets: tuple[str, ...]
    ) -> A:
        """One attempt. While no call has been accepted yet, one call is under way at most, so
        that a wrong key is told once and not by every call of a full pipe."""
        if not self._credential.is_proven:
            async with self._first_call:
                if not self._credential.is_proven:
                    return await self._attempt(operation, query, body, secrets)
        return await self._attempt(operation, query, body, secrets)

    async def _attempt(
        self, operation: Operation[A], query: Query, body: bytes, secrets: tuple[str, ...]
    ) -> A:
        departure = await self._pacer.wait(operation.endpoint, operation.quota_factor)
        self._credential.check(operation.endpoint)
        call = Call(
            method=operation.method,
            url=self.endpoint.rstrip("/") + operation.target(query),
            headers=await self._credential.headers(self._unsigned(operation, query, body)),
            body=body,
            secrets=secrets,
        )
        try:
            reply = await self._exchange(next(self._next_pool), call, departure)
        except Unanswered as lost:
            raise lost.error(operation.endpoint) from None
        self._note(operation.endpoint, reply, call)
        reading = self._credential.reading(call)
        # An operation without a body has A = None; `value_of` gives None for that one alone.
        return cast("A", value_of(operation, reply, reading))

    def _unsigned(self, operation: Operation[Any], query: Query, body: bytes) -> Unsigned:
        return Unsigned(
            method=operation.method,
            host=self._host,
            path=operation.path,
            query=query,
            body=body,
            headers=JSON_BODY,
        )

    def _note(self, endpoint: str, reply: Reply, call: Call) -> None:
        if reply.status == 429:
            self._pacer.pause(endpoint, reply.retry_after_s)
        self._credential.note(endpoint, reply, call)

    async def _fetch_token(self) -> str:
        login = cast("TokenLogin", self.credentials)
        call = Call(
            method="POST",
            url=login.iam_endpoint.rstrip("/") + TOKEN_PATH,
            headers={"content-type": "application/json;charset=utf8"},
            body=token_request(login),
        )
        departure = await self._pacer.wait(TOKEN_ENDPOINT)
        try:
            reply = await self._exchange(next(self._next_pool), call, departure)
        except Unanswered as lost:
            raise lost.error(TOKEN_ENDPOINT) from None
        if reply.status >= 400:
            self._note(TOKEN_ENDPOINT, reply, call)
            raise failure_of(TOKEN_ENDPOINT, reply, self._credential.reading(call))
        if reply.status != 201:
            why = f"HTTP {reply.status}, where 201 is documented"
            raise MalformedAnswer(TOKEN_ENDPOINT, "$", why)
        return token_of(reply.headers.get("x-subject-token", ""))

    async def _exchange(
        self, http: httpx.AsyncBaseTransport, call: Call, departure: Departure
    ) -> Reply:
        """One request, one complete answer within the deadline, or `Unanswered`.

        It goes to the transport itself: a client of httpx would add redirects, cookies, proxies
        of the environment and more CPU to every call, and none of it is wanted.
        """
        is_sent = self.transport is not None

        async def trace(event: str, _: Mapping[str, Any]) -> None:
            nonlocal is_sent
            if event.startswith("http11.send_request_headers."):
                # Told before and after: a stall between the two is part of the way.
                is_sent = True
                departure.left()

        try:
            request = httpx.Request(
                call.method,
                call.url,
                headers={**HEADERS, **call.headers},
                content=call.body if call.method == "POST" else None,
                extensions={"trace": trace},
            )
            async with (
                asyncio.timeout(self.timeout_s),
                aclosing(await http.handle_async_request(request)) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > LARGEST_BODY_BYTES:
                        raise Unanswered(RESET, "a body above 4 MiB", is_sent=True)
        except TimeoutError:
            why = f"no complete answer in {self.timeout_s:g} s"
            code = TIMEOUT if is_sent else CONNECT
            raise Unanswered(code, why, is_sent=is_sent) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            code = TLS if isinstance(_root(error), ssl.SSLError) else CONNECT
            raise Unanswered(code, self._why(error, call), is_sent=False) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, ValueError) as error:
            code = TIMEOUT if isinstance(error, httpx.TimeoutException) else RESET
            raise Unanswered(code, self._why(error, call), is_sent=is_sent) from None
        reply = Reply(status=response.status_code, headers=response.headers, body=bytes(body))
        self.skew_s = reply.skew_s(self.clock())
        return reply

    def _why(self, error: Exception, call: Call) -> str:
        """What a library says, which may quote a header that it does not like."""
        text = clean_text(str(error), self._credential.reading(call).secrets)
        kind = type(error).__name__
        return f"{kind}: {text}" if text else kind

    def _open(self, trust: ssl.SSLContext, *, keeps_connections: bool) -> httpx.AsyncBaseTransport:
        # Enough for four seconds of calls at full pace: answers take about one.
        most = 40
        return self.transport or httpx.AsyncHTTPTransport(
            verify=trust,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=most, max_keepalive_connections=most if keeps_connections else 0
            ),
        )

    def _trust(self) -> ssl.SSLContext:
        if self.ca_file is not None:
            return ssl.create_default_context(cafile=str(self.ca_file))
        return httpx.create_ssl_context(trust_env=False)


def _quieten() -> None:
    """httpx would log the address of every call, and httpcore what came back."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    log_repeats()


def _root(error: BaseException) -> BaseException:
    """The first cause, which httpx and httpcore wrap."""
    cause = error.__cause__ or error.__context__
    return error if cause is None else _root(cause)
