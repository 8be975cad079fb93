"""A sandbox that knows the planted keys, and a site that points at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from budgetd.sandbox.auth import AccessKey
from budgetd.sandbox.clock import MovableClock
from budgetd.sandbox.fleet import SMALLEST_FLEET, seeded_fleet
from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox

from .site import AK, SK, Site


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    clock = MovableClock()
    book = seeded_fleet(seed=7, start=clock.now(), accounts=SMALLEST_FLEET)
    sandbox = Sandbox(
        book=book,
        clock=clock,
        quota=Quota(QUOTAS, multiplier=0),
        extra_keys={AK: AccessKey(ak=AK, sk=SK, account_id=book.master.id)},
    )
    with RunningSandbox(sandbox) as started:
        yield started


@pytest.fixture
def site(tmp_path: Path, running: RunningSandbox) -> Site:
    made = Site(tmp_path, running.url)
    made.write()
    return made


@pytest.fixture
def passing(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """The product keeps the sandbox's time, which a test moves on."""
    monkeypatch.setattr("budgetd.clock.now", running.sandbox.clock.now)
    return running


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> str:
    """Who gives the commands."""
    monkeypatch.setenv("SUDO_USER", "operator")
    return "operator"
