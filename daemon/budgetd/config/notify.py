"""The section `notify` of the configuration: who is told, by which way, of what.

It may not read secrets, nor send anything; addresses that carry a token are references.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from budgetd.config.references import (
    REFERENCE_HELP,
    Reference,
    SecretReference,
    TextOrReference,
    is_loopback,
    read_reference,
)
from budgetd.core.documents.fields import ClockTime, Document, Whole, complain
from budgetd.core.documents.placing import Written
from budgetd.core.documents.problem import Problem
from budgetd.core.policies.policy import Policy
from budgetd.core.telling import Event, Severity

_REFERENCE = re.compile(r"(credential|file|env):\S")
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252})", re.ASCII)


class Kind(StrEnum):
    """By which way a channel tells."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    FEISHU = "feishu"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class _Keys:
    needed: tuple[str, ...]
    allowed: tuple[str, ...] = ()


_KEYS = {
    Kind.WEBHOOK: _Keys(("url", "secret")),
    Kind.EMAIL: _Keys(("host", "from", "to"), ("port", "tls", "user", "password")),
    Kind.DINGTALK: _Keys(("url",), ("secret",)),
    Kind.WECOM: _Keys(("url",)),
    Kind.FEISHU: _Keys(("url",), ("secret",)),
    Kind.SLACK: _Keys(("url",)),
}
_COMMON = frozenset({"kind", "events", "severity", "digest"})


def problem_of_url(text: str) -> str:
    """What is wrong with an address to post to, in words without the address; empty where it may
    be used."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("https", "http") or not host or not text.isascii():
        return "not a URL"
    if "@" in parts.netloc or parts.fragment or re.search(r"[\s\\]", text):
        return "a login, blanks and fragments have no place in it"
    if parts.scheme == "http" and not is_loopback(host):
        return "http:// is accepted for loopback addresses alone"
    return ""


def _url(value: object, info: ValidationInfo) -> str | Reference:
    if isinstance(value, Reference) or not isinstance(value, str) or _REFERENCE.match(value):
        return read_reference(value, info)
    if info.data.get("kind") != Kind.WEBHOOK:
        raise PydanticCustomError(
            "secret",
            "expected {help}, found '***': the address of a chat carries its token",
            {"help": REFERENCE_HELP},
        )
    problem = problem_of_url(value) or ("a query may carry a token" if "?" in value else "")
    if problem:
        # Not echoed: whoever mistook the form may have put a token into it.
        raise PydanticCustomError(
            "secret",
            "expected a URL like https://hooks.acme.example/budgetd, found '***': {problem}",
            {"problem": problem},
        )
    return value


def _events(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise complain("a list of events", value)
    known = [str(event) for event in Event]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            shown = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise complain("an event like alert_raised", name, shown)
    return tuple(Event(name) for name in names)


def _mailbox(value: object) -> object:
    if not isinstance(value, str) or not _MAILBOX.fullmatch(value):
        raise complain("an address like ops@acme.example", value)
    return value


def _mailboxes(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise complain("a list of addresses", value)
    return tuple(_mailbox(name) for name in names)


def _mail_host(value: object) -> object:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise complain("a host like smtp.acme.example", value)
    return value


def _port(value: int) -> int:
    if not 1 <= value <= 65535:
        raise PydanticCustomError("field", "expected a port from 1 to 65535")
    return value


_TEXT = WithJsonSchema({"type": "string"})
_TEXTS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
)
_EVENTS = WithJsonSchema(
    {"type": "array", "minItems": 1, "items": {"enum": [str(event) for event in Event]}}
)


class ChannelSection(Document):
    """One channel: its way, its address, and of what it tells."""

    kind: Kind = Field(description="webhook, email, dingtalk, wecom, feishu or slack")
    url: Annotated[str | Reference, BeforeValidator(_url), _TEXT] | None = Field(
        None, description=f"where to post; of a chat {REFERENCE_HELP}"
    )
    secret: SecretReference | None = Field(
        None, description=f"signs what is sent (webhook, dingtalk, feishu); {REFERENCE_HELP}"
    )
    host: Annotated[str, BeforeValidator(_mail_host), _TEXT] | None = Field(
        None, description="email: the server that takes the mail"
    )
    port: Annotated[Whole, AfterValidator(_port)] | None = Field(
        None, description="email; 587, with tls 465, with none 25"
    )
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="email; none for loopback addresses alone"
    )
    user: TextOrReference | None = Field(None, description="email: the login, with password")
    password: SecretReference | None = Field(None, description=f"email; {REFERENCE_HELP}")
    from_: Annotated[str, BeforeValidator(_mailbox), _TEXT] | None = Field(
        None, alias="from", description="email: the sender"
    )
    to: Annotated[tuple[str, ...], BeforeValidator(_mailboxes), _TEXTS] | None = Field(
        None, description="email: who gets it"
    )
    events: Annotated[tuple[Event, ...], BeforeValidator(_events), _EVENTS] = Field(
        tuple(Event), description="of what it tells; all"
    )
    severity: Severity = Field(Severity.WARNING, description="at least so loud; warning")
    digest: ClockTime | None = Field(
        None, description="a daily digest at that time of the config's zone; none"
    )


def notify_problems(
    written: Written[Any], channels: Mapping[str, ChannelSection]
) -> Iterator[Problem]:
    """What is wrong with channels across their keys, each at its place."""
    for name, channel in channels.items():
        keys, place = _KEYS[channel.kind], ("notify", name)
        given = {_alias(key) for key in channel.model_fields_set}
        for key in keys.needed:
            if key not in given:
                yield written.problem(
                    place, f"the key '{key}' is missing", hint=f"a channel of kind {channel.kind}"
                )
        for key in sorted(given - {*keys.needed, *keys.allowed, *_COMMON}):
            known = ", ".join((*keys.needed, *keys.allowed, *sorted(_COMMON)))
            yield written.problem(
                (*place, key), f"'{key}' says nothing of a {channel.kind}", hint=f"known: {known}"
            )
        if (channel.user is None) != (channel.password is None):
            yield written.problem(place, "expected user and password, or none of them")
        if channel.tls == "none" and channel.host and not is_loopback(channel.host):
            yield written.problem(
                (*place, "tls"), "a login and names of accounts are not sent in the clear"
            )


def _alias(field: str) -> str:
    return field.removesuffix("_")


def channel_problems(
    written: Written[Policy], channels: Mapping[str, ChannelSection]
) -> Iterator[Problem]:
    """The alerts of a policy that name channels which the configuration does not have."""
    for index, rule in enumerate(written.model.rules):
        names = rule.alert.notify if rule.alert and rule.alert.notify else ()
        for number, name in enumerate(names):
            if name not in channels:
                near = difflib.get_close_matches(name, channels, n=1, cutoff=0.5)
                known = f"known: {', '.join(channels)}" if channels else "the config has none"
                yield written.problem(
                    ("rules", index, "alert", "notify", number),
                    f"no channel '{name}' in `notify` of the config"
                    + (f"; did you mean '{near[0]}'?" if near else ""),
                    hint="" if near else known,
                )
