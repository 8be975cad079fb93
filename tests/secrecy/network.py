"""A network inside the process: it answers what it is told to, and fails in its own words.

It may not know the product; it sees requests and gives answers.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import httpx

from .hostile import Spoken, echo, spoken

Answering = Callable[[httpx.Request], Spoken]


def heard(request: httpx.Request) -> dict[str, str]:
    """The secrets a request carries by itself: its signature, or its token."""
    found = {}
    authorization = request.headers.get("authorization", "")
    if authorization:
        found["signature"] = authorization.rpartition("Signature=")[2]
    return found


@dataclass(slots=True)
class Echoing:
    """Answers that repeat the planted secrets and whatever the request itself carried."""

    rng: Random
    secrets: tuple[str, ...]
    signatures: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> Spoken:
        return spoken(self.rng, self.known(request))

    def known(self, request: httpx.Request) -> tuple[str, ...]:
        """What can be repeated to this request."""
        carried = tuple(heard(request).values())
        self.signatures += carried
        authorization = request.headers.get("authorization", "")
        whole = (authorization,) if authorization else ()
        return (*self.secrets, *carried, *whole)


class Network(httpx.AsyncBaseTransport):
    """Answers by `answering`, else with echoes; a share of all requests ends in an exception."""

    def __init__(
        self, echoing: Echoing, answering: Answering | None = None, *, failing: float = 0.2
    ) -> None:
        self._echoing = echoing
        self._answering = answering or echoing
        self._failing = failing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One answer, whose body may come in pieces, or an error that repeats the request."""
        rng = self._echoing.rng
        if rng.random() < self._failing:
            raise failure(rng, request, self._echoing.known(request))
        said = self._answering(request)
        return httpx.Response(
            said.status, headers=_encoded(said.headers), stream=httpx.ByteStream(said.body)
        )


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def failure(rng: Random, request: httpx.Request, secrets: tuple[str, ...]) -> Exception:
    """An error of the network in the words of a library that repeats what it was given."""
    said = echo(rng, secrets)
    # A form is looked for inside one more, not inside any number of others.
    plain = echo(rng, secrets, is_plain=True).encode("utf-8", "replace")
    words = rng.choice(
        (
            said,
            f"Illegal header value {plain!r}",
            f"{request.method} {request.url} failed: {dict(request.headers)} {said}",
            f"peer closed connection: {dict(request.headers)!r}",
            f"https://user:{rng.choice(secrets)}@host/ is not reachable",
            f"malformed data: {request.content!r}",
        )
    )
    kinds: tuple[Callable[[str], Exception], ...] = (
        *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ReadTimeout),
        *(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError),
        *(httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.TooManyRedirects),
        *(httpx.InvalidURL, httpx.StreamError, OSError, ValueError, ConnectionResetError),
        *(lambda text: ssl.SSLError(1, text), TimeoutError),
    )
    error = rng.choice(kinds)(words)
    if rng.random() < 0.3:
        error.__cause__ = OSError(f"caused by {said}")
    return error
