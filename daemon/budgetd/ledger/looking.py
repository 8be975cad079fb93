"""Looking things up in the ledger for people: lists, names, ids, the chain of events.

It may not write.
"""

from budgetd.core.intent import Move
from budgetd.ledger.chain import link
from budgetd.ledger.rows import MOVE_COLUMNS, move_of
from budgetd.ledger.store import Ledger


def newest(ledger: Ledger, count: int) -> list[Move]:
    """The newest intents first, at most so many."""
    rows = ledger.connection.execute(
        f"SELECT {MOVE_COLUMNS} FROM intent ORDER BY made_at DESC, id LIMIT ?", (count,)
    ).fetchall()
    return [move_of(row) for row in rows]


def account_names(ledger: Ledger) -> dict[str, str]:
    """The names accounts had when they were last moved, by id."""
    rows = ledger.connection.execute(
        "SELECT account_id, account_name, max(made_at) FROM intent GROUP BY account_id"
    ).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def find(ledger: Ledger, prefix: str) -> list[str]:
    """The ids that begin so, at most ten."""
    rows = ledger.connection.execute(
        "SELECT id FROM intent WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 10",
        (len(prefix), prefix),
    ).fetchall()
    return [str(row[0]) for row in rows]


def broken_link(ledger: Ledger, newest: int | None = None) -> int | None:
    """The first event whose hash does not follow from the one before; None if all do. `newest`
    looks at so many of the last ones alone."""
    begins = 0 if newest is None else max(ledger.last_seq() - newest, 0)
    last = str(
        ledger.connection.execute("SELECT hash FROM event WHERE seq = ?", (begins,)).get or ""
    )
    for seq, at, intent_id, kind, data, found in ledger.connection.execute(
        "SELECT seq, at, intent_id, kind, data, hash FROM event WHERE seq > ? ORDER BY seq",
        (begins,),
    ):
        last = link(last, str(at), str(intent_id), str(kind), str(data))
        if last != found:
            return int(seq)
    return None


def damage(ledger: Ledger) -> str:
    """What SQLite finds wrong with the file; empty when it is whole."""
    found = [str(row[0]) for row in ledger.connection.execute("PRAGMA quick_check(5)")]
    return "" if found == ["ok"] else "; ".join(found)
