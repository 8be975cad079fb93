"""A replay of a quarter of a year: 1,000 accounts read every 15 minutes, through twenty rules.

`python -m bench.backtest` (`make backtest`) writes a state file with days as the thinning packs
them, none of them coarser, and takes the CPU of one process that reads and replays it, as the
command does. No account is selected by more than two of the rules. Two rules speak of runway in
what they move; none in its trigger, which costs a burn every six hours (docs/backtest.md).
"""

import argparse
import resource
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from time import process_time

from bench.rules import LIMITS, policies
from budgetd.core.backtest.measuring import recorded, replayed
from budgetd.core.backtest.world import Ground, World, cut_to, world_of
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Account, Organization, Sample, Status
from budgetd.core.policies.policy import PolicySet
from budgetd.ledger.columns import columns
from budgetd.ledger.packing import DAY, Grain, pack
from budgetd.ledger.readings import PACKED_BEFORE, keep_readings
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import micros

SINCE = datetime(2026, 9, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
A_DAY = 96
UNITS = 10
BOUND_S = 60.0
LIFTS = (
    "{when: {below: 500.00}, to: 2000.00}",
    "{when: {below: 500.00}, to: 2000.00, max: 1000.00}",
    "{when: {below: 300.00}, add: 500.00}",
    "{when: {below: 500.00}, to: 2000.00, multiple_of: 100.00}",
    "{when: {below: 500.00}, to: 2000.00}\n    cooldown: 6h",
    "{when: {below: 500.00}, to: 2000.00}\n    schedule: {every: 1h}",
    "{when: {below: 500.00, for: 2 readings}, to: 2000.00}",
    "{when: {below: 500.00}, to: 2000.00}\n    caps: {account_per_month: 20000.00}",
    "{when: {below: 500.00}, to: 2000.00}\n    caps: {rule_per_day: 60000.00}",
    "{when: {below: 400.00}, to: {runway: 7d, at_least: 900.00, at_most: 4000.00}}",
)
HOMES = (
    "{when: {above: 5000.00}, keep: 3000.00}",
    "{when: {above: 5000.00}, keep: 3000.00}\n    cooldown: 1d",
    "{when: {above: 5000.00}, keep: 3000.00}\n    notice: 6h",
    "{when: {above: 5000.00}, keep: 3000.00}\n    caps: {account_per_week: 9000.00}",
    "{when: {above: 5000.00}, keep: {runway: 3d, at_least: 2500.00}}",
    "{when: {above: 4000.00}, keep: 3000.00}\n    schedule: {daily: {at: '09:00'}}",
    "{when: {above: 4000.00}, keep: 3000.00}\n    schedule: {weekly: {day: monday, at: '09:00'}}",
    "{when: {above: 4000.00}, keep: 3000.00}\n    schedule: {monthly: {day: 4, at: '10:00'}}",
    "{when: {above: 4000.00}, keep: 3000.00}\n    schedule: {monthly: {day: last, at: '22:45'}}",
    "{when: {above: 6000.00}, keep: 3000.00}",
)


def main() -> None:
    """Prints what each part took, and whether the whole keeps its bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
    given = parser.parse_args()
    fleet = _fleet(given.accounts)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "budgetd.db", may_write=True)
        _grow(ledger, fleet, given.days)
        began_s = process_time()
        world = _world(ledger, fleet, given.days)
        read_s = process_time()
        rules = twenty_rules()
        happened = recorded(world, rules)
        measured_s = process_time()
        result = replayed(world, "twenty rules", rules)
        ended_s = process_time()
        ledger.close()
    readings = sum(len(one.at) for one in world.series.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert happened.transfers == 0
    assert result.asked is not None
    print(f"{given.accounts} accounts, {given.days} days, {readings:,} readings, one process:")
    print(f"  reading them: {read_s - began_s:.1f} s of CPU")
    print(f"  what happened: {measured_s - read_s:.1f} s")
    print(f"  the replay: {ended_s - measured_s:.1f} s, {result.transfers:,} transfers,", end=" ")
    print(f"{result.asked.cycles:,} of {len(world.cycles):,} cycles asked")
    verdict = "ok" if ended_s - began_s < BOUND_S else "MISSED"
    print(f"  in all: {ended_s - began_s:.1f} s of {BOUND_S:g} s, {peak} MiB at most: {verdict}")


def twenty_rules() -> PolicySet:
    """A top-up by unit, a reclaim by name: each account is in one of each."""
    lines = ["version: 1", "policy: bench", "rules:"]
    for number, lift in enumerate(LIFTS):
        lines += [f"  - name: up-{number}", f'    accounts: {{org: "/U{number}/**"}}']
        lines += [f"    top_up: {lift}", "    priority: 10"]
    for number, home in enumerate(HOMES):
        lines += [f"  - name: home-{number}", f'    accounts: {{name: "acme_{number}_*"}}']
        lines += [f"    reclaim: {home}"]
    return policies("\n".join(lines))


def _fleet(count: int) -> tuple[Account, ...]:
    units = [Organization(id=f"{n}", name=f"U{n}", path=(f"U{n}",)) for n in range(UNITS)]
    return tuple(
        Account(
            id=f"{n:032x}",
            name=f"acme_{n // UNITS % UNITS}_{n}",
            display_name="",
            status=Status.NORMAL,
            organization=units[n % UNITS],
        )
        for n in range(count)
    )


def _grow(ledger: Ledger, fleet: tuple[Account, ...], days: int) -> None:
    """The packed days of every account."""
    ends = SINCE + timedelta(days=days)
    units = [Unit(account_id=one.id, instrument=Instrument.CASH) for one in fleet]
    keep_readings(ledger, [(unit, Sample(ends, Decimal("1.00"))) for unit in units])
    ledger.connection.execute("DELETE FROM reading")
    numbers = [row[0] for row in ledger.connection.execute("SELECT number FROM series").fetchall()]
    with ledger.writing():
        ledger.connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (PACKED_BEFORE, str(micros(ends)))
        )
        for number in numbers:
            ledger.connection.executemany(
                "INSERT INTO reading_packed VALUES (?, ?, ?, ?)",
                ((number, Grain.EVERY, day, packed) for day, packed in _days(number, days)),
            )


def _days(number: int, days: int) -> Iterator[tuple[int, bytes]]:
    """The days of one account that was fed from elsewhere: it spends unevenly, by day and night
    and less at weekends, and now and then gets too much."""
    dice = Random(number)  # noqa: S311 - the same past every time
    usual, phase = dice.randrange(100, 600), dice.randrange(60_000_000)
    value, first = dice.randrange(50_000, 400_000), micros(SINCE) // DAY
    for day in range(first, first + days):
        rows = []
        is_weekend = (day + 3) % 7 >= 5
        for quarter in range(A_DAY):
            spends = dice.randrange(usual) * (1 if is_weekend else 2) * (1 if quarter < 32 else 2)
            value -= spends
            if value < 1000 or dice.random() < 0.0003:
                value += 600_000 if dice.random() < 0.2 else 200_000
            at = day * DAY + quarter * (DAY // A_DAY) + phase + dice.randrange(5_000_000)
            rows.append((at, value))
        yield day, pack(rows)


def _world(ledger: Ledger, fleet: tuple[Account, ...], days: int) -> World:
    window = (SINCE, SINCE + timedelta(days=days))
    ground = Ground(accounts=fleet, limits=LIMITS, currency="CNY", step=QUARTER)
    found = tuple(columns(ledger, *window))
    return world_of(ground, cut_to(window, found), found, (ledger.moves(SINCE), {}))


if __name__ == "__main__":
    main()
