"""The credential in use: how a call is authorized, and whether the provider still takes it.

It keeps what must never be shown, and remembers a refusal, because five failed signatures lock
an access key for five minutes. It may not send anything.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from budgetd.provider.calls import Call
from budgetd.provider.errors import AuthenticationFailed, MovesNeedAccessKey
from budgetd.provider.iam import TokenKeeper, TokenLogin, asks_for_new_token
from budgetd.provider.replies import Reading, Reply, failure_of
from budgetd.provider.signing import AccessKey, Unsigned, sign

JSON_BODY = {"content-type": "application/json"}


class Credential:
    """One credential towards one host."""

    def __init__(
        self,
        given: AccessKey | TokenLogin,
        *,
        currency: str,
        clock: Callable[[], datetime],
        fetch_token: Callable[[], Awaitable[str]],
    ) -> None:
        self._given = given
        self._currency = currency
        self._clock = clock
        self._tokens = TokenKeeper(fetch=fetch_token, clock=clock)
        self._refusal: AuthenticationFailed | None = None
        self.is_proven = False
        """Whether the last word of the provider on this credential was not a refusal."""

    @property
    def has_tokens(self) -> bool:
        """Whether it is a login, whose token may be replaced."""
        return isinstance(self._given, TokenLogin)

    @property
    def is_refused(self) -> bool:
        """Whether the provider refused it; then no further call is made."""
        return self._refusal is not None

    def check(self, endpoint: str) -> None:
        """Raises `AuthenticationFailed` at once when it was refused before."""
        if self._refusal is not None:
            before = self._refusal
            raise AuthenticationFailed(
                endpoint,
                code=before.code,
                message=f"was not called: the credential was refused before ({before}); it is "
                "tried again after a reload or a new start",
            )

    def retry_with_new_token(self) -> None:
        """Forgets a refusal that a new token mends."""
        self._refusal = None

    async def headers(self, request: Unsigned) -> dict[str, str]:
        """The headers that authorize one call."""
        if isinstance(self._given, AccessKey):
            return sign(self._given, request, at=self._clock())
        token = await self._tokens.current()
        return {**request.headers, "host": request.host, "x-auth-token": token}

    def sign(self, request: Unsigned, *, at: datetime) -> dict[str, str]:
        """The headers of a move; raises `MovesNeedAccessKey` under a token."""
        if isinstance(self._given, AccessKey):
            return sign(self._given, request, at=at)
        raise MovesNeedAccessKey(f"{request.method} {request.path}")

    def reading(self, call: Call) -> Reading:
        """How the answer to a call is read: our currency, and what is removed from its message."""
        secrets: tuple[str, ...]
        if isinstance(self._given, AccessKey):
            secrets = (self._given.secret, self._given.security_token, self._given.id)
        else:
            secrets = (self._given.password, self._given.user, *self._tokens.secrets)
        carried = [call.headers.get(name, "") for name in ("authorization", "x-auth-token")]
        signature = carried[0].rpartition("Signature=")[2]
        return Reading(
            currency=self._currency, secrets=(*carried, signature, *call.secrets, *secrets)
        )

    def note(self, endpoint: str, reply: Reply, call: Call) -> None:
        """Remembers what the answer to a call says about the credential; a late refusal of an
        old token says nothing about the new one."""
        token = call.headers.get("x-auth-token", "")
        if reply.status < 500 and reply.status not in (401, 403, 429):
            self.is_proven = True
        if reply.status not in (401, 403) or (token and token != self._tokens.in_use):
            return
        error = failure_of(endpoint, reply, self.reading(call))
        if isinstance(error, AuthenticationFailed):
            self._refusal = error
            self.is_proven = False
            if asks_for_new_token(error):
                self._tokens.drop()
