"""The status page of a running daemon: what is handed to it, and where it is served.

It may not know how the page looks.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from budgetd.config.schema import Listen
from budgetd.ledger.store import Ledger
from budgetd.provider.meter import Meter
from budgetd.provider.operations import OPERATIONS
from budgetd.web.app import app
from budgetd.web.guard import hosts_of
from budgetd.web.seen import Quota, Seen
from budgetd.web.server import serving


@asynccontextmanager
async def page_served(
    listen: Listen, state: Path, look: Callable[[Ledger], Seen], beat: Callable[[], timedelta]
) -> AsyncIterator[None]:
    """Serves the page while the caller runs. `look` is given the page's own connection to the
    state. Raises `ListenError`."""
    past = Ledger(state, may_write=False)
    try:
        hosts = hosts_of(listen.host, listen.port)
        page = app(lambda: look(past), beat, hosts)
        async with serving(page, (listen.host, listen.port)):
            yield
    finally:
        past.close()


def quotas(meter: Meter, requests_per_second: int) -> tuple[Quota, ...]:
    """What has left of each API, beside what may leave in a second."""
    factors = {operation.endpoint: operation.quota_factor for operation in OPERATIONS}
    return tuple(
        Quota(
            api=api,
            calls=calls,
            throttled=meter.throttled[api],
            per_second=int(requests_per_second * factors[api]),
        )
        for api, calls in sorted(meter.calls.items())
        if api in factors
    )
