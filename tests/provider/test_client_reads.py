"""Reads against a server that misbehaves in every way: one clean error each, in bounded time."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import (
    AccessDenied,
    AuthenticationFailed,
    InvalidRequest,
    MalformedAnswer,
    ProviderError,
    Rejected,
    ServerFault,
    Unmanageable,
    Unreachable,
)
from budgetd.provider.replies import Reply
from budgetd.provider.signing import AccessKey, Unsigned, sign

from .raw_server import RawServer, Request, Respond, always, answer, dripping, endless, in_turn

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = AccessKey(id="AKEXAMPLE0001", secret="SK-never-shown", security_token="TOKEN-never-shown")
CASH = json.dumps(
    {
        "total_count": 1,
        "amount_infos": [{"avail_retrieve_amount": 812.35, "measure_id": 1, "currency": "CNY"}],
    }
)
MEMBER = {"sub_customer_id": "a1"}


def client_of(server: RawServer | str, **options: Any) -> Client:
    options = {"timeout_s": 5.0, "requests_per_second": 1000, "credentials": KEY} | options
    return Client(
        endpoint=server if isinstance(server, str) else server.endpoint,
        currency="CNY",
        clock=lambda: NOW,
        backoff_s=0.001,
        **options,
    )


async def read_cash(respond: Respond, **options: Any) -> tuple[Decimal, RawServer]:
    async with RawServer(respond) as server, client_of(server, **options) as client:
        return await client.read(ops.MEMBER_CASH, **MEMBER), server


async def failing_read(
    respond: Respond, kind: type[ProviderError], **options: Any
) -> tuple[ProviderError, RawServer]:
    async with RawServer(respond) as server, client_of(server, **options) as client:
        with pytest.raises(ProviderError) as caught:
            await client.read(ops.MEMBER_CASH, **MEMBER)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert "never-shown" not in str(caught.value) + repr(caught.value)
    return caught.value, server


async def test_what_is_sent_is_what_is_signed() -> None:
    async with RawServer(always(answer(200, CASH))) as server, client_of(server) as client:
        await client.read(ops.MEMBER_CASH, sub_customer_id="研发 a+b/c~d*%41")
    sent = server.requests[0]
    path = "/v2/enterprises/multi-accounts/retrieve-amount"
    query = (("balance_type", "BALANCE_TYPE_DEBIT"), ("sub_customer_id", "研发 a+b/c~d*%41"))
    expected = sign(
        KEY,
        Unsigned(
            method="GET",
            host=sent.headers["host"],
            path=path,
            query=query,
            headers={"content-type": "application/json"},
        ),
        at=NOW,
    )
    assert {name: sent.headers[name] for name in expected} == expected
    assert sent.target == (
        f"{path}?balance_type=BALANCE_TYPE_DEBIT"
        "&sub_customer_id=%E7%A0%94%E5%8F%91%20a%2Bb%2Fc~d%2A%2541"
    )
    assert sent.headers["accept-encoding"] == "identity"


async def test_a_good_answer_is_a_value_and_tells_the_clock() -> None:
    reply = answer(200, CASH, headers={"date": "Fri, 02 Jan 2026 03:05:05 GMT"})
    async with RawServer(always(reply)) as server, client_of(server) as client:
        assert client.skew_s is None
        assert await client.read(ops.MEMBER_CASH, **MEMBER) == Decimal("812.35")
        assert client.skew_s == 60


@pytest.mark.parametrize("date", ["absent", "yesterday", "Fri, 99 Jan 2026 03:05:05 GMT"])
async def test_without_a_date_the_skew_is_unknown(date: str) -> None:
    reply = answer(200, CASH, headers={"date": date})
    async with RawServer(always(reply)) as server, client_of(server) as client:
        await client.read(ops.MEMBER_CASH, **MEMBER)
        assert client.skew_s is None


GOOD = answer(200, CASH)
MALFORMED = {
    "html with 200": answer(200, "<html>Sign in</html>", content_type="text/html"),
    "json called html": answer(200, CASH, content_type="text/html"),
    "no content type": answer(200, CASH, content_type=None),
    "html called json": answer(200, "<html>Sign in</html>"),
    "200 without a body": answer(200),
    "204 for 200": answer(204),
    "201 for 200": answer(201, CASH),
    "202 for 200": answer(202, CASH),
    "206 for 200": answer(206, CASH),
    "redirect": answer(302, headers={"location": "http://127.0.0.1:1/"}),
    "permanent redirect": answer(308, headers={"location": "/elsewhere"}),
    "gzip not asked for": answer(
        200, gzip.compress(CASH.encode()), headers={"content-encoding": "gzip"}
    ),
    "encoding named without being one": answer(200, CASH, headers={"content-encoding": "br"}),
    "key twice": answer(200, '{"total_count":1,"total_count":1}'),
    "40 levels": answer(200, "[" * 40 + "]" * 40),
    "trailing bytes": answer(200, CASH + "x"),
    "lone surrogate": answer(200, '{"a":"\\ud800"}'),
    "not utf-8": answer(200, b'{"a":"\xff"}'),
    "a list": answer(200, "[]"),
    "NaN": answer(200, CASH.replace("812.35", "NaN")),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_an_undocumented_answer_is_an_error_and_is_not_repeated(name: str) -> None:
    error, server = await failing_read(always(MALFORMED[name]), MalformedAnswer)
    assert len(server.requests) == 1
    assert "retrieve-amount answered" in str(error)


async def test_an_interim_answer_is_passed_over() -> None:
    value, _ = await read_cash(always(b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD))
    assert value == Decimal("812.35")


CUT_SHORT = {
    "early close": answer(200, CASH)[:-5],
    "close in the headers": answer(200, CASH)[:30],
    "close at once": b"",
    "content-length too large": answer(200, CASH, headers={"content-length": "4000"}),
    "not http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "two lengths": answer(200, CASH, headers={"content-length": "5, 9"}),
    "bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("name", CUT_SHORT)
async def test_an_incomplete_answer_is_repeated_three_times(name: str) -> None:
    error, server = await failing_read(always(CUT_SHORT[name], closes=True), Unreachable)
    assert len(server.requests) == 3
    assert str(error).endswith("3 times")


async def test_a_body_above_4_mib_is_not_read() -> None:
    error, _ = await failing_read(endless(), Unreachable)
    assert "4 MiB" in str(error)


async def test_one_byte_at_a_time_meets_the_deadline() -> None:
    began = time.monotonic()
    error, server = await failing_read(dripping(GOOD, every_s=0.03), Unreachable, timeout_s=0.15)
    assert "no complete answer in 0.15 s" in str(error)
    assert len(server.requests) == 3
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("status", "code", "kind", "calls"),
    [
        (400, "CBC.0100", Rejected, 1),
        (400, "CBC.99000086", Unmanageable, 1),
        (400, "CBC.99000047", Unmanageable, 1),
        (401, "APIGW.0301", AuthenticationFailed, 1),
        (403, "CBC.0151", AccessDenied, 1),
        (403, "CBC.0154", AuthenticationFailed, 1),
        (404, "APIGW.0101", Rejected, 1),
        (408, "", Rejected, 1),
        (409, "", Rejected, 1),
        (413, "APIGW.0201", Rejected, 1),
        (500, "CBC.0999", ServerFault, 3),
        (502, "APIGW.0201", ServerFault, 3),
        (503, "", ServerFault, 3),
        (504, "APIGW.0201", ServerFault, 3),
    ],
)
async def test_each_status_is_its_error_and_only_faults_are_repeated(
    status: int, code: str, kind: type[ProviderError], calls: int
) -> None:
    body = json.dumps({"error_code": code, "error_msg": "other error"}) if code else "<html>"
    reply = answer(status, body, headers={"x-request-id": "abc-123"})
    error, server = await failing_read(always(reply), kind)
    assert (error.status, error.code, error.request_id) == (status, code, "abc-123")
    assert len(server.requests) == calls
    if code == "CBC.0999":
        assert str(error) == (
            "GET /v2/enterprises/multi-accounts/retrieve-amount answered 500 CBC.0999 "
            "(other error), 3 times"
        )


async def test_a_throttled_read_waits_and_succeeds() -> None:
    body = '{"error_code":"APIGW.0308","error_msg":"limit","request_id":"r1"}'
    throttled = answer(429, body, headers={"retry-after": "0"})
    value, server = await read_cash(in_turn(throttled, throttled, GOOD))
    assert value == Decimal("812.35")
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("retry_after", "expected_s"),
    [
        ("-5", None),
        ("soon", None),
        ("Fri, 02 Jan 1970 00:00:00 GMT", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("0", 0),
        ("7", 7),
        ("9" * 5000, 60),
    ],
)
def test_retry_after_is_plain_seconds_and_a_minute_at_most(
    retry_after: str, expected_s: int | None
) -> None:
    reply = Reply(status=429, headers={"retry-after": retry_after}, body=b"")
    assert reply.retry_after_s == expected_s


async def test_after_one_401_nothing_more_is_called() -> None:
    body = '{"error_code":"APIGW.0301","error_msg":"verify aksk signature fail"}'
    async with RawServer(always(answer(401, body))) as server, client_of(server) as client:
        results = await asyncio.gather(
            *(client.read(ops.MEMBER_CASH, **MEMBER) for _ in range(20)), return_exceptions=True
        )
        assert {type(one) for one in results} == {AuthenticationFailed}
        assert len(server.requests) == 1
        with pytest.raises(AuthenticationFailed, match="again after a reload or a new start"):
            await client.read(ops.ORGANIZATIONS)
        assert len(server.requests) == 1


async def test_no_secret_that_an_error_echoes_is_shown() -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        sent = request.headers["authorization"]
        message = (
            f"verify aksk signature fail, canonicalRequest:GET|/v2|host:h|{sent}|"
            f"{sent[-64:]} ak:{KEY.id},x-security-token:{KEY.security_token} \u202e\x00\n\x1b[31m"
        )
        writer.write(answer(400, json.dumps({"error_code": "CBC.0100", "error_msg": message})))

    error, server = await failing_read(respond, Rejected)
    shown = str(error) + repr(error) + str(vars(error))
    assert "verify aksk signature fail" in shown
    for secret in (KEY.id, KEY.security_token, server.requests[0].headers["authorization"][-64:]):
        assert secret not in shown
    assert all(ord(one) >= 32 for one in str(error))
    assert "\u202e" not in str(error)


async def test_an_older_success_code_is_success_and_another_is_not() -> None:
    good = json.dumps({**json.loads(CASH), "error_code": "CBC.0000"})
    assert (await read_cash(always(answer(200, good))))[0] == Decimal("812.35")
    bad = json.dumps({**json.loads(CASH), "error_code": "CBC.0999"})
    error, _ = await failing_read(always(answer(200, bad)), Rejected)
    assert error.code == "CBC.0999"


async def test_cookies_are_neither_kept_nor_sent() -> None:
    reply = answer(200, CASH, headers={"set-cookie": "session=1; Path=/"})
    async with RawServer(always(reply)) as server, client_of(server) as client:
        for _ in range(2):
            await client.read(ops.MEMBER_CASH, **MEMBER)
    assert all("cookie" not in one.headers for one in server.requests)


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await read_cash(always(GOOD)))[0] == Decimal("812.35")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://bss.myhuaweicloud.com",
        "https://user:pass@bss.myhuaweicloud.com",
        "https://bss.myhuaweicloud.com/v2",
        "https://bss.myhuaweicloud.com?x=1",
        "https://bss.myhuaweicloud.com#x",
        "ftp://127.0.0.1",
        "127.0.0.1",
        "https://",
        "https://a b",
        "http://127.0.0.1.evil.example",
        "https://h:99999",
        "",
    ],
)
def test_an_endpoint_that_is_not_one_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidRequest, match="the endpoint") as caught:
        client_of(endpoint)
    assert "pass" not in str(caught.value).replace("path", "")


@pytest.mark.parametrize("operation", ops.OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 409, 413, 500, 502, 503, 504])
async def test_every_endpoint_turns_every_status_into_an_error(
    operation: ops.Operation[Any], status: int, example_of: Callable[[str], dict[str, Any]]
) -> None:
    if operation.role is ops.Role.MOVE:
        return
    async with RawServer(always(answer(status, "{}"))) as server, client_of(server) as client:
        call = client.read if operation.role is ops.Role.READ else client.create
        with pytest.raises(ProviderError) as caught:
            await call(operation, **example_of(operation.name))
    assert caught.value.endpoint == operation.endpoint
    assert len(server.requests) == (3 if status >= 500 and call == client.read else 1)


async def test_what_creates_is_sent_once() -> None:
    async with RawServer(always(b"", closes=True)) as server, client_of(server) as client:
        with pytest.raises(Unreachable):
            await client.create(ops.PROJECT_AUTHORITY)
        assert [one.body for one in server.requests] == [b""]
    async with RawServer(always(answer(204))) as server, client_of(server) as client:
        await client.create(ops.PROJECT_AUTHORITY)
        with pytest.raises(InvalidRequest, match="is a create"):
            await client.read(ops.PROJECT_AUTHORITY)


async def test_failed_checks_of_a_creation_are_named() -> None:
    body = {
        "error_code": "CBC.99007004",
        "error_msg": "checks",
        "fail_check_items": ["NOT_OPEN_PROJECT_GROUP"],
    }
    reply = always(answer(400, json.dumps(body)))
    async with RawServer(reply) as server, client_of(server) as client:
        with pytest.raises(Rejected, match="NOT_OPEN_PROJECT_GROUP"):
            await client.create(ops.PROJECT_AUTHORITY)


async def test_nothing_is_written_to_standard_output_and_no_address_is_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await read_cash(in_turn(answer(503, "<html>"), GOOD))
    written = capsys.readouterr()
    assert written.out + written.err == ""
    assert "sub_customer_id" not in caplog.text
    assert [one.name for one in caplog.records] == ["budgetd.provider"]
