"""Tokens: how one is asked for, how long it is used, when it is replaced (API notes, 15.3).

It may not send anything itself: the client gives the call. A token reads; it never moves money.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from budgetd.provider.errors import MalformedAnswer, ProviderError
from budgetd.provider.operations import compact_json

TOKEN_PATH = "/v3/auth/tokens"  # noqa: S105 - a path, no password
TOKEN_ENDPOINT = f"POST {TOKEN_PATH}"
LIFETIME = timedelta(hours=23)
"""A token lives 24 hours; it is replaced one hour before."""
REMEMBERED = 8
"""So many tokens are kept to themselves; one that was replaced may be good still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogin:
    """An IAM user's login. `iam_endpoint` is a scheme and a host, nothing more."""

    iam_endpoint: str
    user: str
    password: str = field(repr=False)
    domain: str


def token_request(login: TokenLogin) -> bytes:
    """The body that asks for a token of the whole domain."""
    user = {
        "name": login.user,
        "password": login.password,
        "domain": {"name": login.domain},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    return compact_json(
        {"auth": {"identity": identity, "scope": {"domain": {"name": login.domain}}}}
    )


def token_of(header: str) -> str:
    """The token of an answer's `X-Subject-Token`; raises `MalformedAnswer` when it is none."""
    if not (header.isascii() and header.isprintable() and 1 <= len(header) <= 16_384):
        raise MalformedAnswer(TOKEN_ENDPOINT, "X-Subject-Token", "not a token")
    return header


def asks_for_new_token(error: ProviderError) -> bool:
    """Whether a refusal says that a new token would do."""
    is_named = error.code in {"CBC.0154", "APIGW.0307"}
    return is_named or "token must be updated" in error.message.lower()


class TokenKeeper:
    """Keeps one token fresh; at most one request for a new one is under way."""

    def __init__(self, *, fetch: Callable[[], Awaitable[str]], clock: Callable[[], datetime]):
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._issued: deque[str] = deque(maxlen=REMEMBERED)
        self._got_at: datetime | None = None

    async def current(self) -> str:
        """A token that is younger than 23 hours."""
        async with self._lock:
            now = self._clock()
            if self._got_at is None or not self._got_at <= now < self._got_at + LIFETIME:
                self._token = await self._fetch()
                self._issued.append(self._token)
                self._got_at = now
            return self._token

    def drop(self) -> None:
        """No longer uses a token that the provider no longer takes."""
        self._token = ""
        self._got_at = None

    @property
    def in_use(self) -> str:
        """The token that calls are made with; empty where there is none."""
        return self._token

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: the tokens that were issued last."""
        return tuple(self._issued)
