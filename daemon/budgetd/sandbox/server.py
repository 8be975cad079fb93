"""The sandbox as an ASGI app: requests in, answers out, latency, faults made real.

It may not know what operations mean. A lost answer is a cut connection: the server that
carries the app puts the cutter into the scope's state; without one, `ConnectionCut` is raised.
"""

import asyncio
import uuid
from collections.abc import Callable
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from budgetd.sandbox.auth import SignedRequest
from budgetd.sandbox.control import control_routes
from budgetd.sandbox.faults import FaultKind
from budgetd.sandbox.gateway import Outcome, Sandbox
from budgetd.sandbox.identity import answer_identity
from budgetd.sandbox.nouns import Refusal
from budgetd.sandbox.statefile import save_state
from budgetd.sandbox.wire import Answer, encode, refusal_content

JSON_TYPE = "application/json;charset=UTF-8"
GARBAGE = "<html><head><title>Welcome</title></head><body>Please sign in.</body></html>"


class ConnectionCut(Exception):  # noqa: N818 - an event of the network, not an error of ours
    """The answer was lost, where there is no connection that could be cut."""


def create_app(sandbox: Sandbox) -> Starlette:
    """The app: the provider's API, its sign-in, and the control surface under `/_sandbox`."""
    return Starlette(
        routes=[
            Mount("/_sandbox", routes=control_routes(sandbox)),
            Mount("/", app=_Front(sandbox)),
        ]
    )


class _Front:
    """Everything the provider itself would answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await _read(Request(scope, receive))
        except ClientDisconnect:
            # The caller died in the middle of its request: there is nobody to answer.
            return
        outcome = await self._answer(request)
        status = outcome.answer.status if outcome.answer else 0
        self._sandbox.note(request, status, outcome.fault)
        if outcome.answer is None:
            await _cut(scope, receive)
            return
        await self._respond(outcome)(scope, receive, send)

    async def _answer(self, request: SignedRequest) -> Outcome:
        sandbox = self._sandbox
        identity = answer_identity(sandbox, request)
        if identity is not None:
            return Outcome(answer=identity)
        try:
            operation, caller = sandbox.admit(request)
        except Refusal as refusal:
            return Outcome(answer=Answer(status=refusal.status, content=refusal_content(refusal)))
        await _wait(sandbox.latency_s / 2)
        outcome = sandbox.perform(request, operation, caller)
        if sandbox.state_file is not None and request.method == "POST":
            save_state(sandbox.book, sandbox.state_file)
        await _wait(sandbox.latency_s / 2)
        if outcome.fault is FaultKind.SLOW:
            await _wait(sandbox.slow_s)
        return outcome

    def _respond(self, outcome: Outcome) -> Response:
        answer = outcome.answer or Answer(status=204)
        request_id = uuid.uuid4().hex
        headers = {
            "X-Request-Id": request_id,
            "Date": format_datetime(self._sandbox.clock.now(), usegmt=True),
            "Content-Type": JSON_TYPE,
            **answer.headers,
        }
        if outcome.fault is FaultKind.MALFORMED:
            return Response(GARBAGE, 200, headers | {"Content-Type": "text/html"})
        content = answer.content
        if isinstance(content, dict) and str(content.get("error_code", "")).startswith("APIGW"):
            content = content | {"request_id": request_id}
        text = "" if content is None else encode(content)
        return Response(text, answer.status, headers)


async def _read(request: Request) -> SignedRequest:
    raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
    return SignedRequest(
        method=request.method,
        path=raw_path.decode("latin-1").partition("?")[0],
        query=request.scope["query_string"].decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


async def _wait(delay_s: float) -> None:
    if delay_s > 0:
        await asyncio.sleep(delay_s)


async def _cut(scope: Scope, receive: Receive) -> None:
    cut: Callable[[], None] | None = scope.get("state", {}).get("cut")
    if cut is None:
        raise ConnectionCut("the answer was lost")
    cut()
    while (await receive())["type"] != "http.disconnect":
        pass
