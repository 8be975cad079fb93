"""A running sandbox and the official client pointed at it."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from huaweicloudsdkbss.v2 import BssClient
from huaweicloudsdkcore.auth.credentials import GlobalCredentials

from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.identity import SANDBOX_DOMAIN, SANDBOX_PASSWORD, SANDBOX_USER
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox


def new_sandbox(**options: object) -> Sandbox:
    """A sandbox on real time (the official client signs with it), with the quota off."""
    clock = MovableClock()
    options.setdefault("quota", Quota(QUOTAS, multiplier=0))
    return Sandbox(book=seeded_fleet(seed=7, start=clock.now()), clock=clock, **options)


def official_client(
    running: RunningSandbox, ak: str = SANDBOX_AK, sk: str = SANDBOX_SK
) -> BssClient:
    """The provider's own client."""
    credentials = GlobalCredentials(ak, sk).with_domain_id(running.sandbox.book.master.id)
    return BssClient.new_builder().with_credentials(credentials).with_endpoint(running.url).build()


@pytest.fixture
def client_of() -> Callable[..., BssClient]:
    """Builds the provider's own client for a running sandbox."""
    return official_client


@pytest.fixture
def started() -> Iterator[Callable[..., RunningSandbox]]:
    """Starts sandboxes with options, and stops them at the end."""
    running: list[RunningSandbox] = []

    def start(**options: object) -> RunningSandbox:
        running.append(RunningSandbox(new_sandbox(**options)).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()


def signed_in(running: RunningSandbox) -> httpx.Client:
    """A plain client with a token, for requests the official client would not make."""
    client = httpx.Client(base_url=running.url, trust_env=False, timeout=10)
    user = {
        "name": SANDBOX_USER,
        "password": SANDBOX_PASSWORD,
        "domain": {"name": SANDBOX_DOMAIN},
    }
    auth = {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"domain": {"name": SANDBOX_DOMAIN}},
    }
    answer = client.post("/v3/auth/tokens", json={"auth": auth})
    assert answer.status_code == 201
    client.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
    return client


@pytest.fixture(scope="module")
def untouched() -> Iterator[tuple[RunningSandbox, httpx.Client]]:
    """One sandbox for all requests of a module that are to change nothing."""
    with RunningSandbox(new_sandbox()) as running:
        client = signed_in(running)
        yield running, client
        client.close()


@pytest.fixture
def plain_of() -> Iterator[Callable[[RunningSandbox], httpx.Client]]:
    """Signs plain clients in, and closes them at the end."""
    clients: list[httpx.Client] = []

    def connect(running: RunningSandbox) -> httpx.Client:
        clients.append(signed_in(running))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def running(started: Callable[..., RunningSandbox]) -> RunningSandbox:
    """One sandbox."""
    return started()


@pytest.fixture
def plain(
    running: RunningSandbox, plain_of: Callable[[RunningSandbox], httpx.Client]
) -> httpx.Client:
    """A plain client of it, signed in."""
    return plain_of(running)
