"""Who is calling: the provider's reading of SDK-HMAC-SHA256 signatures and of tokens.

Written from the provider's rules alone, so that a client's mistake is met by another mind.
It may not answer requests or read a clock, and it never shows a secret.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, unquote_plus

from budgetd.sandbox.nouns import Refusal

ALGORITHM = "SDK-HMAC-SHA256"
SKEW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=5)
FAILURES_ALLOWED = 5
TOKEN_LIFE = timedelta(hours=24)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<ak>[^,\s]+), ?SignedHeaders=(?P<signed>[^,\s]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key pair and whose it is; a temporary one also needs its security token."""

    ak: str
    sk: str = field(repr=False)
    account_id: str
    security_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An issued token; BSS is global, so only one of domain scope opens it."""

    account_id: str
    expires_at: datetime
    is_domain_scoped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The bytes a signature is about. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    locked_until: datetime | None = None


class Gate:
    """Keys, tokens and the lock-out after five failures in a row."""

    def __init__(self, find_key: Callable[[str], AccessKey | None]) -> None:
        self.tokens: dict[str, Token] = {}
        self._find_key = find_key
        self._trouble: dict[str, _Trouble] = {}
        self._issued = 0

    def caller(self, request: SignedRequest, now: datetime) -> str:
        """The account id behind the request; raises `Refusal` 401 or 403 (section 15.4)."""
        if "authorization" in request.headers:
            return self._by_signature(request, now)
        if "x-auth-token" in request.headers:
            return self._by_token(request.headers["x-auth-token"], now)
        raise _unauthorized("APIGW.0301", "neither Authorization nor X-Auth-Token was sent")

    def issue_token(self, account_id: str, now: datetime, *, is_domain_scoped: bool) -> str:
        """A new token, valid for 24 hours; older ones stay valid."""
        self._issued += 1
        seed = f"{account_id}:{now.isoformat()}:{self._issued}"
        name = "sandbox-token-" + hashlib.sha256(seed.encode()).hexdigest()
        self.tokens[name] = Token(
            account_id=account_id,
            expires_at=now + TOKEN_LIFE,
            is_domain_scoped=is_domain_scoped,
        )
        return name

    def _by_token(self, name: str, now: datetime) -> str:
        token = self.tokens.get(name)
        if token is None:
            raise _unauthorized("APIGW.0301", "decrypt token fail")
        if now >= token.expires_at:
            raise _unauthorized("APIGW.0307", "The token must be updated.", "")
        if not token.is_domain_scoped:
            raise Refusal(403, "CBC.0151", "Access denied.")
        return token.account_id

    def _by_signature(self, request: SignedRequest, now: datetime) -> str:
        parts = _AUTHORIZATION.fullmatch(request.headers["authorization"])
        if parts is None:
            raise _unauthorized("APIGW.0301", "authorization header malformed")
        ak = parts["ak"]
        trouble = self._trouble.setdefault(ak, _Trouble())
        if trouble.locked_until is not None and now < trouble.locked_until:
            raise _unauthorized("APIGW.0301", "AK access failed to reach the limit,forbidden.")
        key = self._find_key(ak)
        if key is None:
            raise _unauthorized("APIGW.0301", f"Get secretKey failed,ak:{ak},err:ak not exist")
        signed = parts["signed"].split(";")
        signed_at = _signed_at(request, signed)
        if abs(now - signed_at) > SKEW:
            message = "the request's date differs from the gateway's by over 15 minutes"
            raise _unauthorized("APIGW.0303", message, "Incorrect app authentication information")
        expected = sign(request, signed, key.sk)
        token = request.headers.get("x-security-token")
        if hmac.compare_digest(expected, parts["signature"]) and token == key.security_token:
            trouble.failures = 0
            return key.account_id
        self._count_failure(trouble, now)
        raise _unauthorized("APIGW.0301", "verify aksk signature fail")

    @staticmethod
    def _count_failure(trouble: _Trouble, now: datetime) -> None:
        trouble.failures += 1
        if trouble.failures >= FAILURES_ALLOWED:
            trouble.failures = 0
            trouble.locked_until = now + LOCKED_FOR


def sign(request: SignedRequest, signed: list[str], secret: str) -> str:
    """The signature those headers of the request call for (section 15.1)."""
    lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed)
    body_hash = hashlib.sha256(request.body).hexdigest()
    if request.body and "x-sdk-content-sha256" in request.headers:
        body_hash = request.headers["x-sdk-content-sha256"]
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.query),
            lines,
            ";".join(signed),
            body_hash,
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.headers.get('x-sdk-date', '')}\n{digest}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str) -> str:
    encoded = "/".join(quote(unquote(part), safe="~") for part in path.split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    encoded = (
        (quote(unquote_plus(name), safe="~"), quote(unquote_plus(value), safe="~"))
        for name, value in pairs
    )
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _signed_at(request: SignedRequest, signed: list[str]) -> datetime:
    if "host" not in signed or "x-sdk-date" not in signed:
        raise _unauthorized("APIGW.0301", "host and x-sdk-date must be signed")
    text = request.headers.get("x-sdk-date", "")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _unauthorized("APIGW.0301", "x-sdk-date malformed") from error


def _unauthorized(
    code: str, why: str, what: str = "Incorrect IAM authentication information"
) -> Refusal:
    return Refusal(401, code, f"{what}: {why}" if what else why)
