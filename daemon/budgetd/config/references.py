"""References: where a secret is kept, as the config says it in place of the secret.

It may not read what they lead to: `secrets` does.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from budgetd.core.documents.fields import complain

REFERENCE_HELP = "credential:NAME, file:PATH or env:NAME"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is kept: `kind` is credential, file (an absolute path) or env."""

    kind: str
    target: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}"


def read_reference(value: object, info: ValidationInfo) -> Reference:
    """The reference a text means; a literal secret is refused and not echoed."""
    if isinstance(value, Reference):
        return value
    if not isinstance(value, str):
        raise complain(REFERENCE_HELP, value)
    kind, _, target = value.partition(":")
    is_known = kind in ("credential", "file", "env")
    if not is_known or not target or (kind != "file" and not _NAME.fullmatch(target)):
        raise PydanticCustomError(
            "secret",
            "expected {help}, found '***': a literal secret in this file is refused",
            {"help": REFERENCE_HELP},
        )
    return Reference(kind, str(against(info, target)) if kind == "file" else target)


def _text_or_reference(value: object, info: ValidationInfo) -> str | Reference:
    if isinstance(value, str) and not re.match(r"(credential|file|env):", value):
        if not value.strip():
            raise complain("a name", value)
        return value
    return read_reference(value, info)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def against(info: ValidationInfo, text: str) -> Path:
    """A path of the config, against the folder the config lies in."""
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / text


_REFERENCE_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": "^(credential|file|env):.+$",
        "examples": ["credential:ak"],
        "description": f"{REFERENCE_HELP}; a literal secret is refused",
    }
)
SecretReference = Annotated[Reference, BeforeValidator(read_reference), _REFERENCE_SCHEMA]
TextOrReference = Annotated[
    str | Reference, BeforeValidator(_text_or_reference), WithJsonSchema({"type": "string"})
]
