"""The plan as CSV and as Markdown."""

import csv
import io

import pytest

from budgetd.core.plans.plan import Unreadable
from budgetd.core.reason import Hold
from budgetd.report.plan_csv import COLUMNS, defused, plan_csv
from budgetd.report.plan_markdown import plain, plan_markdown

from .golden import golden
from .plans import HOSTILE, SHANGHAI, account, held, plan_of, realistic_plan, transfer

FORMULA = "=HYPERLINK(1)"


def test_the_csv_of_a_realistic_plan_reads_as_the_golden_file_does() -> None:
    assert plan_csv(realistic_plan(), SHANGHAI) == golden("plan.csv")


def test_the_markdown_of_a_realistic_plan_reads_as_the_golden_file_does() -> None:
    assert plan_markdown(realistic_plan(), SHANGHAI) == golden("plan.md")


def test_every_csv_row_has_every_column_and_a_kind() -> None:
    rows = list(csv.reader(io.StringIO(plan_csv(realistic_plan(), SHANGHAI))))
    assert tuple(rows[0]) == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert [row[0] for row in rows[1:]] == (
        ["transfer"] * 6
        + ["proposal"] * 2
        + ["withheld"] * 2
        + ["held"] * 2
        + ["alert", "unreadable", "observed"]
    )


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", " =1", "  @x", "-"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(cell: str) -> None:
    assert defused(cell).startswith("'")


def test_an_ordinary_cell_is_left_as_it_is() -> None:
    assert defused("R&D/prod-web") == "R&D/prod-web"


def test_hostile_texts_are_defused_in_every_csv_column_and_amounts_stay_numbers() -> None:
    whom = account(FORMULA, FORMULA, number=1)
    plan = plan_of(
        transfer(whom, "9.00", "2.00", rule=FORMULA, trigger=FORMULA, currency=FORMULA),
        held=(held(whom, Hold.CAP, rule="@x", detail="x"),),
        unreadable=(Unreadable(account=whom, reason=Hold.UNREAD, detail="-2+3"),),
        currency=FORMULA,
    )
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan, SHANGHAI))))
    assert rows[0]["amount"] == "-7.00"
    for row in rows:
        for column, cell in row.items():
            assert column == "amount" or not cell.startswith(("=", "+", "-", "@")), (column, cell)


def test_a_line_break_in_a_name_is_no_line_break_in_a_table() -> None:
    plan = plan_of(transfer(account("a\r\nb|c\u2028d", number=1), "1.00", "2.00"))
    assert len(plan_csv(plan, SHANGHAI).split("\r\n")) == 3
    row = next(line for line in plan_markdown(plan, SHANGHAI).split("\n") if "top up" in line)
    assert row.count("|") == 8


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("R&D/prod-web", "R&D/prod-web"),
        ("a|b", "a&#124;b"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("[x](y)", "\\[x\\](y)"),
        ("`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_"),
        ("https://x.y", "https&#58;//x.y"),
        ("www.x.y", "www&#46;x.y"),
        ("@team #12", "&#64;team \\#12"),
        ("a\\|b", "a\\\\&#124;b"),
    ],
)
def test_nothing_in_a_name_becomes_markdown(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_hostile_name_is_inert_in_markdown() -> None:
    text = plan_markdown(plan_of(transfer(account(HOSTILE, HOSTILE), "1.00", "2.00")), SHANGHAI)
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
