"""Who receives: an HTTP server and a mail server over real sockets, that keep what they got."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Got:
    """One POST."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, bytes] | None
"""Status and body; None hangs."""


@dataclass
class Receiver:
    """An HTTP server that answers by `answer`, handed the number of the request."""

    answer: Callable[[int], Answer] = lambda _number: (200, b"ok")
    port: int = 0
    tls: ssl.SSLContext | None = None
    got: list[Got] = field(default_factory=list)
    headers: str = ""

    @property
    def is_tls(self) -> bool:
        return self.tls is not None

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/hook/planted-token-0123456789"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append(Got(first.split(" ")[1], headers, body))
            answer = self.answer(len(self.got))
            if answer is None:
                await asyncio.sleep(30)
                return
            status, said = answer
            length = f"content-length: {len(said)}\r\nconnection: close\r\n"
            writer.write(f"HTTP/1.1 {status} X\r\n{length}{self.headers}\r\n".encode() + said)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@dataclass
class MailServer:
    """An SMTP server. `greeting` and `verdict` are what it says first, and of a letter; with
    `tls` it offers STARTTLS, with `is_tls` it speaks nothing else."""

    tls: ssl.SSLContext | None = None
    is_tls: bool = False
    greeting: bytes = b"220 mx\r\n"
    verdict: bytes = b"250 taken\r\n"
    port: int = 0
    envelopes: list[list[str]] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        envelope: list[str] = []
        writer.write(self.greeting)
        try:
            while line := (await reader.readline()).decode().strip():
                word = line.upper()
                if word.startswith("EHLO"):
                    offer = b"250-STARTTLS\r\n" if self.tls and not self.is_tls else b""
                    writer.write(b"250-mx\r\n" + offer + b"250 AUTH PLAIN\r\n")
                elif word == "STARTTLS" and self.tls:
                    writer.write(b"220 go\r\n")
                    await writer.start_tls(self.tls)
                elif word.startswith("AUTH"):
                    self.logins.append(line.rpartition(" ")[2])
                    writer.write(b"235 in\r\n")
                elif word == "DATA":
                    writer.write(b"354 go\r\n")
                    self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
                    self.envelopes.append(envelope)
                    writer.write(self.verdict)
                elif word == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    envelope.append(line)
                    writer.write(b"250 ok\r\n")
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


R = TypeVar("R", Receiver, MailServer)


@asynccontextmanager
async def receiving(receiver: R) -> AsyncIterator[R]:
    """Serves on a loopback port."""
    tls = receiver.tls if receiver.is_tls else None
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
