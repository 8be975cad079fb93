"""What was recorded of one unit, in columns, and how it would have read under other moves.

Instants are microseconds since 1970 and amounts whole cents: exact, and small enough that a
quarter of a year of a large fleet fits in memory. It may not know rules.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from budgetd.core.intent import Direction, Move, State
from budgetd.core.money import CENT, to_minor
from budgetd.core.observation import Sample
from budgetd.core.reconciliation import CLOCK_BOUND, RECORD_LAG

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1) // MICROSECOND
NEVER = 2**62
"""A number beyond every instant, amount and place."""

Span = tuple[int, int]


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // MICROSECOND


def instant(number: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One unit as it was recorded: when it was read, and what it would have read had nothing of
    ours ever moved, which may be less than nothing.

    `begins` is the place of the first reading of the window, those before it are history. `own`
    are our recorded moves: the first place that shows one, its cents, and its move. `zeros` are
    the times from a reading of 0.00 to the next that is more: what would have been spent then is
    not known.
    """

    at: "array[int]"
    natural: "array[int]"
    begins: int
    own: tuple[tuple[int, int, Move], ...]
    zeros: tuple[Span, ...]


def series_of(at: "array[int]", values: "array[int]", moves: Iterable[Move], since: int) -> Series:
    """The series of a unit from its kept readings, oldest first, and its own recorded moves.

    A reading that one of our moves may be showing or not is passed over, as burns do; after a
    move of which nobody knows whether it moved, nothing is known.
    """
    spans = sorted((_span(move) for move in moves if move.sent_at and move.counts), key=_begin)
    own: list[tuple[int, int, Move]] = []
    if spans:
        at, natural, zeros = _without(at, values, spans, own)
    else:
        natural, zeros = values, _zeros(at, values)
    return Series(
        at=at,
        natural=natural,
        begins=bisect_left(at, since),
        own=tuple(own),
        zeros=zeros,
    )


_Shown = tuple[int, int, Move]
_begin = itemgetter(0)


def _span(move: Move) -> _Shown:
    """When a move may first and last show: never in the reading that it rests on."""
    begins = micros(move.made_at - CLOCK_BOUND)
    if move.read_at is not None:
        begins = max(begins, micros(move.read_at) + 1)
    is_known = move.state is State.SETTLED and move.ended_at is not None
    ends = micros(move.ended_at + RECORD_LAG) if is_known and move.ended_at else NEVER
    return begins, ends, move


def _without(
    at: "array[int]",
    values: "array[int]",
    spans: Sequence[_Shown],
    own: list[tuple[int, int, Move]],
) -> tuple["array[int]", "array[int]", tuple[Span, ...]]:
    """The readings that no move makes ambiguous, and what they are without the moves."""
    kept_at, kept, bare = array("q"), array("q"), array("q")
    place, net, clear_from = 0, 0, -1
    for begins, ends, move in spans:
        stop = max(bisect_left(at, begins), place)
        place = max(place, bisect_right(at, clear_from))
        if stop > place:
            kept_at += at[place:stop]
            kept += values[place:stop]
            bare += array("q", [value - net for value in values[place:stop]])
            place = stop
        cents = cents_of(move)
        own.append((len(kept_at), cents, move))
        net += cents
        clear_from = max(clear_from, ends)
    place = max(place, bisect_right(at, clear_from))
    kept_at += at[place:]
    kept += values[place:]
    bare += array("q", [value - net for value in values[place:]])
    return kept_at, bare, _zeros(kept_at, kept)


def cents_of(move: Move) -> int:
    """What a move adds to its account."""
    cents = to_minor(move.amount)
    return cents if move.direction is Direction.ALLOCATE else -cents


def _zeros(at: "array[int]", values: "array[int]") -> tuple[Span, ...]:
    if not values or min(values) > 0:
        return ()
    found: list[Span] = []
    begun: int | None = None
    for when, value in zip(at, values, strict=True):
        if value <= 0 and begun is None:
            begun = when
        elif value > 0 and begun is not None:
            found.append((begun, when))
            begun = None
    if begun is not None:
        found.append((begun, at[-1]))
    return tuple(found)


@dataclass(slots=True)
class Track:
    """One unit under one set's moves.

    A reading is its natural value and an offset. `_starts` are the places from which each of
    `_offsets` is read, and `_holds` those from whose instant on the money is there: a move made
    on a reading shows in the next one. Below 0.00 nothing is spent: the offset rises instead,
    which `first` finds as it goes; nothing beyond the place it came to may be asked.
    """

    series: Series
    looks: list[tuple[int, int]] = field(default_factory=list)
    _starts: list[int] = field(default_factory=lambda: [0])
    _holds: list[int] = field(default_factory=lambda: [0])
    _offsets: list[int] = field(default_factory=lambda: [0])

    def value(self, place: int) -> int:
        """What is read there, in cents."""
        offset = self._offsets[bisect_right(self._starts, place) - 1]
        return self.series.natural[place] + offset

    def put(self, place: int, cents: int) -> None:
        """Moves money on the reading of a place: the next reading shows it."""
        self._add(place + 1, place, self._offsets[-1] + cents)

    def show(self, place: int, cents: int) -> None:
        """A recorded move, which the reading of a place is the first to show."""
        self._add(place, max(place - 1, 0), self._offsets[-1] + cents)

    def _add(self, start: int, hold: int, offset: int) -> None:
        self._starts.append(start)
        self._holds.append(hold)
        self._offsets.append(offset)

    def first(self, place: int, low: int, high: int, stop: int) -> int:
        """The first place from there on, before `stop`, that reads less than `low` or more than
        `high`; `stop` where none does."""
        natural = self.series.natural
        while place < stop:
            offset = self._offsets[-1]
            least, most = max(low, 0) - offset, high - offset
            place = next(
                (one for one in range(place, stop) if not least <= natural[one] <= most), stop
            )
            if place == stop:
                break
            if natural[place] + offset >= 0:
                break
            self._add(place, place, -natural[place])
            if low > 0:
                break
            place += 1
        return place

    def spans(self, begins: int) -> Iterator[tuple[int, int, int]]:
        """From a place on: the places whose instants begin a time of one offset, and it."""
        ends = [*self._holds[1:], len(self.series.at)]
        for start, end, offset in zip(self._holds, ends, self._offsets, strict=True):
            first = max(start, begins)
            if first < end:
                yield first, end, offset

    def samples(self, since: int, until: int) -> list[Sample]:
        """The readings begun since one instant and before another, oldest first, those after our
        own moves with them."""
        at, natural = self.series.at, self.series.natural
        first, end = bisect_left(at, since), bisect_left(at, until)
        found: list[tuple[int, int]] = []
        for start, stop, offset in self._parts(first, end):
            values = [value + offset for value in natural[start:stop]]
            found += zip(at[start:stop], values, strict=True)
        looks = [look for look in self.looks if since <= look[0] < until]
        if looks:
            # A reading that began with the look after a move comes before it.
            found = sorted([*found, *looks], key=itemgetter(0))
        return _samples(found)

    def _parts(self, first: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The places from one to another, part by part of one offset."""
        for number in range(max(bisect_right(self._starts, first) - 1, 0), len(self._starts)):
            start = max(self._starts[number], first)
            following = self._starts[number + 1 : number + 2]
            stop = min([end, *following])
            if start < stop:
                yield start, stop, self._offsets[number]
            if start >= end:
                return

    def hourly(self, since: int, until: int) -> list[Sample]:
        """The last reading of each hour of that time, oldest first."""
        at = self.series.at
        first, end = bisect_left(at, since), bisect_left(at, until)
        places = dict(zip([one // _HOUR for one in at[first:end]], range(first, end), strict=True))
        found = {hour: (at[place], self.value(place)) for hour, place in places.items()}
        for look in self.looks:
            hour = look[0] // _HOUR
            if since <= look[0] < until and look[0] >= found.get(hour, look)[0]:
                found[hour] = look
        return _samples([found[hour] for hour in sorted(found)])

    def last(self, place: int) -> tuple[int, int] | None:
        """The newest reading before the one of a place, as instant and cents."""
        found = [look for look in self.looks if look[0] < self.series.at[place]]
        if place > 0:
            found.append((self.series.at[place - 1], self.value(place - 1)))
        return max(found, default=None)

    def highest(self, since: int, place: int) -> tuple[int, int] | None:
        """The highest reading begun since then and before that of a place, as instant and
        cents."""
        at, natural = self.series.at, self.series.natural
        first, until = bisect_left(at, since), at[place]
        found = [look for look in self.looks if since <= look[0] < until]
        for start, stop, offset in self._parts(first, place):
            top = max(natural[start:stop])
            found.append((at[natural.index(top, start, stop)], top + offset))
        return max(found, key=itemgetter(1), default=None)


def _samples(found: Iterable[tuple[int, int]]) -> list[Sample]:
    """Readings as nouns; cents times 0.01 are exact, and have two places."""
    return [Sample(_EPOCH + timedelta(microseconds=at), CENT * cents) for at, cents in found]
