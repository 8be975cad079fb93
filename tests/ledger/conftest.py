"""A ledger of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from budgetd.ledger.store import Ledger

from .intents import leading


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = leading(tmp_path / "budgetd.db")
    yield opened
    opened.close()
