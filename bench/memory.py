"""What a process holds that has observed, decided and planned a large fleet.

The process is started for it, so that nothing else of this run is counted. Linux alone: the
kernel is asked (see `fleet_process`).
"""

import subprocess
import sys

from bench.provider import running_provider
from bench.row import Row
from bench.size import Size

BOUND_MB = 150


def measure(size: Size) -> list[Row]:
    """One row, by the most the process ever held."""
    with running_provider(accounts=size.memory_accounts) as provider:
        command = [sys.executable, "-m", "bench.fleet_process", provider.url]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    accounts, peak_kb, now_kb = (int(word) for word in told.split())
    peak_mb = peak_kb / 1024
    return [
        Row(
            name="memory",
            value=f"{peak_mb:.0f} MB at most, {now_kb / 1024:.0f} at the end, {accounts} accounts",
            against=f"{BOUND_MB} MB",
            ratio=peak_mb / BOUND_MB,
            most=1.0,
            faults=(("accounts missing", size.memory_accounts - accounts),),
        )
    ]
