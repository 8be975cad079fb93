"""Channels as they are used: their addresses and secrets, fetched from where they are kept.

It may not send anything, and no secret stands in an exception or a repr.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from budgetd.config.notify import ChannelSection, Kind, problem_of_url
from budgetd.config.schema import Config
from budgetd.config.secrets import SecretReader
from budgetd.core.documents.problem import InvalidCredentials
from budgetd.core.telling import Event, Message, Severity

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Mailbox:
    """Where mail is handed in, and between whom it goes. Without login `user` is empty."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str
    receivers: tuple[str, ...]

    def __repr__(self) -> str:
        return "Mailbox(***)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Channel:
    """One channel, ready to use. `url` and `secret` are empty where its kind has none."""

    name: str
    kind: Kind
    events: frozenset[Event]
    severity: Severity
    digest: time | None = None
    url: str = ""
    secret: str = ""
    mailbox: Mailbox | None = None

    def __repr__(self) -> str:
        return f"Channel({self.name}, {self.kind})"

    def takes(self, message: Message) -> bool:
        """Whether it tells this message: it is named by it, or takes its event and severity."""
        if message.channels:
            return self.name in message.channels
        if message.event is Event.DIGEST:
            return self.digest is not None
        return message.event in self.events and message.severity.is_at_least(self.severity)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen: its address, and what signs or logs in."""
        login = (self.mailbox.password,) if self.mailbox else ()
        parts = self.url.replace("?", "/").replace("=", "/").split("/")
        tokens = tuple(part for part in parts if len(part) >= 16)
        return tuple(text for text in (self.url, self.secret, *login, *tokens) if text)


def read_channels(
    config: Config, environment: Mapping[str, str] | None = None
) -> tuple[Channel, ...]:
    """The channels of a config, with the secrets they refer to, read now.

    Raises `InvalidCredentials` with every reference that leads nowhere, or to no address.
    """
    found, problems = [], []
    for name, section in config.notify.items():
        reader = SecretReader(
            os.environ if environment is None else environment, field=f"notify.{name}"
        )
        found.append(_channel(name, section, reader))
        problems += reader.problems
    if problems:
        raise InvalidCredentials(problems)
    return tuple(found)


def digest_times(channels: tuple[Channel, ...]) -> dict[time, tuple[str, ...]]:
    """At which times of day a digest is due, and for which channels."""
    due: dict[time, list[str]] = defaultdict(list)
    for channel in channels:
        if channel.digest is not None:
            due[channel.digest].append(channel.name)
    return {at: tuple(names) for at, names in sorted(due.items())}


def _channel(name: str, section: ChannelSection, reader: SecretReader) -> Channel:
    url = reader.read("url", section.url)
    problem = problem_of_url(url) if url else ""
    if problem:
        reader.complain("url", f"{section.url} leads to no address: {problem}")
    return Channel(
        name=name,
        kind=section.kind,
        events=frozenset(section.events),
        severity=section.severity,
        digest=section.digest,
        url=url,
        secret=reader.read("secret", section.secret),
        mailbox=_mailbox(section, reader) if section.kind is Kind.EMAIL else None,
    )


def _mailbox(section: ChannelSection, reader: SecretReader) -> Mailbox:
    assert section.host
    assert section.from_
    assert section.to
    return Mailbox(
        host=section.host,
        port=section.port or _PORTS[section.tls],
        tls=section.tls,
        user=reader.read("user", section.user),
        password=reader.read("password", section.password),
        sender=section.from_,
        receivers=section.to,
    )
