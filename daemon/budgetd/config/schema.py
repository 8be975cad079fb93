"""The shape of the configuration: every key, its unit, its default.

It may not read files, the environment or secrets: `config` does.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from budgetd.config.limits import LimitsSection, Polling
from budgetd.config.notify import ChannelSection
from budgetd.config.references import (
    REFERENCE_HELP,
    SecretReference,
    TextOrReference,
    against,
    is_loopback,
)
from budgetd.core.decisions.limits import Limits
from budgetd.core.documents.fields import (
    Document,
    Duration,
    Moment,
    Name,
    Version,
    Whole,
    Zone,
    complain,
    from_text,
    later,
)
from budgetd.core.moment import Window, format_duration, parse_duration

_ANY_ZONE = ZoneInfo("UTC")
_NAMED = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"
_ENTERPRISE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}", re.ASCII)


class Switch(StrEnum):
    """The master switch: under `dry_run` nothing ever moves."""

    DRY_RUN = "dry_run"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and a port to listen on."""

    host: str
    port: int


def _endpoint(text: str) -> str:
    if "@" in text:
        raise PydanticCustomError("secret", "an endpoint has no credentials in it ('***')")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    if parts.scheme not in ("https", "http") or not host or not text.isascii():
        raise ValueError("not a URL")
    if parts.path or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("a host alone: no path, no query")
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", host) or text != text.strip():
        raise ValueError("not a URL")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("http:// is accepted for loopback addresses alone")
    return text


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text, re.ASCII):
        raise ValueError("three capital letters")
    return text


def _enterprise(text: str) -> str:
    if not _ENTERPRISE.fullmatch(text):
        raise ValueError("letters, digits, spaces, '.', '_' and '-', at most 63")
    return text


def _listen(text: str) -> Listen:
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port) if re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII) else 0
    except ValueError:
        raise ValueError("an IP address and a port") from None
    if not 1 <= number <= 65535:
        raise ValueError("a port runs from 1 to 65535")
    return Listen(host.removeprefix("[").removesuffix("]"), number)


def _path(expected: str) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> Path:
        if isinstance(value, Path):
            return value
        if not isinstance(value, str) or not value or "\0" in value:
            raise complain(expected, value)
        return against(info, value)

    return BeforeValidator(read)


def _state(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    expected = "a state like sqlite:////var/lib/budgetd/budgetd.db"
    if not isinstance(value, str):
        raise complain(expected, value)
    if re.match(r"postgres(ql)?(\+\w+)?://", value):
        raise PydanticCustomError("secret", "'postgresql://' has no effect yet in this version", {})
    found = re.fullmatch(r"sqlite:///([^?#]+)", value)
    if not found or found[1].endswith("/") or ":memory:" in value:
        raise complain(expected, value, "sqlite:/// and a path; four slashes for an absolute one")
    return against(info, found[1])


def _between(low: timedelta, high: timedelta) -> Callable[[timedelta], timedelta]:
    def judge(value: timedelta) -> timedelta:
        if not low <= value <= high:
            raise PydanticCustomError(
                "field",
                "expected {low} to {high}",
                {"low": format_duration(low), "high": format_duration(high)},
            )
        return value

    return judge


def _rate(value: int) -> int:
    if not 1 <= value <= 1000:
        raise PydanticCustomError("field", "expected 1 to 1000 requests a second")
    return value


def _read_as(
    expected: str, parse: Callable[[str], Any], already: type[Any], example: str, pattern: str
) -> tuple[Any, ...]:
    schema = {"type": "string", "pattern": pattern, "examples": [example], "description": expected}
    return BeforeValidator(from_text(expected, parse, already)), WithJsonSchema(schema)


_PATH_SCHEMA = WithJsonSchema({"type": "string", "unit": "a path, relative to this file"})
_STATE_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^sqlite:///[^?#]+$"})
_URL = "an endpoint like https://bss.myhuaweicloud.com"
_PORT = r"^.+:[1-9][0-9]{0,4}$"
_HOST = r"^https?://[A-Za-z0-9.:\[\]-]+$"
Endpoint = Annotated[
    str, *_read_as(_URL, _endpoint, type(None), "https://bss.myhuaweicloud.com", _HOST)
]
Timeout = Annotated[Duration, AfterValidator(_between(timedelta(seconds=1), timedelta(minutes=5)))]

KeptFor = Annotated[Duration, AfterValidator(_between(timedelta(days=1), timedelta(days=4000)))]


class Token(Document):
    """A user whose token serves reading and dry runs alone."""

    user: TextOrReference = Field(description="the IAM user")
    password: SecretReference = Field(description=REFERENCE_HELP)
    domain: TextOrReference = Field(description="the account name the user belongs to")
    iam_endpoint: Endpoint = Field(description="where tokens are issued")


class ProviderCredentials(Document):
    """Keys (with `security_token` when they are temporary), or a `token`."""

    access_key: SecretReference | None = Field(None, description=REFERENCE_HELP)
    secret_key: SecretReference | None = Field(None, description=REFERENCE_HELP)
    security_token: SecretReference | None = Field(
        None, description="with temporary keys; the same forms"
    )
    token: Token | None = Field(None, description="instead of keys; reading and dry runs alone")

    @model_validator(mode="after")
    def _one_kind(self) -> "ProviderCredentials":
        has_keys = self.access_key is not None and self.secret_key is not None
        has_any_key = self.access_key or self.secret_key or self.security_token
        if (self.token is None and not has_keys) or (self.token is not None and has_any_key):
            raise PydanticCustomError("field", "expected access_key and secret_key, or token alone")
        return self


class Provider(Document):
    """How the provider is spoken to."""

    endpoint: Endpoint = Field(
        "https://bss.myhuaweicloud.com",
        description="http:// for loopback addresses alone; https://bss.myhuaweicloud.com",
    )
    credentials: ProviderCredentials = Field(description="keys, or a token for dry runs alone")
    requests_per_second: Annotated[Whole, AfterValidator(_rate)] = Field(
        10, description="per API, 1 to 1000; stored-value cards get half, balances twice of it; 10"
    )
    resend: Literal["same_key", "never"] = Field(
        "same_key", description="how doubt about a transfer is left; same_key"
    )
    timeout: Timeout = Field(parse_duration("30s"), description="of one request, 1s to 5m; 30s")
    account_credentials: Annotated[None, BeforeValidator(later("account_credentials"))] = None


class WindowSection(Document):
    """A span of local time in which rules may hold; a bare `until` date is included."""

    from_: Moment = Field(alias="from", description="when it begins")
    until: Moment = Field(description="when it ends")

    @model_validator(mode="after")
    def _forward(self) -> "WindowSection":
        if self.from_.first(_ANY_ZONE) >= self.until.after(_ANY_ZONE):
            raise PydanticCustomError("field", "it ends before it begins")
        return self


class ReadingsSection(Document):
    """How long readings are kept: burn, runway and replays rest on them."""

    every: KeptFor = Field(parse_duration("14d"), description="every reading; 14d")
    hourly: KeptFor = Field(parse_duration("90d"), description="the last one of each hour; 90d")
    daily: KeptFor = Field(
        parse_duration("400d"), description="the last one of each day of UTC, then none; 400d"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "ReadingsSection":
        if not self.every <= self.hourly <= self.daily:
            raise PydanticCustomError(
                "field", "expected every to be no longer than hourly, and hourly than daily"
            )
        return self


class Web(Document):
    """The status page and the metrics."""

    listen: Annotated[
        Listen,
        *_read_as("an address like 127.0.0.1:9464", _listen, Listen, "127.0.0.1:9464", _PORT),
    ] = Field(description="an IP address and a port")


class Log(Document):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged; info"
    )
    format: Literal["json", "text"] = Field(
        "json", description="one JSON object a line, or text for people; json"
    )


class Config(Document):
    """The whole configuration; what is left out keeps its default."""

    version: Version = Field(1, description="of this format; 1")
    enterprise: Annotated[
        str, *_read_as("a name like acme", _enterprise, type(None), "acme", _NAMED)
    ] = Field(description="the name in logs, reports, metrics")
    mode: Switch = Field(Switch.DRY_RUN, description="the master switch; dry_run moves nothing")
    provider: Provider = Field(description="how the provider is spoken to")
    currency: Annotated[
        str, *_read_as("a currency like CNY", _currency, type(None), "CNY", "^[A-Z]{3}$")
    ] = Field("CNY", description="readings in another one never act; CNY")
    timezone: Zone = Field(
        ZoneInfo("Asia/Shanghai"), description="of schedules, caps and days; Asia/Shanghai"
    )
    policies: Annotated[Path, _path("a folder like policies/"), _PATH_SCHEMA] = Field(
        "policies/", validate_default=True, description="the folder of policy files; policies/"
    )
    state: Annotated[Path, BeforeValidator(_state), _STATE_SCHEMA] = Field(
        "sqlite:////var/lib/budgetd/budgetd.db",
        validate_default=True,
        description="sqlite:/// and a path; sqlite:////var/lib/budgetd/budgetd.db",
    )
    limits: LimitsSection = Field(
        default_factory=LimitsSection, description="guards on what budgetd may do, on by default"
    )
    polling: Polling = Field(default_factory=Polling, description="how old a reading may be")
    readings: ReadingsSection = Field(
        default_factory=ReadingsSection, description="how long readings are kept"
    )
    reload: Literal["signal", "watch"] = Field(
        "signal", description="new documents come into force at SIGHUP, or as they change; signal"
    )
    web: Web | None = Field(None, description="left out: no page")
    log: Log = Field(default_factory=Log, description="what is logged, and how it looks")
    notify: dict[Name, ChannelSection] = Field({}, description="channels by name; none")
    calendar: (
        Annotated[Path, _path("a file like policies/calendars/cn.yaml"), _PATH_SCHEMA] | None
    ) = Field(None, description="the file of holidays and make-up workdays; none, no business days")
    groups: Annotated[None, BeforeValidator(later("groups"))] = None
    windows: dict[Name, WindowSection] = Field({}, description="spans for `not_during`; none")

    def windows_by_name(self) -> dict[str, Window]:
        """The windows as rules take them."""
        return {
            name: Window(name=name, begins=section.from_, ends=section.until)
            for name, section in self.windows.items()
        }

    def guards(self) -> Limits:
        """The limits as the core takes them."""
        return self.limits.for_core(self.timezone, self.polling)
