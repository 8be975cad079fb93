"""Readings kept: the newest as rows, older ones a day at a time; how they are looked up.

None of it is money; it never stands in the way of a commit of the ledger. It may not end
readings: `thinning` does.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, groupby, islice
from operator import itemgetter

from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.packing import DAY, Row, row_of, sample_of, thinned, unpack
from budgetd.ledger.past import Past
from budgetd.ledger.rows import whole
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import micros

PACKED_BEFORE = "readings_packed_before"
"""The row of `meta` that says before which instant readings may have been packed."""

ROWS_AT_ONCE = 500
_REACHES = (timedelta(days=2), timedelta(days=14), timedelta(days=4000))
_SERIES = "SELECT number, account_id, instrument, part"

_Key = tuple[str, Instrument]


class Samples(Mapping[_Key, tuple[Sample, ...]]):
    """Kept readings by account and instrument, oldest first. They are held as numbers, sixteen
    bytes each: a cycle holds an hour of a whole fleet, and looks at a few."""

    def __init__(self, held: Mapping[_Key, "array[int]"]) -> None:
        self._held = held

    def __getitem__(self, key: _Key) -> tuple[Sample, ...]:
        numbers = iter(self._held[key])
        return tuple(map(sample_of, zip(numbers, numbers, strict=True)))

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def keep_readings(ledger: Ledger, readings: Iterable[tuple[Unit, Sample]]) -> None:
    """Keeps readings; one that is there already stays as it is. A unit without a part is all
    that an account has of an instrument."""
    rows = (
        (unit.account_id, str(unit.instrument), unit.part, *row_of(sample))
        for unit, sample in readings
    )
    with ledger.writing():
        # Of ten thousand rows only some are held at a time.
        while some := list(islice(rows, ROWS_AT_ONCE)):
            ledger.connection.executemany(
                "INSERT INTO series (account_id, instrument, part, last_at, last_value) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET last_at = excluded.last_at, last_value = excluded.last_value "
                "WHERE excluded.last_at > last_at",
                some,
            )
            ledger.connection.executemany(
                "INSERT OR IGNORE INTO reading SELECT number, ?4, ?5 FROM series "
                "WHERE account_id = ?1 AND instrument = ?2 AND part = ?3",
                some,
            )


def newest(past: Past) -> dict[Unit, Sample]:
    """The newest reading of each unit that was ever read."""
    rows = past.connection.execute(f"{_SERIES}, last_at, last_value FROM series").fetchall()
    return {_unit(row): sample_of((whole(row[4]), whole(row[5]))) for row in rows}


def samples(
    past: Past, since: datetime, longer: Mapping[tuple[str, Instrument], datetime]
) -> Samples:
    """The kept readings since then, by account and instrument, oldest first; of those in
    `longer` since the instant given there, where that is earlier."""
    held = _held(past, micros(since), None)
    for key, at in longer.items():
        if at < since:
            unit = Unit(account_id=key[0], instrument=key[1])
            held.update(_held(past, micros(at), [unit]))
    return Samples(held)


def _held(past: Past, begins: int, units: Iterable[Unit] | None) -> dict[_Key, "array[int]"]:
    return {
        (unit.account_id, unit.instrument): array("q", chain.from_iterable(rows))
        for unit, rows in _numbers(past, begins, units)
        if not unit.part
    }


def histories(
    past: Past,
    since: datetime,
    units: Iterable[Unit] | None = None,
    step: timedelta | None = None,
) -> Iterator[tuple[Unit, tuple[Sample, ...]]]:
    """The kept readings since then of some units, or of all, unit by unit, oldest first; with a
    `step` the last of each span so long, counted from 1970."""
    for unit, kept in _numbers(past, micros(since), units):
        if step is not None:
            kept = thinned(kept, step // timedelta(microseconds=1))
        yield unit, tuple(map(sample_of, kept))


def _numbers(
    past: Past, begins: int, units: Iterable[Unit] | None
) -> Iterator[tuple[Unit, list[Row]]]:
    known = _series(past, units)
    rows = _rows(past, begins, known if units is not None else None)
    if begins < packed_before(past):
        rows = _with_packed(past, begins, sorted(known), rows)
    for number, kept in rows:
        yield known[number], kept


def last_before(past: Past, unit: Unit, at: datetime) -> Sample | None:
    """The last kept reading begun no later than that."""
    for span in _REACHES:
        for _, kept in histories(past, at - span, [unit]):
            if earlier := [one for one in kept if one.read_at <= at]:
                return earlier[-1]
    return None


def first_after(past: Past, unit: Unit, at: datetime) -> Sample | None:
    """The first kept reading begun no earlier than that."""
    return next((kept[0] for _, kept in histories(past, at, [unit])), None)


def packed_before(past: Past) -> int:
    """The instant before which readings may have been packed, in microseconds since 1970."""
    row = past.connection.execute(
        "SELECT value FROM meta WHERE name = ?", (PACKED_BEFORE,)
    ).fetchone()
    return int(str(row[0])) if row is not None else 0


def _series(past: Past, units: Iterable[Unit] | None) -> dict[int, Unit]:
    if units is None:
        found = past.connection.execute(f"{_SERIES} FROM series").fetchall()
    else:
        found = [
            row
            for unit in units
            for row in past.connection.execute(
                f"{_SERIES} FROM series WHERE account_id = ? AND instrument = ? AND part = ?",
                (unit.account_id, str(unit.instrument), unit.part),
            )
        ]
    return {whole(row[0]): _unit(row) for row in found}


def _unit(row: Sequence[object]) -> Unit:
    return Unit(account_id=str(row[1]), instrument=Instrument(str(row[2])), part=str(row[3]))


def _rows(past: Past, begins: int, known: Iterable[int] | None) -> Iterator[tuple[int, list[Row]]]:
    """The readings that are not packed, by series, in order of their numbers."""
    if known is None:
        # One step into the index a series, not a walk over all rows.
        found = past.connection.execute(
            "SELECT series, at, value FROM series CROSS JOIN reading "
            "ON reading.series = series.number AND at >= ? ORDER BY series, at",
            (begins,),
        ).fetchall()
    else:
        found = [
            row
            for number in sorted(known)
            for row in past.connection.execute(
                "SELECT series, at, value FROM reading WHERE series = ? AND at >= ?",
                (number, begins),
            )
        ]
    for number, rows in groupby(found, key=itemgetter(0)):
        yield whole(number), [(whole(at), whole(value)) for _, at, value in rows]


def _with_packed(
    past: Past, begins: int, known: Iterable[int], rows: Iterable[tuple[int, list[Row]]]
) -> Iterator[tuple[int, list[Row]]]:
    recent = dict(rows)
    for number in known:
        kept = [
            row
            for day, packed in past.connection.execute(
                "SELECT day, samples FROM reading_packed "
                "WHERE series = ? AND grain IN (0, 1, 2) AND day >= ?",
                (number, begins // DAY),
            )
            for row in unpack(whole(day), bytes(packed))
            if row[0] >= begins
        ]
        if kept := sorted(kept) + recent.get(number, []):
            yield number, kept
