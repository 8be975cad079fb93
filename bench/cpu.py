"""CPU a reading costs in our client, against the official one, in turns on one sandbox.

The sandbox's own time is not counted: it is another process.
"""

import asyncio
from time import process_time

from huaweicloudsdkbss.v2 import BssClient

from bench.clients import our_client
from bench.peer import official_client, read_cash
from bench.provider import running_provider
from bench.row import Row
from bench.size import Size
from budgetd.provider import operations
from budgetd.provider.client import Client

FLEET = 40
TURNS = 10
PACE = 200
# Our client spreads a pace over several pools: each is to have its connection before it counts.
WARM_UP = 60


def measure(size: Size) -> list[Row]:
    """One row."""
    with running_provider(accounts=FLEET) as provider:
        ours_s, peer_s = asyncio.run(_compare(provider.url, size.cpu_reads))
    return [
        Row(
            name="cpu",
            value=f"{ours_s * 1000:.2f} ms a read, {size.cpu_reads} reads",
            against=f"{peer_s * 1000:.2f} ms: the official SDK",
            ratio=ours_s / peer_s,
            most=1.0,
        )
    ]


async def _compare(url: str, reads: int) -> tuple[float, float]:
    """CPU seconds a read, ours and the peer's, in turns so that both meet the same noise."""
    peer = official_client(url)
    turns = min(TURNS, reads)
    async with our_client(url, PACE) as ours:
        members = await ours.read_all(operations.MEMBERS)
        account_id = members[3].id
        await _ours(ours, account_id, min(WARM_UP, reads))
        _peer(peer, account_id, min(WARM_UP, reads))
        ours_s = peer_s = 0.0
        for _ in range(turns):
            ours_s += await _ours(ours, account_id, reads // turns)
            peer_s += _peer(peer, account_id, reads // turns)
    count = reads // turns * turns
    return ours_s / count, peer_s / count


async def _ours(client: Client, account_id: str, reads: int) -> float:
    begun_s = process_time()
    for _ in range(reads):
        await client.read(operations.MEMBER_CASH, sub_customer_id=account_id)
    return process_time() - begun_s


def _peer(client: BssClient, account_id: str, reads: int) -> float:
    begun_s = process_time()
    for _ in range(reads):
        read_cash(client, account_id)
    return process_time() - begun_s
