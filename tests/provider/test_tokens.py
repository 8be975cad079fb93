"""A login gets a token, keeps it for a day, and replaces it once when it is refused."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import AuthenticationFailed, MalformedAnswer, ProviderError
from budgetd.provider.iam import TokenLogin

from .raw_server import RawServer, Request, answer
from .test_client_reads import CASH, MEMBER


class Provider:
    """IAM and the provider on one port; only the newest token is good."""

    def __init__(self) -> None:
        self.issued = 0
        self.valid = ""
        self.login_reply: bytes | None = None
        self.refusal = json.dumps(
            {"error_code": "APIGW.0307", "error_msg": "token must be updated"}
        )
        self.refusal_status = 401

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.line.startswith("POST /v3/auth/tokens"):
            self.issued += 1
            self.valid = f"token-{self.issued}-never-shown"
            reply = answer(201, "{}", headers={"x-subject-token": self.valid})
            writer.write(self.login_reply or reply)
        elif request.headers.get("x-auth-token") == self.valid:
            writer.write(answer(200, CASH))
        else:
            writer.write(answer(self.refusal_status, self.refusal))


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def client_of(server: RawServer, clock: Clock) -> Client:
    return Client(
        endpoint=server.endpoint,
        credentials=TokenLogin(
            iam_endpoint=server.endpoint, user="reader", password="pw-never-shown", domain="acme"
        ),
        currency="CNY",
        clock=clock,
        requests_per_second=1000,
        backoff_s=0.001,
    )


async def test_one_token_serves_many_calls_and_is_replaced_within_the_day() -> None:
    provider, clock = Provider(), Clock()
    async with RawServer(provider.respond) as server, client_of(server, clock) as client:
        await asyncio.gather(*(client.read(ops.MEMBER_CASH, **MEMBER) for _ in range(5)))
        assert provider.issued == 1
        clock.now += timedelta(hours=22, minutes=59)
        await client.read(ops.MEMBER_CASH, **MEMBER)
        assert provider.issued == 1
        clock.now += timedelta(minutes=2)
        await client.read(ops.MEMBER_CASH, **MEMBER)
        assert provider.issued == 2
    asked = json.loads(server.requests[0].body)["auth"]
    assert asked["scope"] == {"domain": {"name": "acme"}}
    assert asked["identity"]["methods"] == ["password"]
    user = {"name": "reader", "password": "pw-never-shown", "domain": {"name": "acme"}}
    assert asked["identity"]["password"]["user"] == user
    assert all("authorization" not in one.headers for one in server.requests)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error_code": "APIGW.0307", "error_msg": "The token must be updated."}),
        (403, {"error_code": "CBC.0154", "error_msg": "token expired"}),
        (401, {"error_code": "CBC.0154", "error_msg": "token authentication failed"}),
    ],
)
async def test_a_token_that_is_no_longer_taken_is_replaced_once(
    status: int, body: dict[str, Any]
) -> None:
    provider = Provider()
    provider.refusal_status, provider.refusal = status, json.dumps(body)
    async with RawServer(provider.respond) as server, client_of(server, Clock()) as client:
        await client.read(ops.MEMBER_CASH, **MEMBER)
        provider.valid = "another"
        assert await client.read(ops.MEMBER_CASH, **MEMBER) == Decimal("812.35")
        assert provider.issued == 2


async def test_a_token_that_is_refused_for_another_reason_stops_all_calls() -> None:
    provider = Provider()
    provider.refusal = json.dumps({"error_code": "APIGW.0301", "error_msg": "decrypt token fail"})
    async with RawServer(provider.respond) as server, client_of(server, Clock()) as client:
        await client.read(ops.MEMBER_CASH, **MEMBER)
        provider.valid = "another"
        for _ in range(3):
            with pytest.raises(AuthenticationFailed):
                await client.read(ops.MEMBER_CASH, **MEMBER)
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(401, '{"error":{"message":"wrong password","code":401}}'), AuthenticationFailed),
        (answer(201, "{}"), MalformedAnswer),
        (answer(200, "{}", headers={"x-subject-token": "t"}), MalformedAnswer),
    ],
)
async def test_a_login_that_fails_is_an_error_without_secrets(
    reply: bytes, kind: type[ProviderError]
) -> None:
    provider = Provider()
    provider.login_reply = reply
    async with RawServer(provider.respond) as server, client_of(server, Clock()) as client:
        with pytest.raises(kind) as caught:
            await client.read(ops.MEMBER_CASH, **MEMBER)
        assert len(server.requests) == 1
    assert "never-shown" not in str(caught.value) + repr(caught.value)
    assert "POST /v3/auth/tokens" in str(caught.value)


def test_a_login_does_not_show_its_password() -> None:
    login = TokenLogin(iam_endpoint="https://h", user="u", password="pw-never-shown", domain="d")
    assert "never-shown" not in repr(login)
