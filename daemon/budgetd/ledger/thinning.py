"""Readings grow old: rows become packed days, days become hours, hours become one a day.

In small steps beside cycles, each a transaction of its own that lasts some milliseconds; a step
that was not taken loses nothing. It may not touch anything but readings.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from budgetd.ledger.packing import DAY, STEPS, Grain, Row, pack, thinned, unpack
from budgetd.ledger.readings import PACKED_BEFORE, packed_before
from budgetd.ledger.rows import whole
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import micros

ROWS_FOR = timedelta(hours=6)
"""How long readings stay rows at least: cycles ask for the newest ones, again and again."""

SWEEP_EVERY = timedelta(hours=6)
SERIES_A_STEP = 25
_SWEEP = "readings_sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long readings are kept: every one, then the last of each hour, then of each day (of
    UTC); each span counts from now, and holds the one before."""

    every: timedelta = timedelta(days=14)
    hourly: timedelta = timedelta(days=90)
    daily: timedelta = timedelta(days=400)

    def first_days(self, now: int) -> dict[Grain, int]:
        """The oldest day that stays at each grain."""
        spans = {Grain.EVERY: self.every, Grain.HOURLY: self.hourly, Grain.DAILY: self.daily}
        return {
            grain: (now - span // timedelta(microseconds=1)) // DAY for grain, span in spans.items()
        }


def thin(ledger: Ledger, now: datetime, retention: Retention) -> bool:
    """Takes one step of the sweep over all readings; whether there is another to take now. A
    sweep begins every six hours."""
    at = micros(now)
    with ledger.writing():
        began, after = _where(ledger)
        if after is None:
            if 0 <= at - began < SWEEP_EVERY // timedelta(microseconds=1):
                return False
            began, after = at, 0
        numbers = [
            whole(row[0])
            for row in ledger.connection.execute(
                "SELECT number FROM series WHERE number > ? ORDER BY number LIMIT ?",
                (after, SERIES_A_STEP),
            )
        ]
        _pack_rows(ledger, numbers, at - ROWS_FOR // timedelta(microseconds=1))
        _coarsen(ledger, numbers, retention.first_days(at))
        is_over = len(numbers) < SERIES_A_STEP
        _note(ledger, _SWEEP, json.dumps([began, None if is_over else numbers[-1]]))
    return not is_over


def _where(ledger: Ledger) -> tuple[int, int | None]:
    """When the sweep began, in microseconds since 1970, and the series it has come to; None
    after its end."""
    row = ledger.connection.execute("SELECT value FROM meta WHERE name = ?", (_SWEEP,)).fetchone()
    began, after = json.loads(str(row[0])) if row is not None else (0, None)
    return int(began), None if after is None else int(after)


def _note(ledger: Ledger, name: str, value: str) -> None:
    ledger.connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _pack_rows(ledger: Ledger, numbers: Iterable[int], before: int) -> None:
    run = ledger.connection.execute
    for number in numbers:
        days: dict[int, list[Row]] = defaultdict(list)
        for at, value in run(
            "SELECT at, value FROM reading WHERE series = ? AND at < ?", (number, before)
        ):
            days[at // DAY].append((at, value))
        for day, rows in days.items():
            _add(ledger, (number, Grain.EVERY, day), rows)
        if days:
            run("DELETE FROM reading WHERE series = ? AND at < ?", (number, before))
    # A clock that was set back unpacks nothing.
    _note(ledger, PACKED_BEFORE, str(max(before, packed_before(ledger))))


def _coarsen(ledger: Ledger, numbers: Iterable[int], first_days: dict[Grain, int]) -> None:
    run = ledger.connection.execute
    for number in numbers:
        for grain, first in first_days.items():
            old = run(
                "SELECT day, samples FROM reading_packed "
                "WHERE series = ? AND grain = ? AND day < ?",
                (number, grain, first),
            ).fetchall()
            if not old:
                continue
            if grain is not Grain.DAILY:
                for day, packed in old:
                    assert isinstance(packed, bytes)
                    rows = unpack(whole(day), packed)
                    _add(ledger, (number, Grain(grain + 1), whole(day)), rows)
            run(
                "DELETE FROM reading_packed WHERE series = ? AND grain = ? AND day < ?",
                (number, grain, first),
            )


def _add(ledger: Ledger, place: tuple[int, Grain, int], rows: list[Row]) -> None:
    """Adds readings to a packed day, as coarse as that is."""
    known = ledger.connection.execute(
        "SELECT samples FROM reading_packed WHERE series = ? AND grain = ? AND day = ?", place
    ).fetchone()
    if known is not None:
        assert isinstance(known[0], bytes)
        rows = unpack(place[2], known[0]) + rows
    kept = thinned(rows, STEPS[place[1]])
    ledger.connection.execute(
        "INSERT INTO reading_packed VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET samples = excluded.samples",
        (*place, pack(kept)),
    )
