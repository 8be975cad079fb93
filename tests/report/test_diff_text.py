"""A difference in money fits its screen, and hostile names stay harmless."""

from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from budgetd.core.plans.comparing import compare
from budgetd.core.reason import Hold
from budgetd.report.diff_text import diff_text
from budgetd.report.screen import Screen

from .plans import HOSTILE, WEB, account, held, plan_of, realistic_plan, transfer


def test_what_is_quiet_in_both_sets_is_counted() -> None:
    fine = tuple(
        held(account(f"a{number}", number=number), Hold.NOT_TRIGGERED) for number in range(20, 27)
    )
    old, new = plan_of(held=(*fine, held(WEB, Hold.CAP))), plan_of()
    text = diff_text(new, compare(old, new), Screen(width=100, zone=ZoneInfo("UTC")))
    rows = text.partition("held\n")[2].splitlines()
    assert len(rows) == 2
    assert "prod-web cash cap → not selected" in rows[0]
    assert "7 accounts cash not_triggered → not selected" in rows[1]


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
