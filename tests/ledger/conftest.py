"""A ledger of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from budgetd.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "budgetd.db", may_write=True)
    yield opened
    opened.close()
