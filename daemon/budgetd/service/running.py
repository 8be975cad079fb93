"""From the documents to a daemon that runs: locks, the state, the loop, the end.

It may not know what a cycle does.
"""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from budgetd.clock import now
from budgetd.ledger.locks import daemon_lock
from budgetd.ledger.store import Ledger
from budgetd.service.daemon import Daemon
from budgetd.service.reloading import InForce
from budgetd.service.systemd import ServiceManager
from budgetd.wiring import Opened


class _Threads(ThreadPoolExecutor):
    """Threads for what blocks, such as names to resolve; the stop does not wait for them."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets them go, whatever is asked."""
        del wait, cancel_futures
        super().shutdown(wait=False, cancel_futures=True)


def run_daemon(option: Path, opened: Opened) -> None:
    """Runs the one daemon of a state until it is asked to stop.

    Raises `LedgerError` where another daemon runs on the state or it cannot be opened.
    """
    state = opened.config.state
    manager = ServiceManager()
    with daemon_lock(state) as lock:
        ledger = Ledger(state, may_write=True)
        daemon = Daemon(
            in_force=InForce(option, opened, now),
            ledger=ledger,
            lock=lock,
            clock=now,
            manager=manager,
        )
        try:
            with asyncio.Runner() as runner:
                runner.get_loop().set_default_executor(_Threads())
                _collect_often()
                runner.run(daemon.run())
        finally:
            ledger.close()
            manager.close()


def _collect_often() -> None:
    """What was loaded by now stays for good: collections need not look at it any more, and may
    come often. Calls that fail leave circles which hold whole answers."""
    gc.freeze()
    gc.collect()
    gc.set_threshold(700, 10, 2)
