"""Who is at the terminal, what they say and what they agree to: for commands a person decides by.

It may not act on an answer.
"""

import getpass
import os
import sys

import click

MOST_CHARACTERS = 500


def who() -> str:
    """The login name of whoever gives the command, also behind sudo, harmless to any screen; kept
    with what they do."""
    from budgetd.report.harmless import harmless

    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        name = f"uid {os.getuid()}"
    return harmless(name)[:64]


def said(reason: str | None, option: str = "--reason") -> str:
    """A reason as it is kept, harmless to any screen; empty where none was given. Raises
    `UsageError` for a long one."""
    from budgetd.report.harmless import harmless

    found = harmless(" ".join((reason or "").split()))
    if len(found) > MOST_CHARACTERS:
        raise click.UsageError(f"{option}: expected at most {MOST_CHARACTERS} characters")
    return found


def can_ask() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty()


def agrees(question: str) -> bool:
    """Whether the person answers with the whole word `yes`; asked on stderr."""
    click.echo(f"{question} [yes/NO] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() == "yes"
