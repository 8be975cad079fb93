"""How long the reading of a whole fleet takes, against what the quota alone would take.

And how long the provider's own client takes for the same readings, one call after another. It
may not be faster than the quota: calls beyond it are counted at the provider, as faults.
"""

import asyncio
from time import perf_counter, sleep

from bench.clients import observer_of, our_client
from bench.provider import Provider, running_provider
from bench.row import Row
from bench.rules import CASH, COUPONS, policies, settings_of
from bench.size import Size
from budgetd.clock import now
from budgetd.core.decisions.needs import needs
from budgetd.core.intent import Instrument
from budgetd.core.observation import Observation, Unknown
from budgetd.cycle import blank_observation

QUOTA = 10
WINDOW_S = 1.1
PEER_MOST = 0.25


def measure(size: Size) -> list[Row]:
    """Both: ours against the floor, and against the official client."""
    accounts, latency_s = size.sweep_accounts, size.latency_s
    with running_provider(accounts=accounts, latency_s=latency_s, has_quota=True) as provider:
        taken_s, observation = asyncio.run(_sweep(provider.url))
        seen = provider.arrivals()
        peer_s = _peer_seconds_a_read(provider, observation, size.peer_reads)
    floor_s = accounts / QUOTA + 2 * latency_s
    reads = sum(len(found) for found in _instruments(observation).values())
    return [
        Row(
            name="sweep",
            value=f"{taken_s:.1f} s, {accounts} accounts, {reads} readings",
            against=f"{floor_s:.0f} s: {QUOTA} calls a second, 2 answers of {latency_s:g} s",
            ratio=taken_s / floor_s,
            most=size.sweep_most,
            faults=(
                ("answers 429", seen.throttled),
                ("calls too many in one second", max(0, seen.busiest_second - QUOTA)),
                ("accounts missing", abs(accounts - len(observation.accounts))),
                ("accounts unread", _unread(observation)),
            ),
        ),
        Row(
            name="sweep_sdk",
            value=f"{taken_s:.1f} s",
            against=f"{peer_s * reads:.0f} s: the official SDK, from {size.peer_reads} reads",
            ratio=taken_s / (peer_s * reads),
            most=PEER_MOST,
        ),
    ]


async def _sweep(url: str) -> tuple[float, Observation]:
    settings = settings_of(policies(CASH, COUPONS))
    begun_s = perf_counter()
    async with our_client(url, QUOTA) as client:
        blank = blank_observation(settings, None, now())
        wanted = needs(settings.frame.policies, blank, settings.limits)
        observation = await observer_of(client).fleet(wanted, blank)
        return perf_counter() - begun_s, observation


def _instruments(observation: Observation) -> dict[str, list[Instrument]]:
    return {
        account_id: [one for one in Instrument if readings.of(one) is not None]
        for account_id, readings in observation.readings.items()
    }


def _unread(observation: Observation) -> int:
    """Readings that failed, but for accounts that nobody could read."""
    return sum(
        isinstance(reading, Unknown) and not reading.is_unmanageable
        for readings in observation.readings.values()
        for reading in (readings.cash, readings.coupons)
    )


def _peer_seconds_a_read(provider: Provider, observation: Observation, reads: int) -> float:
    # Loaded only now: so large a library would stop our sweep whenever garbage is looked for.
    from bench.peer import official_client, read_cash, read_coupons

    client = official_client(provider.url)
    ids = [
        account_id
        for account_id, readings in observation.readings.items()
        if not isinstance(readings.cash, Unknown)
    ]
    # What our client asked for last is not to count against the quota of this one.
    sleep(WINDOW_S)
    begun_s = perf_counter()
    for account_id in ids[: reads // 2]:
        read_cash(client, account_id)
        read_coupons(client, account_id)
    return (perf_counter() - begun_s) / (reads // 2 * 2)
