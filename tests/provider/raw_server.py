"""A server that sends exactly the bytes it is told, for answers no honest server would give."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Respond = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """What came in: the request line, lower-case headers, the body."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass
class RawServer:
    """Serves one answer per request through `respond`; remembers every request it saw."""

    respond: Respond
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=2**23, ssl=self.tls
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while request := await _read(reader):
                self.requests.append(request)
                await self.respond(request, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    line = (await reader.readline()).decode().strip()
    if not line:
        return None
    headers: dict[str, str] = {}
    while raw := (await reader.readline()).strip():
        name, _, value = raw.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(line=line, headers=headers, body=body)


def answer(
    status: int,
    body: bytes | str = b"",
    *,
    headers: dict[str, str] | None = None,
    content_type: str | None = "application/json;charset=UTF-8",
) -> bytes:
    """One well-formed answer as bytes."""
    payload = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Reason"]
    given = {"content-length": str(len(payload)), **(headers or {})}
    if content_type is not None:
        given = {"content-type": content_type, **given}
    lines += [f"{name}: {value}" for name, value in given.items() if value != "absent"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def always(reply: bytes, *, closes: bool = False) -> Respond:
    """The same bytes to every request."""

    async def respond(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        if closes:
            await writer.drain()
            writer.close()

    return respond


def in_turn(*replies: bytes) -> Respond:
    """One after the other, the last one for ever."""
    waiting = list(replies)

    async def respond(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return respond


def dripping(reply: bytes, *, every_s: float) -> Respond:
    """One byte at a time."""

    async def respond(_: Request, writer: asyncio.StreamWriter) -> None:
        for index in range(len(reply)):
            writer.write(reply[index : index + 1])
            await writer.drain()
            await asyncio.sleep(every_s)

    return respond


def endless() -> Respond:
    """A body of 64 MiB, of which no header tells the length."""

    async def respond(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        for _ in range(64):
            writer.write(b" " * 2**20)
            await writer.drain()

    return respond
