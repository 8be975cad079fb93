"""What all commands share with people: exit codes, errors as sentences, the screen, progress.

Results go to stdout, everything else to stderr. It may not open files or decide.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from budgetd.core.documents.problem import InputError
from budgetd.core.moment import (
    FIRST_YEAR,
    LAST_YEAR,
    MomentError,
    parse_dated,
    parse_moment,
)

if TYPE_CHECKING:
    from budgetd.config import Config
    from budgetd.cycle import Report
    from budgetd.report.screen import Screen

FAILED, USAGE, PROPOSED, REFUSED, LIMITED, STALE_PLAN, DOUBT = 1, 2, 3, 4, 5, 6, 7
LOCK_WAIT_S = 60
"""So long a person's command waits for the lock that a cycle holds."""


@contextmanager
def failures() -> Iterator[None]:
    """Turns what can go wrong into one clear message and the exit code of the contract."""
    try:
        yield
    except InputError as refused:
        for problem in refused.problems:
            click.echo(problem.render(is_coloured=sys.stderr.isatty()), err=True)
        errors = sum(not problem.is_warning for problem in refused.problems)
        click.echo(f"{errors} problem{'s' if errors != 1 else ''}; nothing was done", err=True)
        raise click.exceptions.Exit(USAGE) from None
    except BrokenPipeError:
        # The reader went away; python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(FAILED) from None
    except OSError as problem:
        say(f"error: {problem.strerror or problem}")
        raise click.exceptions.Exit(FAILED) from None
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as problem:
        told = _told(problem)
        if told is None:
            raise
        say(told)
        raise click.exceptions.Exit(FAILED) from None


def _told(problem: Exception) -> str | None:
    """What went wrong in the ledger or at the provider, in words; None of anything else. Their
    errors are loaded here alone, so that a command that needs neither starts without them."""
    from budgetd.ledger.database import LedgerError, StoreError
    from budgetd.provider.errors import ProviderError

    if isinstance(problem, LedgerError | ProviderError):
        return f"error: {problem}"
    if isinstance(problem, StoreError):
        return f"error: the state file failed: {problem}; nothing more was done"
    return None


def say(text: str) -> None:
    """One line to people, on stderr, harmless to the terminal."""
    from budgetd.report.harmless import harmless

    click.echo(harmless(text), err=True)


def open_logs(config: "Config") -> None:
    """The log on stderr as the config says; on a terminal, where a person reads, warnings alone."""
    from budgetd import logs

    if sys.stderr.isatty():
        logs.configure("warning", "text")
    else:
        logs.configure(config.log.level, config.log.format)


def has_colour() -> bool:
    """Whether stdout is a terminal that wants colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def screen_of(zone: ZoneInfo) -> "Screen":
    """The screen that results are written for: the terminal, else 120 columns without colour."""
    from budgetd.report.screen import Screen

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((120, 40)).columns if is_terminal else 120
    return Screen(width=width, zone=zone, has_colour=has_colour())


def parse_at(text: str, zone: ZoneInfo, option: str = "--at") -> datetime:
    """An instant with an offset, or a local time in the configured zone. Raises `UsageError`."""
    try:
        return parse_moment(text).first(zone)
    except MomentError:
        pass
    try:
        return parse_dated(text)
    except MomentError:
        raise click.UsageError(
            f"{option}: expected a time like '2026-11-30 22:45' or 2026-11-30T14:45:00Z, "
            f"of the years {FIRST_YEAR} to {LAST_YEAR}, found {text!r}"
        ) from None


def show_results(report: "Report", zone: ZoneInfo, style: str) -> None:
    """What became of each transfer, on stdout."""
    from budgetd.report.results_json import results_json
    from budgetd.report.results_text import results_text

    if style == "json":
        click.echo(results_json(report.outcomes, report.plan, stopped=report.stopped))
        return
    click.echo(results_text(report.outcomes, screen_of(zone)), nl=False)
    if report.stopped:
        say(f"error: {report.stopped}")


@contextmanager
def reading_progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar for a sweep, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("reading"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
