"""How long `budgetd --help` takes, against a bare import of the library it is made with.

Both are processes of their own, in turns.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.row import Row
from bench.size import Size

COMMAND = (str(Path(sys.executable).with_name("budgetd")), "--help")
PEER = (sys.executable, "-c", "import click")
MOST = 3.0


def measure(size: Size) -> list[Row]:
    """One row, of medians."""
    ours_s, peer_s = [], []
    for _ in range(size.help_runs):
        ours_s.append(_seconds(COMMAND))
        peer_s.append(_seconds(PEER))
    ours, peer = median(ours_s), median(peer_s)
    return [
        Row(
            name="help",
            value=f"{ours * 1000:.0f} ms, median of {size.help_runs}",
            against=f"{peer * 1000:.0f} ms: python -c 'import click'",
            ratio=ours / peer,
            most=MOST,
        )
    ]


def _seconds(command: tuple[str, ...]) -> float:
    begun_s = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begun_s
