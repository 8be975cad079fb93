"""Every fault, over a real socket: what the caller meets, and whether the money moved."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from budgetd.sandbox.clock import real_time
from budgetd.sandbox.faults import MILLION, FaultKind, FaultOrder, FaultPlan
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox, bind, serve
from budgetd.sandbox.server import ConnectionCut, create_app

MOVE = "/v2/enterprises/multi-accounts/transfer-amount"
READ = "/v2/enterprises/multi-accounts/retrieve-amount"
Plain = Callable[[RunningSandbox], httpx.Client]
Start = Callable[..., RunningSandbox]


def order(running: RunningSandbox, kind: FaultKind, **more: object) -> None:
    running.sandbox.faults.order(FaultOrder(kind=kind, **more))


def move(running: RunningSandbox, plain: httpx.Client, key: str = "k") -> httpx.Response:
    member = next(iter(running.sandbox.book.accounts))
    body = {"customer_id": member, "amount": "1.00", "trans_id": key}
    return plain.post(MOVE, json=body)


@pytest.mark.parametrize(
    ("kind", "told", "moved"),
    [
        (FaultKind.ERROR_500_BEFORE, (500, "CBC.0999"), 0),
        (FaultKind.ERROR_500_AFTER, (500, "CBC.0999"), 1),
        (FaultKind.TIMEOUT_504_BEFORE, (504, "APIGW.0201"), 0),
        (FaultKind.TIMEOUT_504_AFTER, (504, "APIGW.0201"), 1),
        (FaultKind.THROTTLED, (429, "APIGW.0308"), 0),
    ],
)
def test_an_error_answer_tells_nothing_of_the_money(
    kind: FaultKind, told: tuple[int, str], moved: int, started: Start, plain_of: Plain
) -> None:
    running = started()
    plain = plain_of(running)
    order(running, kind)
    answer = move(running, plain)
    assert (answer.status_code, answer.json()["error_code"]) == told
    assert len(running.sandbox.book.moves) == moved
    again = move(running, plain)
    assert again.status_code == (400 if moved else 204)
    assert len(running.sandbox.book.moves) == 1


@pytest.mark.parametrize(("kind", "moved"), [(FaultKind.LOST_BEFORE, 0), (FaultKind.LOST_AFTER, 1)])
def test_a_lost_answer_is_a_cut_connection(
    kind: FaultKind, moved: int, started: Start, plain_of: Plain
) -> None:
    running = started()
    plain = plain_of(running)
    order(running, kind, method="POST")
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        move(running, plain)
    assert len(running.sandbox.book.moves) == moved
    assert running.sandbox.seen[-1].status == 0
    assert move(running, plain, "other").status_code == 204


def test_a_slow_move_is_done_at_once_and_told_late(started: Start, plain_of: Plain) -> None:
    running = started(slow_s=0.6)
    slow, other = plain_of(running), plain_of(running)
    order(running, FaultKind.SLOW, contains="late")
    slow.timeout = httpx.Timeout(0.15)
    with pytest.raises(httpx.ReadTimeout):
        move(running, slow, "late")
    assert len(running.sandbox.book.moves) == 1
    assert move(running, other, "next").json()["error_code"] == "CBC.99007461"
    running.sandbox.clock.advance(timedelta(seconds=1))
    assert move(running, other, "next").status_code == 204


def test_a_stale_read_shows_what_was_before_the_move(started: Start, plain_of: Plain) -> None:
    running = started()
    plain = plain_of(running)
    member = next(iter(running.sandbox.book.accounts))
    query = {"sub_customer_id": member, "balance_type": "BALANCE_TYPE_DEBIT"}
    move(running, plain)
    order(running, FaultKind.STALE_READ, path="retrieve-amount")
    told = [
        plain.get(READ, params=query).json()["amount_infos"][0]["avail_retrieve_amount"]
        for _ in range(2)
    ]
    assert told == [10.00, 11.00]


def test_a_malformed_answer_is_no_json(started: Start, plain_of: Plain) -> None:
    running = started()
    plain = plain_of(running)
    order(running, FaultKind.MALFORMED)
    answer = move(running, plain)
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")
    assert len(running.sandbox.book.moves) == 1


def test_an_order_takes_its_nth_match_and_as_many_as_it_says() -> None:
    plan = FaultPlan()
    plan.order(FaultOrder(kind=FaultKind.SLOW, method="POST", path="/b", nth=2, times=2))
    met = [plan.choose(m, p) for m, p in (("GET", "/b"), ("POST", "/c"), *[("POST", "/a/b")] * 5)]
    assert met == [None, None, None, FaultKind.SLOW, FaultKind.SLOW, None, None]
    assert plan.orders == []


def test_the_dice_fall_the_same_for_the_same_seed_and_at_their_rate() -> None:
    def rolls(seed: int) -> list[FaultKind | None]:
        rates = {FaultKind.LOST_AFTER: 200_000, FaultKind.STALE_READ: 100_000}
        plan = FaultPlan(rates=rates, seed=seed)
        return [plan.choose("POST", "/x") for _ in range(5_000)]

    assert rolls(1) == rolls(1) != rolls(2)
    assert 900 < rolls(1).count(FaultKind.LOST_AFTER) < 1100
    assert FaultKind.STALE_READ not in rolls(1)
    certain = FaultPlan(rates={FaultKind.THROTTLED: MILLION})
    assert certain.choose("GET", "/x") is FaultKind.THROTTLED
    certain.clear()
    assert certain.choose("GET", "/x") is None


async def test_without_a_connection_a_lost_answer_is_an_exception() -> None:
    sandbox = Sandbox(book=seeded_fleet(seed=1, start=real_time()))
    sandbox.faults.order(FaultOrder(kind=FaultKind.LOST_BEFORE))
    token = sandbox.gate.issue_token(
        sandbox.book.master.id, sandbox.clock.now(), is_domain_scoped=True
    )
    transport = httpx.ASGITransport(app=create_app(sandbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        with pytest.raises(ConnectionCut):
            await client.get("/v2/accounts/customer-accounts/balances", headers=_token(token))


def _token(token: str) -> dict[str, str]:
    return {"X-Auth-Token": token}


async def test_a_thousand_calls_at_a_second_of_latency_take_about_a_second() -> None:
    quota = Quota(QUOTAS, multiplier=0)
    sandbox = Sandbox(
        book=seeded_fleet(seed=1, start=real_time(), accounts=1000), latency_s=1.0, quota=quota
    )
    token = sandbox.gate.issue_token(
        sandbox.book.master.id, sandbox.clock.now(), is_domain_scoped=True
    )
    async with serve(create_app(sandbox)) as url:
        began = time.monotonic()
        answers = await asyncio.gather(*(_raw(url, token, a) for a in sandbox.book.accounts))
        took_s = time.monotonic() - began
    assert set(answers) == {b"HTTP/1.1 200", b"HTTP/1.1 400"}
    assert 1 <= took_s < 15


async def _raw(url: str, token: str, account_id: str) -> bytes:
    """One read on a connection of its own: a client's pool would be measured otherwise."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = f"{READ}?sub_customer_id={account_id}&balance_type=BALANCE_TYPE_DEBIT"
    lines = (f"GET {path} HTTP/1.1", "Host: x", f"X-Auth-Token: {token}", "Connection: close")
    writer.write("\r\n".join((*lines, "", "")).encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer[:12]


def test_nothing_but_loopback_is_bound() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        bind("0.0.0.0", 0)  # noqa: S104 - the address that must be refused
