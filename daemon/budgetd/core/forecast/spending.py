"""What an account spent between two readings: the one before + net movements - the one after.

Our own moves and money that was not ours are no spend; where a reading is 0.00, what the account
would have spent is not known. Pure. It may not guess: a span that cannot be told is censored.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from budgetd.core.intent import Direction, Move, State
from budgetd.core.money import ZERO
from budgetd.core.observation import Sample
from budgetd.core.reconciliation import CLOCK_BOUND, RECORD_LAG

_LONGEST_GAP = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent between two readings; None where it cannot be told: the span is censored."""

    begins: datetime
    ends: datetime
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class _Span:
    """When a move of ours may first and last show; `net` is None where nobody knows whether it
    moved."""

    begins: datetime
    ends: datetime | None
    net: Decimal | None


def spends(samples: Sequence[Sample], moves: Iterable[Move]) -> tuple[Spend, ...]:
    """The spends of one unit, oldest first. `samples` are its readings, oldest first, `moves` its
    own intents.

    A move shows between its sending and `RECORD_LAG` after its end, and a reading may fall back
    to before it for as long: readings in that time are passed over, and the spend is told from
    the last one before to the first one after it. A span in which the reading rose by more than
    our moves explain is censored: what came is not ours, and hides what was spent.
    """
    spans = sorted(_spans(moves), key=lambda span: span.begins)
    clear = list(_clear(samples, spans))
    found = []
    place = 0
    for before, after in pairwise(clear):
        net: Decimal | None = ZERO
        while place < len(spans) and spans[place].begins <= before.read_at:
            place += 1
        within = place
        while within < len(spans) and spans[within].begins <= after.read_at:
            own = spans[within].net
            net = None if net is None or own is None else net + own
            within += 1
        found.append(Spend(before.read_at, after.read_at, _amount(before, after, net)))
    return _without_echoes(found)


def _amount(before: Sample, after: Sample, net: Decimal | None) -> Decimal | None:
    if net is None or before.value <= ZERO or after.value <= ZERO:
        return None
    if after.read_at - before.read_at > _LONGEST_GAP:
        return None
    spent = before.value + net - after.value
    return spent if spent >= ZERO else None


def _spans(moves: Iterable[Move]) -> Iterator[_Span]:
    for move in moves:
        if move.sent_at is None or not move.counts:
            continue
        # Resends move `sent_at` on; the first of them was no earlier than the promise.
        begins = move.made_at - CLOCK_BOUND
        if move.state is not State.SETTLED or move.ended_at is None:
            yield _Span(begins, None, None)
            continue
        net = move.amount if move.direction is Direction.ALLOCATE else -move.amount
        yield _Span(begins, move.ended_at + RECORD_LAG, net)


def _clear(samples: Sequence[Sample], spans: Sequence[_Span]) -> Iterator[Sample]:
    """The readings that no move of ours makes ambiguous, and that are no echo of another one."""
    busy = _merged(spans)
    place = 0
    for sample in samples:
        while place < len(busy) and busy[place][1] < sample.read_at:
            place += 1
        if place == len(busy) or sample.read_at < busy[place][0]:
            yield sample


def _merged(spans: Sequence[_Span]) -> list[tuple[datetime, datetime]]:
    """The times in which some move may be showing. One that is open ends nowhere."""
    merged: list[tuple[datetime, datetime]] = []
    for span in spans:
        end = span.ends or datetime.max.replace(tzinfo=span.begins.tzinfo)
        if merged and span.begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((span.begins, end))
    return merged


def _without_echoes(found: list[Spend]) -> tuple[Spend, ...]:
    """A fall that the next reading takes back was no spend: a reading that lagged, or a rumour.
    Both spans are censored, so that it is not counted twice."""
    kept = list(found)
    for place, (one, two) in enumerate(pairwise(found)):
        is_fall = one.amount is not None and one.amount > ZERO
        if is_fall and two.amount is None and two.ends - one.begins <= RECORD_LAG * 4:
            kept[place] = Spend(one.begins, one.ends, None)
    return tuple(kept)
