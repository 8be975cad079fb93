"""Where the demo plays: a seeded sandbox, a folder with config and policies, a standing clock.

It may not tell the story; `story` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path

from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.faults import FaultKind, FaultOrder, FaultPlan
from budgetd.sandbox.fleet import seeded_fleet
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox
from budgetd.sandbox.running import RunningSandbox
from budgetd.wiring import Opened, open_documents

NOON_OF_THE_LAST_DAY = datetime(2026, 11, 30, 14, 45, tzinfo=UTC)
POLICIES = ("production.yaml", "month-end.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the story plays with."""

    sandbox: Sandbox
    opened: Opened
    clock: MovableClock
    rules_known_since: datetime


@contextmanager
def set_up(folder: Path, *, seed: int, accounts: int) -> Iterator[Stage]:
    """Sets everything up in an empty folder, and takes the sandbox down at the end."""
    clock = MovableClock(start=NOON_OF_THE_LAST_DAY, speed=Decimal(0))
    book = seeded_fleet(seed=seed, start=clock.now(), accounts=accounts)
    sandbox = Sandbox(book=book, clock=clock, faults=FaultPlan(seed=seed))
    with RunningSandbox(sandbox) as running:
        write_folder(folder, running.url)
        yield Stage(
            sandbox=sandbox,
            opened=open_documents(str(folder / "config.yaml")),
            clock=clock,
            rules_known_since=clock.now() - timedelta(days=30),
        )


def lose_an_answer(stage: Stage) -> None:
    """The second POST from now on is carried out, and its answer lost."""
    stage.sandbox.faults.order(FaultOrder(kind=FaultKind.LOST_AFTER, method="POST", nth=2))


def write_folder(folder: Path, endpoint: str) -> None:
    """The config, the policies and the sandbox's keys, as a person would lay them out."""
    (folder / "policies").mkdir()
    for name in POLICIES:
        (folder / "policies" / name).write_text(_own(name), encoding="utf-8")
    config = _own("config.yaml").replace("@endpoint@", endpoint)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    for name, secret in (("access-key", SANDBOX_AK), ("secret-key", SANDBOX_SK)):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(secret, encoding="ascii")


def _own(name: str) -> str:
    return resources.files("budgetd.demo").joinpath(name).read_text(encoding="utf-8")
