"""Adopting a state file that was restored, copied or moved here: a person says that it is right.

From then on it counts as what happened, after a pause in which what it has forgotten shows in
readings. It may not change a transfer.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from budgetd.core.pause import Pause
from budgetd.core.reconciliation import DEAD_TIME
from budgetd.ledger.home import bear_witness, last_event, settle_in, strangeness, witness_path
from budgetd.ledger.past import Past
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

PAUSE_REASON = "state adopted; what was sent before and is missing in it must show first"


def adopt(ledger: Ledger, enterprise: str, *, by: str, reason: str, at: datetime) -> Pause | None:
    """Makes a strange file at home here, and pauses everything for the dead time: what a former
    process signed last can move no more afterwards, and readings show it.

    Calendar slots of before count as gone: which of them were served, the file may have forgotten.
    The caller holds the cycle's lock. None where the file is not strange: nothing is written. What
    is open stays open. Dying in it leaves the file strange, to be adopted again.
    """
    with ledger.writing():
        why = strangeness(ledger.connection, ledger.path, enterprise)
        if not why:
            return None
        known = settle_in(ledger.connection, ledger.path, enterprise)
        # A rule knows no slot from before it was loaded, and is loaded anew now.
        ledger.connection.execute("UPDATE rule_loaded SET at = ?", (text(at),))
        ledger.note(at, "", "adopted", {"by": by, "reason": reason, "was": why})
        pause = Pause(
            id=uuid4().hex[:12],
            rule="",
            account_id="",
            reason=PAUSE_REASON,
            by=by,
            at=at,
            until=at + DEAD_TIME,
        )
        ledger.write_pause(pause)
    # A damaged witness cannot be written over in place: it would stay damaged.
    witness_path(ledger.path).unlink(missing_ok=True)
    bear_witness(ledger.path, known["ledger"], last_event(ledger.connection))
    _hand_over(ledger.path)
    return pause


def _hand_over(path: Path) -> None:
    """Gives what root has restored or made to the owner of the folder, who is to go on with it."""
    if os.geteuid() != 0:
        return
    owner = path.parent.stat()
    for suffix in ("", "-wal", "-shm", ".seen", ".lock", ".slots"):
        with suppress(FileNotFoundError):
            os.chown(path.with_name(path.name + suffix), owner.st_uid, owner.st_gid)


def newest_event(past: Past) -> datetime | None:
    """How far the file has come; None of one without events."""
    found = past.connection.execute("SELECT at FROM event ORDER BY seq DESC LIMIT 1").get
    return None if found is None else instant(str(found))
