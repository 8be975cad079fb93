"""No window of one second holds more departures than the quota, in one process or several."""

import asyncio
import heapq
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetd.provider.pacer import SECOND_NS, Pacer, ProcessSlots, SharedSlots, Slots


class FakeTime:
    """A monotonic clock that moves only when everybody sleeps; timers may be late."""

    def __init__(self, lateness_ns: list[int]) -> None:
        self.now_ns = 1_000 * SECOND_NS
        self._lateness = lateness_ns or [0]
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []
        self._count = 0

    async def sleep_ns(self, wait_ns: int) -> None:
        late_ns = self._lateness[self._count % len(self._lateness)]
        event = asyncio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now_ns + wait_ns + late_ns, self._count, event))
        await event.wait()

    async def run(self, tasks: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in tasks):
            for _ in range(len(tasks) + 2):
                await asyncio.sleep(0)
            if self._sleepers:
                at_ns, _, event = heapq.heappop(self._sleepers)
                self.now_ns = max(self.now_ns, at_ns)
                event.set()


def _busiest_window(departures_ns: list[int]) -> int:
    ordered = sorted(departures_ns)
    return max(
        sum(1 for other in ordered[index:] if other < one + SECOND_NS)
        for index, one in enumerate(ordered)
    )


async def _depart(
    quota: int, factor: Fraction, calls: int, lateness_ns: list[int], slots: list[Slots]
) -> list[int]:
    fake = FakeTime(lateness_ns)
    departures: list[int] = []

    async def call(pacer: Pacer) -> None:
        await pacer.wait("GET /x", factor)
        departures.append(fake.now_ns)

    pacers = [
        Pacer(
            requests_per_second=Fraction(quota),
            slots=one,
            now_ns=lambda: fake.now_ns,
            sleep_ns=fake.sleep_ns,
        )
        for one in slots
    ]
    tasks = [asyncio.create_task(call(pacers[i % len(pacers)])) for i in range(calls)]
    await fake.run(tasks)
    return departures


@given(
    quota=st.integers(1, 40),
    factor=st.sampled_from([Fraction(1), Fraction(2)]),
    calls=st.integers(1, 90),
    lateness_ms=st.lists(st.integers(0, 300), max_size=20),
    pacers=st.integers(1, 3),
)
def test_no_window_exceeds_the_quota_however_late_the_timers_are(
    quota: int, factor: Fraction, calls: int, lateness_ms: list[int], pacers: int
) -> None:
    shared = ProcessSlots()
    lateness_ns = [one * 1_000_000 for one in lateness_ms]
    departures = asyncio.run(_depart(quota, factor, calls, lateness_ns, [shared] * pacers))
    assert len(departures) == calls
    assert _busiest_window(departures) <= quota * factor


def test_a_full_pipe_runs_at_95_percent_of_the_quota() -> None:
    departures = asyncio.run(_depart(10, Fraction(1), 191, [0], [ProcessSlots()]))
    took_s = (max(departures) - min(departures)) / SECOND_NS
    assert 19.9 <= took_s <= 20.1


async def test_late_timers_of_one_millisecond_do_not_halve_a_fast_pace() -> None:
    fake = FakeTime([1_000_000])
    departures: list[int] = []

    async def sleep_ns(wait_ns: int) -> None:
        fake.now_ns += wait_ns + 1_000_000

    pacer = Pacer(requests_per_second=Fraction(1000), now_ns=lambda: fake.now_ns, sleep_ns=sleep_ns)
    for _ in range(2000):
        await pacer.wait("GET /x")
        departures.append(fake.now_ns)
    assert max(departures) - min(departures) < 2.3 * SECOND_NS
    assert _busiest_window(departures) <= 1000


@given(delays_ms=st.lists(st.integers(0, 900), min_size=1, max_size=30))
def test_no_window_exceeds_the_quota_however_late_calls_leave_that_may(
    delays_ms: list[int],
) -> None:
    fake = FakeTime([0])
    pacer = Pacer(
        requests_per_second=Fraction(10), now_ns=lambda: fake.now_ns, sleep_ns=fake.sleep_ns
    )
    left_ns: list[int] = []

    async def call(number: int) -> None:
        departure = await pacer.wait("GET /x")
        delay_ms = delays_ms[number % len(delays_ms)]
        if delay_ms:
            # What opening a connection takes: neighbours on kept ones leave at once.
            await fake.sleep_ns(delay_ms * 1_000_000)
        departure.left()
        left_ns.append(fake.now_ns)

    async def run() -> None:
        await fake.run([asyncio.create_task(call(number)) for number in range(60)])

    asyncio.run(run())
    assert len(left_ns) == 60
    assert _busiest_window(left_ns) <= 10


def test_half_a_quota_is_half_the_pace() -> None:
    departures = asyncio.run(_depart(10, Fraction(1, 2), 20, [0], [ProcessSlots()]))
    assert _busiest_window(departures) <= 5


async def test_callers_leave_in_the_order_they_came() -> None:
    fake = FakeTime([0])
    pacer = Pacer(
        requests_per_second=Fraction(10), now_ns=lambda: fake.now_ns, sleep_ns=fake.sleep_ns
    )
    order: list[int] = []

    async def call(number: int) -> None:
        await pacer.wait("GET /x")
        order.append(number)

    await fake.run([asyncio.create_task(call(number)) for number in range(30)])
    assert order == list(range(30))


async def test_apis_do_not_wait_for_each_other() -> None:
    fake = FakeTime([0])
    pacer = Pacer(
        requests_per_second=Fraction(1), now_ns=lambda: fake.now_ns, sleep_ns=fake.sleep_ns
    )
    for api in "abcdef":
        await pacer.wait(api)
    assert fake.now_ns == 1_000 * SECOND_NS


async def test_a_cancelled_waiter_takes_no_slot() -> None:
    pacer = Pacer(requests_per_second=Fraction(1))
    await pacer.wait("GET /x")
    waiting = asyncio.create_task(pacer.wait("GET /x"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(pacer.wait("GET /x"), 2)


@pytest.mark.parametrize(
    ("retry_after_s", "lowest_s", "highest_s"),
    [(None, 1, 2), (7, 7, 7), (0, 0, 0.2), (10**9, 60, 60)],
)
async def test_a_throttled_api_pauses_as_told_but_no_minute_longer(
    retry_after_s: int | None, lowest_s: float, highest_s: float
) -> None:
    fake = FakeTime([0])
    pacer = Pacer(
        requests_per_second=Fraction(10), now_ns=lambda: fake.now_ns, sleep_ns=fake.sleep_ns
    )
    pacer.pause("GET /x", retry_after_s)
    await fake.run([asyncio.create_task(pacer.wait("GET /x"))])
    assert lowest_s <= (fake.now_ns - 1_000 * SECOND_NS) / SECOND_NS <= highest_s


def test_leftovers_of_before_a_restart_of_the_machine_do_not_stop_anybody(tmp_path: Path) -> None:
    slots = SharedSlots(tmp_path / "slots")
    slots.pause("GET /x", until_ns=10**18)
    assert slots.take("GET /x", now_ns=5 * SECOND_NS, interval_ns=SECOND_NS) == 0
    assert 0 < slots.take("GET /x", now_ns=5 * SECOND_NS, interval_ns=SECOND_NS) <= SECOND_NS
    slots.close()


def test_a_pause_of_one_process_holds_for_its_peers(tmp_path: Path) -> None:
    ours, theirs = SharedSlots(tmp_path / "slots"), SharedSlots(tmp_path / "slots")
    theirs.pause("GET /x", until_ns=9 * SECOND_NS)
    wait_ns = ours.take("GET /x", now_ns=5 * SECOND_NS, interval_ns=SECOND_NS)
    assert wait_ns == 4 * SECOND_NS
    assert ours.take("GET /y", now_ns=5 * SECOND_NS, interval_ns=SECOND_NS) == 0
    ours.close()
    theirs.close()


@pytest.mark.parametrize("content", [b"something else\n" * 200, b"short"])
def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "slots"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a file of slots"):
        SharedSlots(path)
    assert path.read_bytes() == content


TAKE_MANY = """
import sys, time
from pathlib import Path
from budgetd.provider.pacer import SharedSlots
slots = SharedSlots(Path(sys.argv[1]))
until_ns = time.monotonic_ns() + int(float(sys.argv[2]) * 1e9)
while (now_ns := time.monotonic_ns()) < until_ns:
    if slots.take("GET /x", now_ns=now_ns, interval_ns=10_000_000) == 0:
        print(now_ns, flush=True)
    time.sleep(0.001)
"""


def test_processes_share_one_quota_and_survive_the_death_of_a_peer(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKE_MANY, str(tmp_path / "slots")]
    victim = subprocess.Popen([*command, "60"], stdout=subprocess.PIPE)
    peers = [
        subprocess.Popen([*command, "1.5"], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert victim.stdout is not None
    victim.stdout.readline()
    victim.kill()
    victim.communicate()
    taken = [int(line) for peer in peers for line in peer.communicate()[0].splitlines()]
    assert len(taken) > 50
    # An interval of 10 ms, with 20 ms that may be caught up.
    assert _busiest_window(taken) <= 103
