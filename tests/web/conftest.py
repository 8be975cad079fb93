"""A page served over a real socket, and a ledger to look at."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from budgetd.ledger.store import Ledger
from budgetd.web.app import app
from budgetd.web.guard import hosts_of
from budgetd.web.seen import Seen
from budgetd.web.server import bind, serving

from .scene import filled, fleet

Served = Callable[[Seen], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """The past of a fleet of 40."""
    filled(tmp_path / "budgetd.db", fleet(40)).close()
    opened = Ledger(tmp_path / "budgetd.db", may_write=False)
    yield opened
    opened.close()


@pytest.fixture
def served() -> Served:
    """Serves one look, for ever the same, with a scheduler whose heart beats."""

    @asynccontextmanager
    async def serve(
        seen: Seen, beat: timedelta | None = timedelta(seconds=1)
    ) -> AsyncIterator[httpx.AsyncClient]:
        port = free_port()
        page = app(lambda: seen, lambda: beat, hosts_of("127.0.0.1", port))
        async with (
            serving(page, ("127.0.0.1", port)),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            yield client

    return serve


def free_port() -> int:
    """A port that nobody listens on."""
    listener = bind("127.0.0.1", 0)
    port = int(listener.getsockname()[1])
    listener.close()
    return port
