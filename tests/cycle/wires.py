"""Networks between us and the sandbox that do what a network, or a dying process, can do."""

from collections.abc import Callable

import httpx


class Killed(BaseException):
    """The process ends here: nothing of ours catches it."""


class Wire(httpx.AsyncBaseTransport):
    """Hands requests on. `before` and `after` may act on a POST and may raise."""

    def __init__(
        self,
        *,
        before: Callable[[httpx.Request], None] = lambda _request: None,
        after: Callable[[httpx.Request], None] = lambda _request: None,
    ) -> None:
        self._before = before
        self._after = after
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer; a POST's is read whole before `after`."""
        if request.method != "POST":
            return await self._inner.handle_async_request(request)
        self._before(request)
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        await response.aclose()
        self._after(request)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(body)
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class Twice(Wire):
    """Delivers every POST a first time by itself: a second mover under the same key."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            earlier = await self._inner.handle_async_request(request)
            await earlier.aread()
            await earlier.aclose()
        return await super().handle_async_request(request)


def kill(_request: httpx.Request) -> None:
    """Ends the process."""
    raise Killed


def spoil(request: httpx.Request) -> None:
    """Makes the signature a wrong one."""
    name = "authorization"
    request.headers[name] = request.headers[name][:-4] + "0000"
