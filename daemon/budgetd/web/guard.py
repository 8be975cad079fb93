"""Who may ask the page for what: its own names, by GET and HEAD; and what an answer may do.

A page on loopback is reached by any site that a browser here has open, under a name that the
site makes resolve to this machine; so a request names us as we are known, or gets nothing.
"""

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The names a request may call us by. `port` is the one listened on; with `has_any_address`,
    on 0.0.0.0 or [::], every address will do: an address, unlike a name, cannot be made another's.
    """

    names: frozenset[str]
    port: int
    has_any_address: bool = False

    def know(self, host: str) -> bool:
        """Whether the Host header is one of ours."""
        name, _, port = host.rpartition(":")
        if not name or not port.isascii() or not port.isdecimal():
            # Without a port a browser means 80.
            name, port = host, "80"
        if port != str(self.port):
            return False
        name = name.lower()
        return name in self.names or (self.has_any_address and _is_address(name))


def hosts_of(host: str, port: int) -> Hosts:
    """The names of a page that listens there: the address itself, and this machine's own."""
    shown = f"[{host}]" if ":" in host else host
    return Hosts(
        names=frozenset({shown.lower(), "localhost", "127.0.0.1", "[::1]"}),
        port=port,
        has_any_address=ipaddress.ip_address(host).is_unspecified,
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


class Guard:
    """Answers what may not be asked, and puts the headers on everything that is answered."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        if not self._hosts.know(Headers(scope=scope).get("host", "")):
            words = "this page answers to the address it listens on, and to localhost\n"
            return PlainTextResponse(words, status_code=421)
        if scope["method"] not in METHODS:
            headers = {"allow": ", ".join(METHODS)}
            return PlainTextResponse("reading alone: GET\n", status_code=405, headers=headers)
        return None
