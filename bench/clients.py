"""Our client towards a sandbox, as the product opens it. It may not measure anything."""

from datetime import timedelta
from fractions import Fraction

from budgetd.clock import now
from budgetd.observe import Observer
from budgetd.provider.client import Client
from budgetd.provider.signing import AccessKey
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK


def our_client(url: str, requests_per_second: Fraction | int) -> Client:
    """A client with the sandbox's keys, at that pace."""
    return Client(
        endpoint=url,
        credentials=AccessKey(id=SANDBOX_AK, secret=SANDBOX_SK),
        currency="CNY",
        clock=now,
        requests_per_second=requests_per_second,
    )


def observer_of(client: Client) -> Observer:
    """An observer to whom no reading is too old."""
    return Observer(client=client, clock=now, max_staleness=timedelta(hours=1))
