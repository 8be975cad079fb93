"""Under what the state file runs: the library, the pragmas in force, the schema. For people.

It may not write.
"""

import apsw

from budgetd.ledger.database import pragma
from budgetd.ledger.past import Past

_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def condition(past: Past) -> str:
    """One line; opening the file has refused whatever is not as it must be."""
    names = ("journal_mode", "synchronous", "user_version")
    mode, sync, version = (str(pragma(past.connection, name)) for name in names)
    synchronous = _SYNCHRONOUS.get(int(sync), sync)
    return (
        f"SQLite {apsw.sqlite_lib_version()}, {mode.upper()} with {synchronous} synchronization, "
        f"schema {version}"
    )
