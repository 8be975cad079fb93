"""Which calendar slots are over, told once for ever, and what holds those that are not.

None of it is money. It may not know schedules: `core.decisions.slots` says what has ended.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from budgetd.core.decisions.slots import Ended
from budgetd.core.observation import Over
from budgetd.core.reason import Hold
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

CLOSED_KEPT = timedelta(days=400)
DECIDED_KEPT = timedelta(days=40)
"""How long units of slots that are over are kept."""

LABELS_KEPT = timedelta(days=2)
"""Slots so much older than a rule's newest closed one are over, whatever their labels. A change
of zone moves no slot as far."""

LOOK_EVERY = timedelta(minutes=10)
_LOOKED_AT = "slots_looked_at"


def over(ledger: Ledger) -> Mapping[str, Over]:
    """Which slots of each rule are over."""
    newest = ledger.connection.execute(
        "SELECT rule, max(slot_at) FROM slot_closed GROUP BY rule"
    ).fetchall()
    found = {}
    for rule, slot_at in newest:
        through = instant(str(slot_at)) - LABELS_KEPT
        rows = ledger.connection.execute(
            "SELECT period FROM slot_closed WHERE rule = ? AND slot_at > ?", (rule, text(through))
        ).fetchall()
        found[str(rule)] = Over(
            through=through, periods=frozenset(str(period) for (period,) in rows)
        )
    return found


def looked_at(ledger: Ledger) -> datetime | None:
    """Until when slots were looked at; None where they never were."""
    found = ledger.connection.execute("SELECT value FROM meta WHERE name = ?", (_LOOKED_AT,)).get
    return None if found is None else instant(str(found))


def holds(ledger: Ledger) -> Mapping[tuple[str, str], Hold]:
    """What last held the units of open slots, by rule and period."""
    rows = ledger.connection.execute("SELECT rule, period, reason FROM slot_held").fetchall()
    return {(str(rule), str(period)): Hold(str(reason)) for rule, period, reason in rows}


def note_holds(ledger: Ledger, held: Mapping[tuple[str, str], Hold], now: datetime) -> None:
    """Remembers what holds the units of open slots; what is known already is not written."""
    known = holds(ledger) if held else {}
    fresh = [
        (*key, str(reason), text(now)) for key, reason in held.items() if known.get(key) != reason
    ]
    if fresh:
        with ledger.writing():
            ledger.connection.executemany(
                "INSERT OR REPLACE INTO slot_held VALUES (?, ?, ?, ?)", fresh
            )


def close(
    ledger: Ledger, ended: Iterable[Ended], now: datetime, *, is_dry_run: bool
) -> frozenset[tuple[str, str]]:
    """Closes slots for ever; the (rule, period) that were not closed before.

    Durable on return, together with the instant until which slots were looked at.
    """
    slots, before = tuple(ended), looked_at(ledger)
    if not slots and before is not None and abs(now - before) < LOOK_EVERY:
        return frozenset()
    closed = set()
    with ledger.writing():
        for slot in slots:
            missed = "missed" if slot.undone else "served"
            ledger.connection.execute(
                "INSERT OR IGNORE INTO slot_closed VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    slot.rule,
                    slot.period,
                    text(slot.at),
                    text(slot.until),
                    "dry_run" if is_dry_run else missed,
                    slot.undone,
                    text(now),
                ),
            )
            if ledger.connection.changes():
                closed.add((slot.rule, slot.period))
        _forget(ledger, now)
        ledger.connection.execute(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_LOOKED_AT, text(now)),
        )
    return frozenset(closed)


def _forget(ledger: Ledger, now: datetime) -> None:
    """What nobody asks about any more: it is inside a transaction of the caller's."""
    is_closed = (
        "EXISTS (SELECT 1 FROM slot_closed WHERE slot_closed.rule = {0}.rule "
        "AND slot_closed.period = {0}.period)"
    )
    ledger.connection.execute(
        f"DELETE FROM slot_decided WHERE at < ? AND {is_closed.format('slot_decided')}",
        (text(now - DECIDED_KEPT),),
    )
    ledger.connection.execute(
        f"DELETE FROM slot_held WHERE at < ? OR {is_closed.format('slot_held')}",
        (text(now - CLOSED_KEPT),),
    )
    ledger.connection.execute(
        "DELETE FROM slot_closed WHERE slot_at < ?", (text(now - CLOSED_KEPT),)
    )
