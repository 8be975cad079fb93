"""Carrying the app over a real socket, in the current loop or in a thread of its own.

It may not take signals, and it binds loopback only: the sandbox's keys are no secrets.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.server import create_app

STARTING_S = 10.0


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 whose app may cut the connection without an answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hands the app the means to lose an answer, one for every connection."""
        cut = cast(asyncio.Transport, transport).abort
        self.app_state = {**self.app_state, "cut": cut}
        super().connection_made(cast(asyncio.Transport, transport))


class QuietServer(uvicorn.Server):
    """A server that leaves the signals to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes none."""
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 is any; raises `OSError`, `ValueError`."""
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError("the sandbox listens on loopback only")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """Where the socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Starlette) -> QuietServer:
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        backlog=2048,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    return QuietServer(config)


@contextlib.asynccontextmanager
async def serve(app: Starlette, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves the app in the running loop and yields its base URL; stops it on the way out."""
    listener = bind(host, port)
    server = _server(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(STARTING_S):
            while not server.started:
                await asyncio.sleep(0.005)
        yield base_url(listener)
    finally:
        server.should_exit = True
        await task
        listener.close()


class RunningSandbox:
    """A sandbox served by a thread, for whoever has no loop: a context manager with a `url`."""

    def __init__(self, sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox
        self._place = (host, port)
        self._server = _server(create_app(sandbox))
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL; raises `RuntimeError` before the start."""
        if self._listener is None:
            raise RuntimeError("the sandbox has not been started")
        return base_url(self._listener)

    def start(self) -> "RunningSandbox":
        """Binds and serves; returns when the first request can be taken."""
        listener = bind(*self._place)
        self._listener = listener
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="sandbox", daemon=True
        )
        self._thread.start()
        if not ready.wait(STARTING_S):
            raise RuntimeError("the sandbox did not start")
        return self

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not task.done():
            await asyncio.sleep(0.002)
        ready.set()
        await task

    def stop(self) -> None:
        """Stops serving and waits for the thread to end."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STARTING_S)
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> "RunningSandbox":
        return self.start()

    def __exit__(self, *_failure: object) -> None:
        self.stop()
