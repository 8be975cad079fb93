"""Kept readings as columns: what a replay of months takes in at once, a day at a time.

No noun is made of a single reading. It may not end readings, nor judge them.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import gt

from budgetd.core.backtest.world import Column
from budgetd.core.intent import Instrument, Unit
from budgetd.ledger.packing import DAY, unpack_columns
from budgetd.ledger.past import Past
from budgetd.ledger.rows import whole
from budgetd.ledger.times import micros


def columns(past: Past, since: datetime, until: datetime) -> Iterator[Column]:
    """The readings begun since one instant and before another, unit by unit, oldest first: of each
    account's money as a whole, not of its single coupons."""
    begins, ends = micros(since), micros(until)
    for number, unit in _wholes(past).items():
        at, values = array("q"), array("q")
        for day, packed in past.connection.execute(
            "SELECT day, samples FROM reading_packed WHERE series = ? AND grain IN (0, 1, 2) "
            "AND day BETWEEN ? AND ? ORDER BY day, grain",
            (number, begins // DAY, ends // DAY),
        ):
            assert isinstance(packed, bytes)
            of_day, read = unpack_columns(whole(day), packed)
            at += of_day
            values += read
        for when, value in past.connection.execute(
            "SELECT at, value FROM reading WHERE series = ? AND at >= ? AND at < ? ORDER BY at",
            (number, begins, ends),
        ):
            at.append(whole(when))
            values.append(whole(value))
        yield _within(Column(unit=unit, at=at, values=values), begins, ends)


def _wholes(past: Past) -> Mapping[int, Unit]:
    rows = past.connection.execute(
        "SELECT number, account_id, instrument FROM series WHERE part = '' ORDER BY number"
    ).fetchall()
    return {
        whole(number): Unit(account_id=str(account_id), instrument=Instrument(str(instrument)))
        for number, account_id, instrument in rows
    }


def _within(column: Column, begins: int, ends: int) -> Column:
    """The column in order, without what lies outside: a day that is packed may be begun before
    the window, and days of two grains may overlap."""
    at, values = column.at, column.values
    if any(map(gt, at, at[1:])):
        pairs = sorted(zip(at, values, strict=True))
        at, values = (array("q", side) for side in zip(*pairs, strict=True))
    first, last = bisect_left(at, begins), bisect_left(at, ends)
    return Column(unit=column.unit, at=at[first:last], values=values[first:last])
