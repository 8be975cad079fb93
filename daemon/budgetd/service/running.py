"""From the documents to a daemon that runs: locks, the state, the loop, the end.

It may not know what a cycle does.
"""

import asyncio
from pathlib import Path

from budgetd.clock import now
from budgetd.ledger.locks import daemon_lock
from budgetd.ledger.store import Ledger
from budgetd.service.daemon import Daemon
from budgetd.service.reloading import InForce
from budgetd.service.systemd import ServiceManager
from budgetd.wiring import Opened


def run_daemon(option: Path, opened: Opened) -> None:
    """Runs the one daemon of a state until it is asked to stop.

    Raises `LedgerError` where another daemon runs on the state or it cannot be opened.
    """
    state = opened.config.state
    manager = ServiceManager()
    with daemon_lock(state) as lock:
        ledger = Ledger(state, may_write=True)
        try:
            asyncio.run(
                Daemon(
                    in_force=InForce(option, opened, now),
                    ledger=ledger,
                    lock=lock,
                    clock=now,
                    manager=manager,
                ).run()
            )
        finally:
            ledger.close()
            manager.close()
