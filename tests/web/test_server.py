"""The page over real sockets: who may ask, what it answers, how it starts and stops."""

import asyncio
import socket
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.responses import PlainTextResponse

from budgetd.ledger.store import Ledger
from budgetd.service.account import cut_short
from budgetd.web.guard import Guard, hosts_of
from budgetd.web.server import MOST_CONNECTIONS, ListenError, bind, serving

from .conftest import Served, free_port
from .scene import NOW, fleet, seen_of, standing

PATHS = ("/", "/healthz", "/readyz", "/metrics", "/nothing")


async def test_all_that_is_answered_forbids_what_it_does_not_need(
    ledger: Ledger, served: Served
) -> None:
    async with served(seen_of(ledger, fleet(3))) as client:
        for path in PATHS:
            answer = await client.get(path)
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert "script" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
            assert "server" not in answer.headers


async def test_only_reading_is_answered(ledger: Ledger, served: Served) -> None:
    async with served(seen_of(ledger)) as client:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            for path in PATHS:
                answer = await client.request(method, path)
                assert answer.status_code == 405
                assert answer.headers["allow"] == "GET, HEAD"
        head, full = await client.head("/"), await client.get("/")
        assert head.content == b""
        assert head.headers["content-length"] == str(len(full.content))


async def test_a_name_that_is_not_ours_gets_nothing(ledger: Ledger, served: Served) -> None:
    async with served(seen_of(ledger)) as client:
        port = client.base_url.port
        for known in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
            for path in ("/", "/healthz"):
                answer = await client.get(path, headers={"host": f"{known}:{port}"})
                assert answer.status_code == 200
        strange = ("evil.example", "127.0.0.1.evil.example", "localhost", "", "127.0.0.1:1", "::1")
        for name in (
            *strange,
            f"evil.example:{port}",
            f"localhost:{port}@evil",
            f"10.0.0.1:{port}",
        ):
            answer = await client.get("/", headers={"host": name})
            assert answer.status_code == 421, name
            assert "acme" not in answer.text


@pytest.mark.parametrize(
    ("host", "is_known"),
    [("10.1.2.3:9464", True), ("[fd00::1]:9464", True), ("x.example:9464", False), ("10.1.2.3", 0)],
)
def test_on_every_address_any_address_is_ours_and_no_name(host: str, is_known: bool) -> None:
    assert hosts_of("0.0.0.0", 9464).know(host) is bool(is_known)  # noqa: S104 - what is tested
    assert not hosts_of("10.9.9.9", 9464).know(host)


async def test_a_heart_that_does_not_beat_is_not_healthy(ledger: Ledger, served: Served) -> None:
    for beat, status in ((timedelta(seconds=5), 200), (timedelta(minutes=2), 503), (None, 503)):
        async with served(seen_of(ledger, fleet(3)), beat) as client:  # type: ignore[call-arg]  # an option
            assert (await client.get("/healthz")).status_code == status
            assert (await client.get("/readyz")).status_code == status


async def test_who_does_no_work_is_not_ready_and_says_why(ledger: Ledger, served: Served) -> None:
    seen = seen_of(ledger, fleet(3))
    said = seen.standing
    assert said.last
    old = replace(said.last, ended_at=NOW - timedelta(minutes=61)).after(None)
    cut = cut_short("c", NOW, NOW, "the credential is refused").after(old)
    unloaded = replace(said, policies=replace(said.policies, digest=""))
    for changed, words in (
        (said, "ok"),
        (standing(), "no cycle has ended yet"),
        (replace(said, last=old), "no cycle has done its work for 3,660 s"),
        (replace(said, last=cut), "no cycle has done its work for 3,660 s"),
        (replace(said, is_stopping=True), "the daemon is stopping"),
        (unloaded, "no policies are in force"),
    ):
        async with served(replace(seen, standing=changed)) as client:
            answer = await client.get("/readyz")
            assert answer.text.startswith(words)
            assert answer.status_code == (200 if changed is said else 503)


async def test_a_state_file_that_fails_is_a_sentence(ledger: Ledger, served: Served) -> None:
    async with served(seen_of(ledger, fleet(3))) as client:
        ledger.connection.close()
        for path in ("/", "/metrics", "/readyz"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "the state file failed" in answer.text
        assert (await client.get("/healthz")).status_code == 200


async def test_a_port_in_use_is_said_before_anything_starts() -> None:
    listener = bind("127.0.0.1", 0)
    place = ("127.0.0.1", int(listener.getsockname()[1]))
    try:
        with pytest.raises(ListenError, match=rf"web.listen 127.0.0.1:{place[1]}: .* in use"):
            async with serving(PlainTextResponse("x"), place):
                raise AssertionError("it was served")
    finally:
        listener.close()
    assert [task.get_name() for task in asyncio.all_tasks()].count("web") == 0


async def test_it_stops_soon_whatever_its_clients_do() -> None:
    started = asyncio.Event()

    async def slow(scope: object, receive: object, send: object) -> None:
        started.set()
        await asyncio.sleep(60)

    place = ("127.0.0.1", free_port())
    page = Guard(slow, hosts_of(*place))
    async with serving(page, place):
        silent = socket.create_connection(place)
        half = socket.create_connection(place)
        half.sendall(b"GET / HTTP/1.1\r\nHost: ")
        waiting = socket.create_connection(place)
        waiting.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{place[1]}\r\n\r\n".encode())
        await asyncio.wait_for(started.wait(), 5)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    for client in (silent, half, waiting):
        client.close()


async def test_one_connection_too_many_is_refused_and_the_others_are_served(
    ledger: Ledger, served: Served
) -> None:
    async with served(seen_of(ledger)) as client:
        place = ("127.0.0.1", client.base_url.port or 0)
        held = [socket.create_connection(place) for _ in range(MOST_CONNECTIONS + 20)]
        await asyncio.sleep(0.2)
        for connection in held:
            connection.close()
        await asyncio.sleep(0.2)
        assert (await client.get("/healthz")).status_code == 200


async def test_a_head_without_end_is_cut(ledger: Ledger, served: Served) -> None:
    async with served(seen_of(ledger)) as client:
        place = ("127.0.0.1", client.base_url.port or 0)
        reader, writer = await asyncio.open_connection(*place)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        for _ in range(16):
            writer.write(b"y" * 1024)
            await asyncio.sleep(0.002)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
        long = await client.get("/", params={"q": "z" * 8000, "page": "9" * 5000})
        assert long.status_code == 200
