"""A process that observes, decides and plans a fleet once, and says what memory it took.

It imports no more than the product does for that: what it holds is what is measured.
"""

import asyncio
import re
import sys
from pathlib import Path

from bench.clients import observer_of, our_client
from bench.rules import CASH, policies, settings_of
from budgetd.clock import now
from budgetd.cycle import blank_observation, plan_cycle

PACE = 1000
STATUS = Path("/proc/self/status")


async def _plan(url: str) -> str:
    """Accounts, the most memory ever held, and the memory now, in kB."""
    settings = settings_of(policies(CASH))
    async with our_client(url, PACE) as client:
        blank = blank_observation(settings, None, now())
        plan, observation = await plan_cycle(settings, observer_of(client), blank)
    assert plan.transfers
    status = STATUS.read_text(encoding="ascii")
    return f"{len(observation.accounts)} {_kb(status, 'VmHWM')} {_kb(status, 'VmRSS')}"


def _kb(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(_plan(sys.argv[1])) + "\n")
