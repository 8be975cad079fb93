"""The page, the metrics and the daemon's health over HTTP: an ASGI app that reads alone.

The daemon is asked in its own loop; what takes time (the state file, the page) is done in one
thread of the app's own, one request after the other. It may not change anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import TypeVar

from jinja2 import Template
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from budgetd.ledger.database import StoreError
from budgetd.report.markup import environment_of, own_file, style_digest
from budgetd.web.guard import Guard, Hosts
from budgetd.web.health import health_of, readiness_of
from budgetd.web.measures import CapShares
from budgetd.web.metrics import CONTENT_TYPE, metrics_text
from budgetd.web.page import page_of
from budgetd.web.seen import Seen

TEMPLATE = "status.html.j2"
STYLE = "status.css"
HIGHEST_PAGE = 10_000

R = TypeVar("R")
Look = Callable[[], Seen]
Beat = Callable[[], timedelta | None]


def app(look: Look, beat: Beat, hosts: Hosts) -> ASGIApp:
    """The app. `look` is called in the running loop and says what the daemon has now; `beat`
    how long ago its scheduler's heart beat, None before it first did."""
    caps = CapShares()
    worker = ThreadPoolExecutor(1, thread_name_prefix="web")

    async def alive(_request: Request) -> Response:
        return _verdict(health_of(beat()))

    async def ready(_request: Request) -> Response:
        wrong = health_of(beat()) or await _in_thread(worker, readiness_of, look())
        return _verdict(wrong)

    async def metrics(_request: Request) -> Response:
        text = await _in_thread(worker, metrics_text, look(), caps)
        return Response(text, media_type=CONTENT_TYPE)

    async def page(request: Request) -> Response:
        return await _in_thread(worker, _page, look(), request.query_params)

    routes = {"/": page, "/healthz": alive, "/readyz": ready, "/metrics": metrics}
    inner = Starlette(
        routes=[Route(path, _answered(endpoint)) for path, endpoint in routes.items()]
    )
    return Guard(inner, hosts)


async def _in_thread(worker: ThreadPoolExecutor, work: Callable[..., R], *given: object) -> R:
    return await asyncio.get_running_loop().run_in_executor(worker, lambda: work(*given))


def _answered(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """A state file that fails is a sentence, and the daemon's own matter to end for."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StoreError as problem:
            return _verdict(f"the state file failed: {problem}")

    return answer


def _verdict(wrong: str) -> Response:
    if wrong:
        return PlainTextResponse(f"{wrong}\n", status_code=503)
    return PlainTextResponse("ok\n")


@cache
def _template() -> tuple[Template, Mapping[str, str]]:
    files = {name: own_file("budgetd.web", name) for name in (TEMPLATE, STYLE)}
    policy = (
        f"default-src 'none'; style-src '{style_digest(files[STYLE])}'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return environment_of(files).get_template(TEMPLATE), {"content-security-policy": policy}


def _page(seen: Seen, asked: Mapping[str, str]) -> Response:
    template, headers = _template()
    text = template.render(page=page_of(seen, asked.get("q", ""), _number(asked.get("page", ""))))
    return Response(text, media_type="text/html", headers=dict(headers))


def _number(text: str) -> int:
    """A page's number; anything else is the first page."""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_PAGE)):
        return int(text)
    return 1
