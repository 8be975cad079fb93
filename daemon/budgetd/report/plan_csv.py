"""The plan as CSV for spreadsheets, one row a movement, proposal, hold or unread account.

A spreadsheet runs what looks like a formula, so such cells are defused; amounts stay numbers.
"""

import csv
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.money import format_amount
from budgetd.core.plans.plan import Plan
from budgetd.report.harmless import harmless
from budgetd.report.rows import Row, rows_of

COLUMNS = (
    "kind",
    "id",
    "rule",
    "account_id",
    "account",
    "organization",
    "instrument",
    "reading",
    "after",
    "amount",
    "currency",
    "note",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def plan_csv(plan: Plan, zone: ZoneInfo) -> str:
    """The rows of a plan under a header line, lines ended by CRLF (RFC 4180).

    `amount` is signed as the account sees it. Quiet holds are left out, as in every report.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows_of(plan, zone):
        writer.writerow(_cells(row, plan.currency))
    return buffer.getvalue()


def _cells(row: Row, currency: str) -> tuple[str, ...]:
    unit = row.account.organization
    return (
        row.kind.value,
        defused(row.id),
        defused(row.rule),
        defused(row.account.id),
        defused(row.account.name),
        defused("/".join(unit.path) if unit else ""),
        row.instrument.value if row.instrument else "",
        _amount(row.reading),
        _amount(row.after),
        _amount(row.amount),
        defused(currency) if row.amount is not None else "",
        defused(row.note),
    )


def _amount(value: Decimal | None) -> str:
    return "" if value is None else format_amount(value)


def defused(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula, even behind blanks."""
    seen = f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
    return harmless(seen)
