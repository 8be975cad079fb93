"""What the ledger has on one transfer beside its own rows: its record, its neighbours, its chain.

It may not judge what that proves, nor write.
"""

from datetime import datetime, timedelta
from itertools import pairwise

from budgetd.core.decisions.deciding import MASTER
from budgetd.core.intent import Instrument, Intent, Unit
from budgetd.core.observation import Sample
from budgetd.core.reconciliation import Claim, Sent
from budgetd.ledger.looking import broken_link
from budgetd.ledger.past import Past
from budgetd.ledger.readings import first_after, histories, last_before
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant

_NEAR = timedelta(hours=2)


def claim_of(past: Past, intent_id: str) -> Claim | None:
    """The record that is taken as an intent's own."""
    row = past.connection.execute(
        "SELECT record_id, moved_at, at FROM claim WHERE intent_id = ?", (intent_id,)
    ).fetchone()
    if row is None:
        return None
    return Claim(record_id=str(row[0]), moved_at=instant(str(row[1])), at=instant(str(row[2])))


def family_of(past: Past, intent: Intent) -> tuple[Sent | None, tuple[Sent, ...]]:
    """The intent as it was sent (None: never), and those that no record could tell from it."""
    sent = past.sent(intent.made_at - _NEAR)
    own = next((one for one in sent if one.id == intent.id), None)
    if own is None:
        return None, ()
    begins, ends = own.window
    near = [
        one
        for one in sent
        if one.family == own.family and one.window[0] <= ends and begins <= one.window[1]
    ]
    return own, tuple(one for one in near if one.id != own.id)


def readings_around(
    past: Past, intent: Intent, left_at: datetime, over_at: datetime
) -> tuple[Sample | None, Sample | None]:
    """The last kept reading begun before it left, and the first begun after it was over."""
    unit = Unit(account_id=intent.account_id, instrument=intent.unit.instrument)
    return last_before(past, unit, left_at), first_after(past, unit, over_at)


def chain_of(ledger: Ledger, intent_id: str) -> tuple[int, int, int | None]:
    """The numbers of its first and last event (0: there are none, which no intent of ours is
    without), and of the first event from there on that does not follow from the one before (None:
    all do)."""
    numbers = [
        int(row[0])
        for row in ledger.connection.execute(
            "SELECT seq FROM event WHERE intent_id = ? ORDER BY seq", (intent_id,)
        )
    ]
    if not numbers:
        return 0, 0, broken_link(ledger)
    broken = broken_link(ledger, newest=ledger.last_seq() - numbers[0] + 1)
    return numbers[0], numbers[-1], broken


def rising(past: Past, since: datetime) -> dict[tuple[str, Instrument], tuple[Sample, ...]]:
    """The kept readings since then that are higher than the one before, each after that one, by
    member account and instrument, oldest first. What falls in between is left out, so nothing else
    rises from one of them to the next."""
    found: dict[tuple[str, Instrument], tuple[Sample, ...]] = {}
    for unit, kept in histories(past, since):
        pairs = [pair for pair in pairwise(kept) if pair[1].value > pair[0].value]
        if pairs and not unit.part and unit.account_id != MASTER.id:
            found[unit.account_id, unit.instrument] = tuple(one for pair in pairs for one in pair)
    return found
