"""The state file of one worker: emptied for each schedule, with the connections that were left.

A process that dies leaves all that is committed and nothing else, so its connection serves the
next one: opening a file and preparing its statements anew costs a third of a schedule. It may not
know what is written.
"""

import os
from pathlib import Path

import apsw

from budgetd.ledger.store import Ledger

OPENED_ANEW = 50
"""One process in so many closes its file for good, and the next one opens it."""


TABLES = "SELECT 'DELETE FROM ' || name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
WHICH = (
    "SELECT 'SELECT ' || group_concat(format('EXISTS (SELECT 1 FROM %s)', name), ', ' "
    "ORDER BY name) FROM sqlite_schema WHERE type = 'table'"
)
"""Writes the statement that asks of each table whether anything is in it."""


class StateFile:
    """An empty ledger's file in a folder, and a person's own way to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"state-{os.getpid()}.db"
        self.desk = Ledger(self.path, may_write=True)
        self._left: list[apsw.Connection] = []
        self._closed = 0
        # What a ledger never deletes this connection does: without triggers, by itself alone.
        self._broom = apsw.Connection(str(self.path))
        self._broom.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        self._tables = self._broom.execute(TABLES).fetchall()
        self._which = str(self._broom.execute(WHICH).get)

    def empty(self) -> None:
        """Forgets all that was written, the witness included: the file is a new one."""
        with self._broom:
            filled = self._broom.execute(self._which).fetchall()[0]
            for is_filled, (emptying,) in zip(filled, self._tables, strict=True):
                if is_filled:
                    self._broom.execute(emptying)
        self.path.with_name(self.path.name + ".seen").unlink(missing_ok=True)
        self.desk.epoch = 0

    def take(self) -> apsw.Connection | None:
        """A connection that a process left behind; None where one is to be opened."""
        return self._left.pop() if self._left else None

    def leave(self, connection: apsw.Connection) -> None:
        """Keeps the connection of a process that has ended, or closes it."""
        self._closed += 1
        if self._closed % OPENED_ANEW == 0 or connection.in_transaction:
            connection.close()
        else:
            self._left.append(connection)

    def close(self) -> None:
        """Closes all that is open."""
        for connection in (*self._left, self._broom):
            connection.close()
        self._left.clear()
        self.desk.close()
