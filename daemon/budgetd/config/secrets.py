"""Secrets, fetched from where the config says they are kept, and held so that they do not show.

It may not log, and no secret stands in an exception or a repr.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from budgetd.config.files import read_file
from budgetd.config.references import Reference
from budgetd.config.schema import Config, Token
from budgetd.core.documents.problem import InvalidCredentials, Problem

LARGEST_SECRET_BYTES = 64 * 1024
_FIELD = "provider.credentials"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccessKey:
    """Keys of the master account; `security_token` is empty unless they are temporary."""

    access_key: str
    secret_key: str
    security_token: str = ""

    def __repr__(self) -> str:
        return "AccessKey(***)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenLogin:
    """A user whose token reads; it never moves."""

    user: str
    password: str
    domain: str
    iam_endpoint: str

    def __repr__(self) -> str:
        return "TokenLogin(***)"


Credentials = AccessKey | TokenLogin


def read_credentials(config: Config, environment: Mapping[str, str] | None = None) -> Credentials:
    """The credentials a config refers to, read now: a rotated secret is seen at the next call.

    `environment` is the process's own where none is given. Raises `InvalidCredentials` with
    every reference that leads nowhere, to nothing, or to padding.
    """
    reader = SecretReader(os.environ if environment is None else environment)
    written = config.provider.credentials
    found: Credentials
    if written.token is not None:
        found = _token_login(reader, written.token)
    else:
        found = AccessKey(
            access_key=reader.read("access_key", written.access_key),
            secret_key=reader.read("secret_key", written.secret_key),
            security_token=reader.read("security_token", written.security_token),
        )
        if len(found.access_key) == 40 and len(found.secret_key) == 20:
            reader.complain("access_key", "access_key and secret_key look swapped")
    if reader.problems:
        raise InvalidCredentials(reader.problems)
    return found


def _token_login(reader: "SecretReader", token: Token) -> TokenLogin:
    return TokenLogin(
        user=reader.read("token.user", token.user),
        password=reader.read("token.password", token.password),
        domain=reader.read("token.domain", token.domain),
        iam_endpoint=token.iam_endpoint,
    )


class SecretReader:
    """Reads references and keeps every problem, under the field they stand in."""

    def __init__(self, environment: Mapping[str, str], field: str = _FIELD) -> None:
        self.environment = environment
        self.field = field
        self.problems: list[Problem] = []

    def complain(self, name: str, message: str) -> None:
        """Keeps a problem of one key; the message quotes no secret."""
        self.problems.append(Problem(path=f"{self.field}.{name}", message=message))

    def read(self, name: str, reference: Reference | str | None) -> str:
        """The text behind a reference; empty where there is none or a problem was kept."""
        if reference is None or isinstance(reference, str):
            return reference or ""
        found = self._fetch(name, reference)
        if found is None:
            return ""
        if not found:
            self.complain(name, f"{reference} is empty")
        elif found != found.strip():
            self.complain(name, f"{reference} has blanks or lines around it")
        elif not (found.isprintable() and found.isascii()):
            self.complain(name, f"{reference} holds characters no key has")
        else:
            return found
        return ""

    def _fetch(self, name: str, reference: Reference) -> str | None:
        match reference.kind:
            case "env":
                if reference.target not in self.environment:
                    self.complain(name, f"{reference}: the variable is not set")
                    return None
                return self.environment[reference.target]
            case "credential":
                home = self.environment.get("CREDENTIALS_DIRECTORY")
                if not home:
                    self.complain(
                        name, f"{reference}: $CREDENTIALS_DIRECTORY is not set (systemd sets it)"
                    )
                    return None
                return self._from_file(name, reference, Path(home) / reference.target)
            case _:
                return self._from_file(name, reference, Path(reference.target))

    def _from_file(self, name: str, reference: Reference, path: Path) -> str | None:
        data = read_file(path, str(path), largest=LARGEST_SECRET_BYTES)
        if isinstance(data, Problem):
            self.complain(name, f"{reference}: {data.message}")
            return None
        try:
            text = data.decode("ascii")
        except UnicodeDecodeError:
            self.complain(name, f"{reference} holds characters no key has")
            return None
        return text.removesuffix("\n").removesuffix("\r")
