"""An enterprise that knows the planted keys: the sandbox behind a shell that repeats secrets.

It owns the shell, the config and the keys on disk. It may not call the product.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from budgetd.sandbox.auth import AccessKey
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import SMALLEST_FLEET, seeded_fleet
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import serve
from budgetd.sandbox.server import create_app

from .hostile import Spoken
from .network import Echoing
from .planting import Planted

CONFIG = """\
enterprise: acme
mode: {mode}
provider:
  endpoint: {endpoint}
  resend: {resend}
  requests_per_second: 1000
  timeout: 2s
  credentials: {{{credentials}}}
state: sqlite:///state/budgetd.db
timezone: UTC
log: {{level: debug, format: {style}}}
"""
KEYS = "access_key: {kind}ak, secret_key: {kind}sk"
POLICY = """\
version: 1
policy: p
rules:
  - name: up
    accounts: {name: [acme_prod_web, acme_prod_db]}
    top_up: {when: {below: 500.00}, to: 2000.00}
  - name: coupons
    accounts: {name: "acme_prod_*"}
    grant_coupons: {when: {below: 500.00}, to: 700.00}
  - name: home
    accounts: {name: acme_idle}
    reclaim: {when: {above: 1000.00}, keep: 200.00}
"""
Meddling = Callable[[httpx.Request], Spoken | None]


class Shell:
    """An app around the sandbox: `meddling` may answer in its place."""

    def __init__(self, inner: ASGIApp, meddling: Meddling = lambda _request: None) -> None:
        self.inner = inner
        self.meddling = meddling

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        request = httpx.Request(
            scope["method"], f"http://sandbox{scope['path']}", headers=scope["headers"]
        )
        said = self.meddling(request)
        if said is None:
            await self.inner(scope, _again(body, receive), send)
            return
        headers = [(name.encode(), value.encode()) for name, value in said.headers.items()]
        length = 0 if said.status == 204 else len(said.body)
        headers.append((b"content-length", str(length).encode()))
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.body[:length]})


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


@dataclass(slots=True)
class Enterprise:
    """The sandbox, its shell, and the folder with config, policy and keys."""

    sandbox: Sandbox
    shell: Shell
    home: Path
    config: Path


def enterprise(home: Path, planted: Planted, token: str = "") -> Enterprise:
    """A small enterprise whose gate takes the planted key."""
    clock = MovableClock()
    book = seeded_fleet(seed=7, start=clock.now(), accounts=SMALLEST_FLEET)
    key = AccessKey(
        ak=planted.access_key,
        sk=planted.secret_key,
        account_id=book.master.id,
        security_token=token or None,
    )
    sandbox = Sandbox(
        book=book,
        clock=clock,
        quota=Quota(QUOTAS, multiplier=0),
        extra_keys={planted.access_key: key},
    )
    return Enterprise(sandbox, Shell(create_app(sandbox)), home, home / "config.yaml")


def furnish(made: Enterprise, planted: Planted, **options: str) -> None:
    """Writes config, policy and keys; `options` are those of the config."""
    for folder in ("policies", "state"):
        (made.home / folder).mkdir(exist_ok=True)
    kind = options.pop("kind", "file:")
    given = {
        "mode": "enforce",
        "endpoint": "http://127.0.0.1",
        "resend": "same_key",
        "style": "json",
        "credentials": KEYS.format(kind=kind),
        **options,
    }
    made.config.write_text(CONFIG.format(**given), "utf-8")
    (made.home / "policies" / "p.yaml").write_text(POLICY, "utf-8")
    for name, value in (
        ("ak", planted.access_key),
        ("sk", planted.secret_key),
        ("password", planted.member_password),
    ):
        (made.home / name).write_text(value, "utf-8")
        (made.home / name).chmod(0o600)


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file that was written below a folder, as bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def meddling(echoing: Echoing, rng: Random, odds: Mapping[str, float]) -> Meddling:
    """Answers a share of the requests of each method with echoes, the others not at all."""

    def meddle(request: httpx.Request) -> Spoken | None:
        echoing.known(request)
        return echoing(request) if rng.random() < odds.get(request.method, 0.0) else None

    return meddle


@contextmanager
def serving(shell: Shell) -> Iterator[str]:
    """The shell over a real socket, in a thread; yields its address."""
    started, ended = threading.Event(), threading.Event()
    address: list[str] = []

    async def run() -> None:
        async with serve(shell) as url:  # type: ignore[arg-type]  # any ASGI app will do
            address.append(url)
            started.set()
            while not ended.is_set():
                await asyncio.sleep(0.005)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        assert started.wait(10)
        yield address[0]
    finally:
        ended.set()
        thread.join(10)
