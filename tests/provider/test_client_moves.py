"""A move is one POST, once; whatever comes back is an answer, and doubt is the default."""

import asyncio
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from budgetd.core.answer import Answer, AnswerClass, Phase
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.provider import operations as ops
from budgetd.provider.client import Client
from budgetd.provider.errors import AuthenticationFailed, MovesNeedAccessKey
from budgetd.provider.iam import TokenLogin
from budgetd.provider.moves import MoveRequest, move_request
from budgetd.provider.signing import AccessKey

from .raw_server import RawServer, Request, Respond, always, answer, dripping, endless

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = AccessKey(id="AKEXAMPLE0001", secret="SK-never-shown", security_token="TOKEN-never-shown")
TRANS_ID = "5f0c2e8e9d1b4d0f8a7c6b5a49382716"
CASH = move_request(
    Direction.ALLOCATE, Unit(account_id="a1", instrument=Instrument.CASH), Decimal(5), TRANS_ID
)
GRANT = move_request(
    Direction.ALLOCATE,
    Unit(account_id="a1", instrument=Instrument.COUPON, part="M1"),
    Decimal(5),
    TRANS_ID,
)
TAKE = move_request(
    Direction.RECLAIM,
    Unit(account_id="a1", instrument=Instrument.COUPON, part="A1"),
    Decimal(5),
    TRANS_ID,
    "M1",
)


def client_of(endpoint: str, **options: Any) -> Client:
    options = {"timeout_s": 5.0, "credentials": KEY} | options
    return Client(
        endpoint=endpoint,
        currency="CNY",
        clock=lambda: NOW,
        requests_per_second=1000,
        backoff_s=0.001,
        **options,
    )


async def send(move: MoveRequest, respond: Respond, **options: Any) -> tuple[Answer, RawServer]:
    async with RawServer(respond) as server, client_of(server.endpoint, **options) as client:
        found = await client.send_move(client.sign_move(move))
    assert "never-shown" not in repr(found)
    return found, server


def error_body(code: str, **more: Any) -> str:
    return json.dumps({"error_code": code, "error_msg": "message", **more})


async def test_204_settles_a_move_of_money() -> None:
    found, server = await send(CASH, always(answer(204, headers={"x-request-id": "r-1"})))
    assert (found.answer_class, found.phase, found.status) == (
        AnswerClass.SETTLED,
        Phase.ANSWERED,
        204,
    )
    assert found.request_id == "r-1"
    assert [one.body for one in server.requests] == [CASH.body]
    assert server.requests[0].headers["connection"] == "close"


async def test_a_grant_of_a_coupon_names_its_child() -> None:
    found, _ = await send(GRANT, always(answer(200, '{"sub_coupon_id":"CP25060112000001A1"}')))
    assert found.answer_class is AnswerClass.SETTLED
    assert found.child_coupon_id == "CP25060112000001A1"


@pytest.mark.parametrize("amount", ['"32.00"', "32", "32.0"])
async def test_a_reclaim_of_a_coupon_books_what_came_home(amount: str) -> None:
    found, _ = await send(TAKE, always(answer(200, f'{{"real_retrieve_amout":{amount}}}')))
    assert found.answer_class is AnswerClass.SETTLED
    assert found.amount == Decimal("32.00")


UNDOCUMENTED = {
    "200 for 204": (CASH, answer(200, "{}")),
    "200 without a body for 204": (CASH, answer(200)),
    "204 that announces a body": (CASH, answer(204, "{}")),
    "201": (CASH, answer(201)),
    "202": (CASH, answer(202)),
    "302": (CASH, answer(302, headers={"location": "/"})),
    "307": (CASH, answer(307, headers={"location": "/"})),
    "204 for 200": (GRANT, answer(204)),
    "206 for 200": (GRANT, answer(206, '{"sub_coupon_id":"A1"}')),
    "html with 200": (GRANT, answer(200, "<html>", content_type="text/html")),
    "no child": (GRANT, answer(200, "{}")),
    "empty child": (GRANT, answer(200, '{"sub_coupon_id":""}')),
    "null child": (GRANT, answer(200, '{"sub_coupon_id":null}')),
    "key twice": (GRANT, answer(200, '{"sub_coupon_id":"A","sub_coupon_id":"B"}')),
    "trailing bytes": (GRANT, answer(200, '{"sub_coupon_id":"A"}x')),
    "no amount": (TAKE, answer(200, "{}")),
    "amount spelt right": (TAKE, answer(200, '{"real_retrieve_amount":"1.00"}')),
    "negative amount": (TAKE, answer(200, '{"real_retrieve_amout":"-1.00"}')),
    "three decimals": (TAKE, answer(200, '{"real_retrieve_amout":"1.001"}')),
    "NaN": (TAKE, answer(200, '{"real_retrieve_amout":NaN}')),
    "an error with 200": (TAKE, answer(200, '{"real_retrieve_amout":"1","error_code":"CBC.0999"}')),
    "known code, other status": (CASH, answer(409, error_body("CBC.0100"))),
    "unknown code": (CASH, answer(400, error_body("CBC.12345"))),
    "400 without a code": (CASH, answer(400, "<html>")),
    "429 that is not the gateway's": (CASH, answer(429, "<html>")),
    "retired code": (CASH, answer(500, error_body("CBC.7001"))),
}


@pytest.mark.parametrize("name", UNDOCUMENTED)
async def test_what_is_not_documented_leaves_doubt_and_is_flagged(name: str) -> None:
    move, reply = UNDOCUMENTED[name]
    found, server = await send(move, always(reply))
    assert found.answer_class is AnswerClass.UNKNOWN
    assert found.phase is Phase.ANSWERED
    assert not found.is_known_pair
    assert (found.amount, found.child_coupon_id) == (None, None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "CBC.0100", AnswerClass.REFUSED),
        (403, "CBC.0151", AnswerClass.REFUSED),
        (404, "APIGW.0101", AnswerClass.REFUSED),
        (404, "", AnswerClass.REFUSED),
        (400, "CBC.99005003", AnswerClass.CONTESTED),
        (400, "CBC.99000043", AnswerClass.CONTESTED),
        (400, "CBC.99007004", AnswerClass.CONTESTED),
        (400, "CBC.99007461", AnswerClass.BUSY),
        (400, "CBC.99007009", AnswerClass.RECEIVED_BEFORE),
        (429, "APIGW.0308", AnswerClass.RETRYABLE),
        (400, "CBC.99000087", AnswerClass.UNKNOWN),
        (500, "CBC.0999", AnswerClass.UNKNOWN),
        (502, "APIGW.0201", AnswerClass.UNKNOWN),
        (503, "", AnswerClass.UNKNOWN),
        (504, "APIGW.0201", AnswerClass.UNKNOWN),
        (408, "", AnswerClass.UNKNOWN),
    ],
)
async def test_each_documented_answer_is_in_its_class(
    status: int, code: str, expected: AnswerClass
) -> None:
    reply = answer(status, error_body(code) if code else "<html>")
    found, server = await send(CASH, always(reply))
    assert (found.answer_class, found.code, found.is_known_pair) == (expected, code, True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("move", [CASH, GRANT, TAKE], ids=lambda one: one.operation.name)
@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 409, 413, 425, 500, 502, 503, 504])
async def test_a_bare_status_refutes_nothing_but_what_no_backend_saw(
    move: MoveRequest, status: int
) -> None:
    found, server = await send(move, always(answer(status, "<html>", content_type="text/html")))
    is_refused = status in (404, 413)
    assert found.answer_class is (AnswerClass.REFUSED if is_refused else AnswerClass.UNKNOWN)
    assert found.is_known_pair is (is_refused or status == 408 or status >= 500)
    assert len(server.requests) == 1


async def test_failed_checks_are_kept_without_stray_blanks() -> None:
    items = ["ADVANCE _PAY_PRI_SUB_MUST_SAME_LEGAL", 7, "X\u202eY"]
    body = error_body("CBC.99007004", fail_check_items=items)
    found, _ = await send(CASH, always(answer(400, body)))
    assert found.fail_check_items == ("ADVANCE_PAY_PRI_SUB_MUST_SAME_LEGAL", "X Y")


LOST = {
    "closed at once": b"",
    "cut in the headers": answer(204)[:20],
    "cut in the body": answer(200, '{"sub_coupon_id":"A1"}')[:-3],
    "not http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "length too large": answer(400, error_body("CBC.0100"), headers={"content-length": "9999"}),
}


@pytest.mark.parametrize("name", LOST)
async def test_bytes_that_left_without_a_complete_answer_leave_doubt(name: str) -> None:
    found, server = await send(GRANT, always(LOST[name], closes=True))
    assert (found.phase, found.answer_class) == (Phase.SENT, AnswerClass.UNKNOWN)
    assert found.code == "TRANSPORT.RESET"
    assert found.is_known_pair
    assert len(server.requests) == 1


async def test_one_byte_at_a_time_meets_the_deadline_in_doubt() -> None:
    began = time.monotonic()
    found, server = await send(CASH, dripping(answer(204), every_s=0.05), timeout_s=0.2)
    assert (found.phase, found.answer_class) == (Phase.SENT, AnswerClass.UNKNOWN)
    assert found.code == "TRANSPORT.READ_TIMEOUT"
    assert len(server.requests) == 1
    assert time.monotonic() - began < 2


async def test_a_body_without_end_leaves_doubt() -> None:
    found, _ = await send(GRANT, endless())
    assert (found.phase, found.answer_class) == (Phase.SENT, AnswerClass.UNKNOWN)


async def test_a_connection_that_never_came_about_moved_nothing() -> None:
    async with RawServer(always(answer(204))) as server:
        endpoint = server.endpoint
    async with client_of(endpoint) as client:
        found = await client.send_move(client.sign_move(CASH))
    assert (found.phase, found.answer_class) == (Phase.NOT_SENT, AnswerClass.RETRYABLE)
    assert found.code == "TRANSPORT.CONNECT"


async def test_a_server_that_speaks_no_tls_was_sent_nothing() -> None:
    async with RawServer(always(answer(204))) as server:
        endpoint = server.endpoint.replace("http://", "https://")
        async with client_of(endpoint) as client:
            found = await client.send_move(client.sign_move(CASH))
    assert (found.phase, found.answer_class) == (Phase.NOT_SENT, AnswerClass.RETRYABLE)
    assert found.code == "TRANSPORT.TLS"


async def test_every_move_has_a_connection_of_its_own() -> None:
    async with RawServer(always(answer(204))) as server, client_of(server.endpoint) as client:
        signed = client.sign_move(CASH)
        for _ in range(3):
            assert (await client.send_move(signed)).answer_class is AnswerClass.SETTLED
        assert server.connections == 3
        assert {one.headers["authorization"] for one in server.requests} == {
            signed.headers["authorization"]
        }


async def test_a_signed_move_can_be_kept_and_shows_no_signature() -> None:
    async with client_of("http://127.0.0.1:1") as client:
        signed = client.sign_move(CASH)
        assert signed == client.sign_move(CASH)
    assert signed.signed_at == NOW
    assert len(signed.body_hash) == 64
    assert signed.headers["authorization"][-64:] not in repr(signed)


async def test_a_cancelled_move_is_not_sent_again() -> None:
    async def never(_: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with RawServer(never) as server, client_of(server.endpoint) as client:
        sending = asyncio.create_task(client.send_move(client.sign_move(CASH)))
        while not server.requests:
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.sleep(0.05)
        assert len(server.requests) == 1


async def test_a_refused_key_stays_refused() -> None:
    reply = answer(401, error_body("APIGW.0301"))
    async with RawServer(always(reply)) as server, client_of(server.endpoint) as client:
        first = await client.send_move(client.sign_move(CASH))
        second = await client.send_move(client.sign_move(CASH))
        with pytest.raises(AuthenticationFailed):
            await client.read(ops.ORGANIZATIONS)
        assert len(server.requests) == 1
    assert (first.phase, first.answer_class) == (Phase.ANSWERED, AnswerClass.REFUSED)
    assert (second.phase, second.answer_class) == (Phase.NOT_SENT, AnswerClass.RETRYABLE)


async def test_moves_need_an_access_key() -> None:
    login = TokenLogin(iam_endpoint="http://127.0.0.1:1", user="u", password="p", domain="d")
    async with client_of("http://127.0.0.1:1", credentials=login) as client:
        with pytest.raises(MovesNeedAccessKey):
            client.sign_move(CASH)


async def test_an_answer_that_echoes_our_signature_is_cleaned() -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        text = f"signature {request.headers['authorization']} token {KEY.security_token}"
        writer.write(answer(401, json.dumps({"error_code": "APIGW.0301", "error_msg": text})))

    found, server = await send(CASH, respond)
    assert server.requests[0].headers["authorization"][-64:] not in repr(found)
    assert KEY.id not in repr(found)
