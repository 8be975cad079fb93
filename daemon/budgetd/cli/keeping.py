"""What a command writes into a file that a person named, for its owner alone.

It may not say what is written.
"""

import os
import tempfile
from pathlib import Path

import click

from budgetd.cli.speaking import FAILED, say


def tell_or_keep(told: str, out: Path | None) -> None:
    """A report on stdout, or in the file where one was named."""
    if out is None:
        click.echo(told, nl=False)
        return
    keep(out, told)
    say(f"kept as {out}")


def keep(path: Path, text: str) -> None:
    """Writes a file whole or not at all; exits 1, saying why, where it cannot be written.

    What lies there is replaced, so it must be a file: of a device, root would take the place.
    """
    try:
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_file():
            say(f"error: {path}: a folder, a device or a pipe lies there; name a file")
            raise click.exceptions.Exit(FAILED)
        _write(place, text)
    except OSError as problem:
        say(f"error: {path}: {problem.strerror}")
        raise click.exceptions.Exit(FAILED) from None


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        # Whatever ended it, an interrupt too: half a file is nobody's.
        os.unlink(temporary)
        raise
