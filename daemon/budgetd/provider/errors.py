"""What can go wrong with the provider, as errors whose messages are one clean line for people.

    ProviderError
      AuthenticationFailed   401, or a token the provider no longer takes: stop calling
      AccessDenied           403: the credential may not do this
      Unmanageable           the account is not ours to move (CBC.99000086, CBC.99000047)
      Rejected               any other 4xx
      Throttled              429
      ServerFault            5xx
      Unreachable            no complete answer: connect, TLS, time-out, early close
      MalformedAnswer        an answer that does not fit the endpoint
      InvalidRequest         refused here, before anything was sent
      MovesNeedAccessKey     a move under a token: signatures that expire are the proof

No message holds an `Authorization`, a key, a token, or bytes that are not plain text.
"""

# ruff: noqa: N818 - the names say what happened to the call; all of them are errors by their base.
import re
import unicodedata
from collections.abc import Iterable

from budgetd.provider.hiding import REMOVED, without_secrets

LONGEST_MESSAGE = 300
UNMANAGEABLE_CODES = frozenset({"CBC.99000086", "CBC.99000047"})
TOKEN_CODES = frozenset({"CBC.0154", "APIGW.0307"})

_SECRET_SHAPES = (
    re.compile(r"SDK-HMAC-SHA256.*", re.IGNORECASE | re.DOTALL),
    re.compile(r"(?:authorization|x-auth-token|x-security-token)\s*[:=].*", re.I | re.DOTALL),
    re.compile(r"(?:Access|Signature)\s*=\s*[^\s,;|]+", re.IGNORECASE),
    re.compile(r"\bak\s*:\s*[^\s,;|]+", re.IGNORECASE),
    re.compile(r"\b[0-9a-f]{64}\b", re.IGNORECASE),
)


class ProviderError(Exception):
    """A call that did not end well. `status` is None and `code` empty where nobody said one."""

    def __init__(
        self,
        endpoint: str,
        *,
        status: int | None = None,
        code: str = "",
        message: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.attempts = 1

    def __str__(self) -> str:
        said = " ".join(str(part) for part in (self.status, self._shown_code) if part)
        text = f"{self.endpoint} answered {said}" if said else self.endpoint
        if self.message:
            text += f" ({self.message})" if said else f" {self.message}"
        if self.attempts > 1:
            text += f", {self.attempts} times"
        return text

    @property
    def _shown_code(self) -> str:
        return "" if self.status is None else self.code


class AuthenticationFailed(ProviderError):
    """The credential is refused; no further call may be made with it (five lock the key)."""


class AccessDenied(ProviderError):
    """The credential is known but may not do this."""


class Unmanageable(ProviderError):
    """The account is closed to the master: under custody, or not associated."""


class Rejected(ProviderError):
    """A definite refusal of the request itself."""


class Throttled(ProviderError):
    """The quota of this API is spent for now. `retry_after_s` is 0 to 60, or None."""

    retry_after_s: int | None = None


class ServerFault(ProviderError):
    """The provider could not finish a valid request."""


class Unreachable(ProviderError):
    """No complete answer came; `code` is one of `TRANSPORT.CONNECT`, `.TLS`, `.READ_TIMEOUT`,
    `.RESET`: ours, for what the provider's tables cannot name."""


class MalformedAnswer(ProviderError):
    """An answer that does not fit its endpoint; `path` is the place in the JSON, `$` the top."""

    def __init__(self, endpoint: str, path: str, why: str) -> None:
        super().__init__(endpoint, message=f"answered what is not documented, at {path}: {why}")
        self.path = path
        self.why = why


class InvalidRequest(ProviderError):
    """A request that the documentation refuses; nothing was sent."""

    def __init__(self, endpoint: str, field: str, why: str) -> None:
        super().__init__(endpoint, message=f"was not called: {field} {why}")
        self.field = field
        self.why = why


class MovesNeedAccessKey(ProviderError):
    """A move was asked for under a token; only signed requests provably expire."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            endpoint, message="was not called: moves are signed with an access key, not a token"
        )


def clean_text(text: str, secrets: Iterable[str] = ()) -> str:
    """At most 300 characters of plain text on one line, secrets and what looks like one removed.

    Control, format (bidi), surrogate, private and unassigned characters become blanks.
    """
    text = without_secrets(text[:65_536], secrets)
    for shape in _SECRET_SHAPES:
        text = shape.sub(REMOVED, text)
    plain = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text[:4096])
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def clean_code(text: str, secrets: Iterable[str]) -> str:
    """An error code or request id as it may be shown: else, or with a secret in it, empty."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        return ""
    return text if without_secrets(text, secrets) == text else ""


def error_of(
    endpoint: str, *, status: int, code: str, message: str, request_id: str
) -> ProviderError:
    """The error that an answer with a failing status (400 and above) stands for."""
    kind: type[ProviderError] = Rejected
    if status == 401 or (status == 403 and code in TOKEN_CODES):
        kind = AuthenticationFailed
    elif status == 403:
        kind = AccessDenied
    elif status == 429:
        kind = Throttled
    elif status >= 500:
        kind = ServerFault
    elif code in UNMANAGEABLE_CODES:
        kind = Unmanageable
    return kind(endpoint, status=status, code=code, message=message, request_id=request_id)
