"""What is posted, what comes back, and why a delivery failed. Nouns alone.

No address, token or signature stands in an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """One POST. The address and the headers may hold secrets."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Request(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: its status and the beginning of its body; how long it asks to be left alone."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class DeliveryError(Exception):
    """A message did not arrive. `may_pass` says whether to try again, not before `wait_s`."""

    def __init__(self, reason: str, *, may_pass: bool, wait_s: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_pass = may_pass
        self.wait_s = wait_s
