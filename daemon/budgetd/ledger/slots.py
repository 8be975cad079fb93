"""Which calendar slots are over, told once for ever, and what holds those that are not.

None of it is money. It may not know schedules: `core.decisions.slots` says what has ended.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from budgetd.core.decisions.slots import Closing, Opened
from budgetd.core.observation import Over
from budgetd.core.reason import Hold
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

CLOSED_KEPT = timedelta(days=400)
DECIDED_KEPT = timedelta(days=40)
"""How long units of slots that are over are kept."""

SHIFT = timedelta(days=2)
"""Slots so much older than a rule's newest closed one, and than its oldest open one, are over,
whatever their labels: no change of hour and zone moves a new label as far back."""

LABELS_KEPT = timedelta(days=35)
"""How much older the labels of days, weeks and months are known: within its own period a slot may
be moved forward by as much. Labels of minutes move with zones alone."""

LOOK_EVERY = timedelta(minutes=10)
_LOOKED_AT = "slots_looked_at"


def over(ledger: Ledger) -> Mapping[str, Over]:
    """Which slots of each rule are over."""
    newest = ledger.connection.execute(
        "SELECT rule, min(max(slot_at), coalesce((SELECT min(slot_at) FROM slot_open "
        "WHERE slot_open.rule = slot_closed.rule), '9')) FROM slot_closed GROUP BY rule"
    ).fetchall()
    found = {}
    for rule, slot_at in newest:
        through = instant(str(slot_at)) - SHIFT
        rows = ledger.connection.execute(
            "SELECT period FROM slot_closed WHERE rule = ? AND slot_at > ? "
            "AND (slot_at > ? OR instr(period, 'T') = 0)",
            (rule, text(through - LABELS_KEPT), text(through - SHIFT)),
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


def opened(ledger: Ledger) -> tuple[Opened, ...]:
    """The slots that were open when slots were last looked at."""
    rows = ledger.connection.execute(
        "SELECT rule, period, slot_at, until FROM slot_open"
    ).fetchall()
    return tuple(
        Opened(
            rule=str(rule), period=str(period), at=instant(str(slot_at)), until=instant(str(until))
        )
        for rule, period, slot_at, until in rows
    )


def close(
    ledger: Ledger, closing: Closing, now: datetime, *, is_dry_run: bool
) -> frozenset[tuple[str, str]]:
    """Closes slots for ever, and remembers those that are open; the (rule, period) that were not
    closed before.

    Durable on return, together with the instant until which slots were looked at.
    """
    before, known = looked_at(ledger), set(opened(ledger))
    is_recent = before is not None and abs(now - before) < LOOK_EVERY
    if not closing.ended and known == set(closing.opened) and is_recent:
        return frozenset()
    closed = set()
    with ledger.writing():
        for slot in closing.ended:
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
        _remember(ledger, known, set(closing.opened))
        _forget(ledger, now)
        ledger.connection.execute(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_LOOKED_AT, text(now)),
        )
    return frozenset(closed)


def _remember(ledger: Ledger, known: set[Opened], now_open: set[Opened]) -> None:
    """Keeps what is open, and nothing else; inside a transaction of the caller's."""
    ledger.connection.executemany(
        "DELETE FROM slot_open WHERE rule = ? AND period = ?",
        [(one.rule, one.period) for one in known - now_open],
    )
    ledger.connection.executemany(
        "INSERT OR REPLACE INTO slot_open VALUES (?, ?, ?, ?)",
        [(one.rule, one.period, text(one.at), text(one.until)) for one in now_open - known],
    )


def _forget(ledger: Ledger, now: datetime) -> None:
    """Drops what nobody asks about any more; inside a transaction of the caller's."""
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
