"""Carrying the page over a socket, in the daemon's own loop.

It may not take signals, write an access log, or hold up the daemon's stop: what is still open
after a second is cut.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

STARTING_S = 10
KEPT_OPEN_S = 5
LONGEST_CONNECTION_S = 30
STOPPING_S = 1
MOST_CONNECTIONS = 64
LARGEST_HEAD_BYTES = 16 * 1024


class ListenError(Exception):
    """The address cannot be listened on; the message says which and why."""


class BriefProtocol(H11Protocol):
    """HTTP/1.1 whose connections end: one that says nothing, half a request, or reads nothing,
    would otherwise be kept for ever, and each costs the daemon a file descriptor."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuses one too many, and sets the end of the others."""
        super().connection_made(cast(asyncio.Transport, transport))
        cut = cast(asyncio.Transport, transport).abort
        if len(self.connections) > MOST_CONNECTIONS:
            cut()
        self.end = self.loop.call_later(LONGEST_CONNECTION_S, cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self.end.cancel()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """A server that leaves the signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes none."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any. Raises `ListenError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(MOST_CONNECTIONS)
    except OSError as problem:
        listener.close()
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ListenError(
            f"web.listen {place}: {problem.strerror or problem}; is another budgetd there?"
        ) from problem
    return listener


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listen: tuple[str, int]) -> AsyncIterator[tuple[str, int]]:
    """Serves the app in the running loop and yields the address it is reached at.

    The socket is bound first: a port in use raises `ListenError` before anything runs. On the
    way out it stops within 2 s, whatever its clients do.
    """
    listener = bind(*listen)
    server = _Server(_config(app))
    task = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    try:
        async with asyncio.timeout(STARTING_S):
            while not server.started and not task.done():
                await asyncio.sleep(0.005)
        host, port = listener.getsockname()[:2]
        yield str(host), int(port)
    finally:
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOPPING_S + 0.5):
                await task
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        listener.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BriefProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        timeout_keep_alive=KEPT_OPEN_S,
        timeout_graceful_shutdown=STOPPING_S,
    )
