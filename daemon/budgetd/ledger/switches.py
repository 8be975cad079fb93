"""Pausing and resuming by a person: the kill switch, effective before the next sending.

It may not decide where a pause holds (`core.pause`), nor that one is due.
"""

from datetime import datetime

from budgetd.core.pause import Pause
from budgetd.ledger.home import renew_witness
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import text


def set_pause(ledger: Ledger, pause: Pause) -> None:
    """Keeps a pause; durable, and in force for every process on the state, on return."""
    with ledger.writing():
        ledger.write_pause(pause)
    renew_witness(ledger.connection, ledger.path)


def end_pause(ledger: Ledger, pause: Pause, by: str, reason: str, at: datetime) -> bool:
    """Ends a pause; False where it was ended before. A latched one needs a reason."""
    with ledger.writing():
        ledger.connection.execute(
            "UPDATE pause SET ended_at = ?, ended_by = ?, ended_reason = ? "
            "WHERE id = ? AND ended_at IS NULL",
            (text(at), by, reason, pause.id),
        )
        is_ended = bool(ledger.connection.changes())
        if is_ended:
            data = {"pause": pause.id, "scope": pause.scope, "reason": reason, "by": by}
            ledger.note(at, "", "resumed", data)
    renew_witness(ledger.connection, ledger.path)
    return is_ended
