"""One day of readings as bytes, and which of them stay when a day grows old. Pure.

A year of 10,000 accounts has thirty million readings: as rows they do not fit in a gibibyte. It
may not know tables.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from enum import IntEnum

from budgetd.core.money import to_minor
from budgetd.core.observation import Sample
from budgetd.ledger.rows import amount_of
from budgetd.ledger.times import at_micros, micros

DAY = 86_400_000_000
"""Microseconds. Days of packed readings are days of UTC: a zone may change, a file stays."""

HOUR = DAY // 24
_MILLISECOND = 1000
_LEVEL = 1  # of zlib: the higher ones take thrice the time for a twentieth of the room

Row = tuple[int, int]
"""A reading: microseconds since 1970, and minor units."""


class Grain(IntEnum):
    """How many readings of a day are kept."""

    EVERY = 0
    HOURLY = 1
    DAILY = 2


STEPS = {Grain.EVERY: 1, Grain.HOURLY: HOUR, Grain.DAILY: DAY}
"""Of each span so long, in microseconds, the last reading stays."""


def pack(rows: Sequence[Row]) -> bytes:
    """Readings of one day, oldest first. Instants lose what is below a millisecond, towards the
    past: an old reading is never taken to have begun later than it did."""
    count = len(rows)
    offsets = [at % DAY // _MILLISECOND for at, _ in rows]
    values = [value for _, value in rows]
    return zlib.compress(struct.pack(f"<{count}I{count}q", *offsets, *values), _LEVEL)


def unpack(day: int, packed: bytes) -> list[Row]:
    """The readings of a day that was packed, oldest first."""
    raw = zlib.decompress(packed)
    count = len(raw) // 12
    numbers = struct.unpack(f"<{count}I{count}q", raw)
    begins = day * DAY
    return [
        (begins + offset * _MILLISECOND, value)
        for offset, value in zip(numbers[:count], numbers[count:], strict=True)
    ]


def unpack_columns(day: int, packed: bytes) -> tuple["array[int]", "array[int]"]:
    """The same as two columns: microseconds since 1970, and minor units."""
    raw = zlib.decompress(packed)
    count = len(raw) // 12
    offsets, values = array("I", raw[: 4 * count]), array("q", raw[4 * count :])
    if sys.byteorder == "big":
        offsets.byteswap()
        values.byteswap()
    begins = day * DAY
    return array("q", [begins + offset * _MILLISECOND for offset in offsets]), values


def thinned(rows: Iterable[Row], step: int) -> list[Row]:
    """The last reading of each span of so many microseconds, oldest first."""
    return list({at // step: (at, value) for at, value in sorted(rows)}.values())


def row_of(sample: Sample) -> Row:
    """A reading as it is kept."""
    return micros(sample.read_at), to_minor(sample.value)


def sample_of(row: Row) -> Sample:
    """A reading that was kept."""
    return Sample(at_micros(row[0]), amount_of(row[1]))
