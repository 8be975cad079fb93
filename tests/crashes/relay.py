"""A network between budgetd and the provider that can hold back a movement for as long as needed.

It passes bytes on and knows of HTTP only where a request begins and ends.
"""

import asyncio
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE_BYTES = 65536
PAUSE_S = 0.005
PATIENCE_S = 10.0


@dataclass(slots=True)
class Relay:
    """Listens on loopback, in a thread; a context manager. The first POST after `hold` waits for
    `release`, others do not."""

    target: str
    port: int = 0
    holding: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    delivered: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> "Relay":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_failure: object) -> None:
        self.released.set()
        self.closing.set()
        self._thread.join(PATIENCE_S)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """Holds back the next POST."""
        self.holding.set()

    def release(self) -> None:
        """Lets it arrive at last, whoever may still wait for its answer."""
        self.released.set()
        assert self.delivered.wait(PATIENCE_S)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await _until(self.closing)

    async def _connect(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        place = urlsplit(self.target)
        far, to_far = await asyncio.open_connection(place.hostname, place.port)
        asking = asyncio.create_task(self._pump(near, to_far, is_asking=True))
        try:
            await self._pump(far, to_near, is_asking=False)
            await asking
        finally:
            asking.cancel()
            to_near.close()
            to_far.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_asking: bool
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                is_held = is_asking and piece.startswith(b"POST") and self.holding.is_set()
                if is_held:
                    self.holding.clear()
                    piece += await _rest(piece, source)
                    self.held.set()
                    await _until(self.released)
                sink.write(piece)
                await sink.drain()
                if is_held:
                    self.delivered.set()
            sink.write_eof()


async def _rest(piece: bytes, source: asyncio.StreamReader) -> bytes:
    """What is still missing of a request whose head has arrived."""
    head, _, body = piece.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    return await source.readexactly(int(length[1] if length else 0) - len(body))


async def _until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(PAUSE_S)
