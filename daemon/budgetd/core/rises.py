"""Money that came to an account and was not ours: rises that our own moves do not explain.

Pure. It may not say whose money it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from budgetd.core.intent import Instrument, Move
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Sample
from budgetd.core.reconciliation import CLOCK_BOUND, RECORD_LAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """A reading that is higher than the one before by `amount` more than our own moves explain."""

    account_id: str
    instrument: Instrument
    begins: datetime
    ends: datetime
    amount: Decimal


def unexplained_rises(
    samples: Mapping[tuple[str, Instrument], Sequence[Sample]], moves: Iterable[Move]
) -> tuple[Rise, ...]:
    """Where an account got money that was not ours: by hand, from its owner, as a refund.

    `samples` are oldest first, by account and instrument. A move of ours, either way and even in
    doubt, may show between its sending and so long after its end as a reading may lag, and a
    reading may fall back to before it for as long: so much of a rise it explains. What an account
    spends meanwhile hides a rise, so nothing is proven by there being none.
    """
    near: dict[tuple[str, Instrument], list[Move]] = defaultdict(list)
    for move in moves:
        if move.counts and move.sent_at is not None:
            near[move.unit.account_id, move.unit.instrument].append(move)
    found = []
    for (account_id, instrument), reads in samples.items():
        own = near.get((account_id, instrument), [])
        for before, after in pairwise(reads):
            rise = after.value - before.value
            if rise > ZERO:
                rise -= total(move.amount for move in own if _may_show(move, before, after))
            if rise > ZERO:
                found.append(
                    Rise(
                        account_id=account_id,
                        instrument=instrument,
                        begins=before.read_at,
                        ends=after.read_at,
                        amount=rise,
                    )
                )
    return tuple(sorted(found, key=lambda one: (one.ends, one.account_id, one.instrument)))


def _may_show(move: Move, before: Sample, after: Sample) -> bool:
    """Whether a move may be what two readings differ by."""
    assert move.sent_at is not None
    begins = move.sent_at - CLOCK_BOUND
    ends = None if move.ended_at is None else move.ended_at + RECORD_LAG
    return begins <= after.read_at and (ends is None or before.read_at <= ends)
