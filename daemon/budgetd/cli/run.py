"""`budgetd run`: the daemon. Its log goes to stdout, one line an event."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from budgetd.cli.speaking import FAILED, failures, say


@contextmanager
def reloads_held() -> Iterator[None]:
    """A SIGHUP that comes before the daemon can reload waits until it can, and ends nothing."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        # Nobody is left to reload anything: one that waits is dropped.
        handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGHUP, handler)


@click.command(name="run")
@click.pass_context
def command(ctx: click.Context) -> None:
    """The daemon: reads the fleet over and over, and carries out what the policies say.

    SIGHUP loads the config and the policies again, all or nothing. SIGTERM ends what is under
    way, records it and stops; a second one ends the process at once.
    """
    from budgetd import logs
    from budgetd.config import find_config
    from budgetd.service.daemon import ReplacedError
    from budgetd.service.running import run_daemon
    from budgetd.web.server import ListenError
    from budgetd.wiring import open_documents

    with reloads_held(), failures():
        path = find_config(ctx.obj)
        opened = open_documents(str(path))
        log = opened.config.log
        logs.configure(log.level, "text" if sys.stdout.isatty() else log.format, sys.stdout)
        try:
            run_daemon(path, opened)
        except (ReplacedError, ListenError) as problem:
            say(f"error: {problem}")
            ctx.exit(FAILED)
        _leave()


def _leave() -> None:
    """Ends the process though a thread still resolves a name, which may take minutes: all that
    is to be kept is written by now."""
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
