"""The signature of a request: SDK-HMAC-SHA256 over its canonical form (API notes, section 15.1).

Pure: the instant is given, nothing is sent. It may not hold a secret where a repr shows it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"

Query = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key; a temporary one comes with its `security_token`. Only `id` shows in reprs."""

    id: str
    secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """What is signed: `path` as sent, `query` decoded, `headers` beyond the signature's own.
    A body may hold a password, so it does not show."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def sign(key: AccessKey, request: Unsigned, *, at: datetime) -> dict[str, str]:
    """All headers to send, lower-case, `authorization` among them; every one of them is signed.

    `at` must be aware; the provider refuses it when more than 15 minutes off its own clock.
    """
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    headers["host"] = request.host
    headers["x-sdk-date"] = at.astimezone(UTC).strftime(DATE_FORMAT)
    if key.security_token:
        headers["x-security-token"] = key.security_token
    names = sorted(headers)
    signed_names = ";".join(names)
    canonical = "\n".join(
        (
            request.method.upper(),
            canonical_path(request.path),
            canonical_query(request.query),
            "".join(f"{name}:{headers[name]}\n" for name in names),
            signed_names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{digest}"
    signature = hmac.new(key.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"{ALGORITHM} Access={key.id}, SignedHeaders={signed_names}, Signature={signature}"
    )
    return headers


def canonical_path(path: str) -> str:
    """The path as it is signed: segments encoded, a slash at the end. It is not sent like this."""
    encoded = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def canonical_query(query: Query) -> str:
    """The query as it is signed and sent: sorted by key, then value, both encoded."""
    return "&".join(
        f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(query)
    )
