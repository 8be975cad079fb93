"""A difference in money fits its screen, and hostile names stay harmless."""

from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from budgetd.core.plans.comparing import compare
from budgetd.report.diff_text import diff_text
from budgetd.report.screen import Screen

from .plans import HOSTILE, account, plan_of, realistic_plan, transfer


@pytest.mark.parametrize("width", [80, 200])
def test_every_line_fits_and_none_carries_an_escape(width: int) -> None:
    hostile = transfer(account(HOSTILE, "R&D", number=9), "10.00", "2010.00")
    old, new = realistic_plan(), plan_of(hostile)
    text = diff_text(new, compare(old, new), Screen(width=width, zone=ZoneInfo("UTC")))
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    assert "\u202e" not in text
    for title in ("in all", "by rule", "by organization", "transfers", "held"):
        assert title in text.splitlines()
