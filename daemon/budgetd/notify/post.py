"""The door to webhooks and chats: one POST, one answer, within a hard deadline.

The only importer of httpx beside the provider's client. It follows no redirect, reads no proxy
from the environment, and no error of it holds an address.
"""

import asyncio
import logging
import ssl
from contextlib import aclosing
from functools import cached_property

import httpx

from budgetd.notify.request import DeliveryError, Reply, Request

LARGEST_BYTES = 64 * 1024
LONGEST_WAIT_S = 300
BUSY = frozenset({408, 425, 429})


class Post:
    """Posts requests, each on a connection of its own: they are few."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        for name in ("httpx", "httpcore"):
            # They would log the address of every call, which carries its token.
            logging.getLogger(name).setLevel(logging.WARNING)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=False)

    async def send(self, request: Request) -> Reply:
        """The answer with a status of 2xx; anything else raises `DeliveryError`."""
        reply = await self._exchange(request)
        if 200 <= reply.status < 300:
            return reply
        may_pass = reply.status >= 500 or reply.status in BUSY
        raise DeliveryError(
            f"HTTP {reply.status}", may_pass=may_pass, wait_s=reply.retry_after_s or 0
        )

    async def _exchange(self, request: Request) -> Reply:
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                httpx.AsyncHTTPTransport(verify=self._trust, trust_env=False, retries=0) as http,
                aclosing(await http.handle_async_request(_built(request))) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > LARGEST_BYTES:
                        break
        except TimeoutError:
            raise DeliveryError("no answer in time", may_pass=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # Its text may quote the address: the kind of it alone is told.
            is_tls = isinstance(error.__cause__, ssl.SSLError) or "SSL" in repr(error)
            reason = "no trusted TLS connection" if is_tls else f"no answer: {type(error).__name__}"
            raise DeliveryError(reason, may_pass=True) from None
        wait = response.headers.get("retry-after", "")
        return Reply(
            status=response.status_code,
            body=bytes(body[:LARGEST_BYTES]),
            retry_after_s=min(int(wait), LONGEST_WAIT_S)
            if wait.isascii() and wait.isdigit()
            else None,
        )


def _built(request: Request) -> httpx.Request:
    headers = {"user-agent": "budgetd", "accept-encoding": "identity", "connection": "close"}
    return httpx.Request(
        "POST", request.url, headers={**headers, **request.headers}, content=request.body
    )


def _seconds(wait: str) -> int | None:
    """What a receiver asks to wait, five minutes at most; a date is passed over."""
    is_number = wait.isascii() and wait.isdigit() and len(wait) < 10
    return min(int(wait), LONGEST_WAIT_S) if is_number else None
