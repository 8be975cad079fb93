"""One request as bytes, and the way it can end without an answer.

Nouns alone. They hold signatures, so they do not show them; they may not send anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from budgetd.provider.errors import Unreachable
from budgetd.provider.operations import Operation

CONNECT = "TRANSPORT.CONNECT"
TLS = "TRANSPORT.TLS"
TIMEOUT = "TRANSPORT.READ_TIMEOUT"
RESET = "TRANSPORT.RESET"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMove:
    """A move, ready to leave and never signed again. Its headers do not show in a repr."""

    operation: Operation[Any]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    body_hash: str
    signed_at: datetime


class Unanswered(Exception):  # noqa: N818 - no error by itself: a move takes it for an answer
    """No complete answer; `is_sent` says whether the first byte may have left."""

    def __init__(self, code: str, why: str, *, is_sent: bool) -> None:
        super().__init__(why)
        self.code = code
        self.is_sent = is_sent

    def error(self, endpoint: str) -> Unreachable:
        """The error of a read that ended so."""
        return Unreachable(endpoint, code=self.code, message=f"did not answer: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as bytes: `url` absolute, headers complete. `secrets` are those of its body,
    which no message about its answer may repeat."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
