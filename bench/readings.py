"""How big a year of readings is, and what keeping, thinning and looking them up costs.

`python -m bench.readings --accounts 10000` (`make readings`) writes the state file that so many
accounts have after a year of readings every 15 minutes: days are written as the thinning leaves
them, and the last hours are kept and thinned by the daemon's own functions, which are timed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median

from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import from_minor
from budgetd.core.observation import Sample
from budgetd.ledger.packing import DAY, STEPS, Grain, Row, pack
from budgetd.ledger.readings import histories, keep_readings, samples
from budgetd.ledger.store import Ledger
from budgetd.ledger.thinning import Retention, thin
from budgetd.ledger.times import micros

NOW = datetime(2026, 11, 30, 14, tzinfo=UTC)
CYCLE = timedelta(minutes=15)
HOURS_AS_ROWS = 12
YEAR_DAYS = 365
_QUARTER = CYCLE // timedelta(microseconds=1)
Lap = tuple[str, float]


def main() -> None:
    """Prints the size of the file, and what each step took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=10_000)
    count = parser.parse_args().accounts
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "budgetd.db"
        ledger = Ledger(path, may_write=True)
        _grow(ledger, count)
        laps = [*_cycles(ledger, count), *_sweep(ledger), *_lookups(ledger)]
        ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        readings = sum(
            len(kept) for _, kept in histories(ledger, NOW - timedelta(days=500), _units(20))
        )
        ledger.close()
        mib = path.stat().st_size / 2**20
        print(f"{count} accounts, a year, {readings // 20} readings each: {mib:,.0f} MiB")
        for name, seconds in laps:
            print(f"  {name}: {seconds * 1000:,.1f} ms")


def _units(count: int) -> list[Unit]:
    return [Unit(account_id=f"{index:032x}", instrument=Instrument.CASH) for index in range(count)]


def _grow(ledger: Ledger, count: int) -> None:
    """The packed days of a year, as sweeps would have left them, day by day."""
    keep_readings(
        ledger,
        [(unit, Sample(NOW - timedelta(days=400), Decimal("1.00"))) for unit in _units(count)],
    )
    ledger.connection.execute("DELETE FROM reading")
    numbers = [row[0] for row in ledger.connection.execute("SELECT number FROM series").fetchall()]
    today, first = micros(NOW) // DAY, Retention().first_days(micros(NOW))
    dice = Random(5)  # noqa: S311 - the same file every time
    for day in range(today - YEAR_DAYS, today):
        grain = (
            Grain.EVERY
            if day >= first[Grain.EVERY]
            else (Grain.HOURLY if day >= first[Grain.HOURLY] else Grain.DAILY)
        )
        with ledger.writing():
            ledger.connection.executemany(
                "INSERT INTO reading_packed VALUES (?, ?, ?, ?)",
                [(number, grain, day, pack(_day(day, grain, dice))) for number in numbers],
            )


def _day(day: int, grain: Grain, dice: Random) -> list[Row]:
    """A day of one account: it spends unevenly, and is read when the pace of the quota comes to
    it."""
    step = max(STEPS[grain], _QUARTER)
    value, spends = dice.randrange(100_000, 10_000_000), dice.randrange(1000)
    rows = []
    for begins in range(day * DAY, (day + 1) * DAY, step):
        value = max(value - dice.randrange(spends + 1), 0)
        rows.append((begins + dice.randrange(60_000_000), value))
    return rows


def _cycles(ledger: Ledger, count: int) -> Iterator[Lap]:
    """Keeps the readings of the last hours, a cycle at a time."""
    units, laps = _units(count), []
    for number in range(HOURS_AS_ROWS * 4, 0, -1):
        at = NOW - CYCLE * number
        found = [(unit, Sample(at, from_minor(number * 777))) for unit in units]
        laps.append(_timed(lambda found=found: keep_readings(ledger, found)))
    yield "keeping the readings of a cycle, median", median(laps)
    yield "the longest", max(laps)


def _sweep(ledger: Ledger) -> Iterator[Lap]:
    laps, is_over = [], False
    while not is_over:
        begins = time.perf_counter()
        is_over = not thin(ledger, NOW, Retention())
        laps.append(time.perf_counter() - begins)
    yield f"a step of the sweep, median of {len(laps)}", median(laps)
    yield "the longest step, which a commit may wait for", max(laps)


def _lookups(ledger: Ledger) -> Iterator[Lap]:
    hour, day, month = timedelta(hours=1), timedelta(days=1), timedelta(days=28)
    yield (
        "the last hour of all, as each cycle asks",
        _timed(lambda: samples(ledger, NOW - hour, {})),
    )
    yield "the last day of all", _timed(lambda: samples(ledger, NOW - day, {}))
    yield (
        "four weeks of one account",
        _timed(lambda: list(histories(ledger, NOW - month, _units(1)))),
    )


def _timed(work: Callable[[], object]) -> float:
    begins = time.perf_counter()
    work()
    return time.perf_counter() - begins


if __name__ == "__main__":
    main()
