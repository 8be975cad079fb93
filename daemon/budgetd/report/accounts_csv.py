"""The fleet as CSV for spreadsheets, one row an account; what is unknown is an empty cell.

A spreadsheet runs what looks like a formula, so such cells are defused; amounts stay numbers.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.core.observation import Observation
from budgetd.core.standing import Kept
from budgetd.report.accounts_rows import FleetRow
from budgetd.report.ahead import seconds, until
from budgetd.report.plan_csv import defused

COLUMNS = (
    "account_id",
    "account",
    "display_name",
    "organization",
    "status",
    "currency",
    "cash_reclaimable",
    "cash_state",
    "credit_reclaimable",
    "credit_spendable",
    "credit_state",
    "coupons_reclaimable",
    "coupons_next_expiry",
    "coupons_state",
    "burn_a_day_low",
    "burn_a_day",
    "burn_a_day_high",
    "runway_s_low",
    "runway_s",
    "runway_s_high",
    "kept_s_low",
    "kept_s",
    "kept_s_high",
    "kept_until",
    "last_transfer_at",
    "last_transfer_instrument",
    "last_transfer_amount",
    "last_transfer_state",
    "note",
)


def accounts_csv(observation: Observation, rows: Iterable[FleetRow]) -> str:
    """The rows under a header line, lines ended by CRLF (RFC 4180). The amount of the last
    transfer is signed as the account sees it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cells(row, observation.currency))
    return buffer.getvalue()


def _cells(row: FleetRow, currency: str) -> tuple[str, ...]:
    unit = row.account.organization
    cash = row.figures[Instrument.CASH]
    credit = row.figures[Instrument.CREDIT]
    coupons = row.figures[Instrument.COUPON]
    whys = dict.fromkeys(figure.why for figure in row.figures.values() if figure.why)
    return (
        defused(row.account.id),
        defused(row.account.name),
        defused(row.account.display_name),
        defused("/".join(unit.path) if unit else ""),
        row.account.status.value,
        defused(currency),
        _amount(cash.reclaimable),
        cash.state.value,
        _amount(credit.reclaimable),
        _amount(credit.spendable),
        credit.state.value,
        _amount(coupons.reclaimable),
        _instant(coupons.expires_at),
        coupons.state.value,
        *_ahead(row),
        *_last(row),
        defused("; ".join(whys)),
    )


def _ahead(row: FleetRow) -> tuple[str, ...]:
    """Empty where it is not known; a runway without an end is empty, too, beside a burn of 0."""
    if row.ahead is None:
        return ("",) * 10
    spends, lasts = row.ahead.spends, row.ahead.lasts
    ends = () if lasts is None else (lasts.low, lasts.middle, lasts.high)
    lengths = [seconds(length) for length in ends] or [None] * 3
    return (
        *(_amount(amount) for amount in (spends.low, spends.middle, spends.high)),
        *("" if length is None else str(length) for length in lengths),
        *_kept(row.ahead.kept),
    )


def _kept(kept: Kept | None) -> tuple[str, ...]:
    """With the rules in force; empty lengths beside a word have no end."""
    if kept is None:
        return ("",) * 4
    lengths = (kept.lasts.low_s, kept.lasts.middle_s, kept.lasts.high_s)
    return *("" if length is None else str(length) for length in lengths), until(kept)


def _last(row: FleetRow) -> tuple[str, str, str, str]:
    if row.last is None:
        return "", "", "", ""
    sign = 1 if row.last.direction is Direction.ALLOCATE else -1
    return (
        format_instant(row.last.made_at),
        row.last.unit.instrument.value,
        format_amount(sign * row.last.amount),
        row.last.state.value,
    )


def _amount(value: Decimal | None) -> str:
    return "" if value is None else format_amount(value)


def _instant(at: datetime | None) -> str:
    return "" if at is None else format_instant(at)
