"""A sandbox that knows the planted keys, and a site that points at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from budgetd.sandbox.running import RunningSandbox

from .site import Site, small_sandbox


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with RunningSandbox(small_sandbox()) as started:
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
