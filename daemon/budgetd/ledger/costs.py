"""What is billed by day, kept for accounts whose readings are too few to know their burn.

None of it is money; all of it can be asked for again. It may not ask, nor estimate.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import from_minor
from budgetd.ledger.past import Past
from budgetd.ledger.rows import whole
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import text

ASKED_EVERY = timedelta(days=1)
ACCOUNTS_A_CALL = 20
"""One query of costs can name a hundred; an answer about so many takes megabytes to read."""


def cold(past: Past, now: datetime) -> list[str]:
    """Some accounts whose cash is read and whose burn was looked for and is not known, and that
    were not asked about today."""
    rows = past.connection.execute(
        "SELECT account_id FROM series JOIN forecast ON forecast.series = series.number "
        "LEFT JOIN cost_asked USING (account_id) "
        "WHERE instrument = ? AND part = '' AND burn = '' "
        "AND (cost_asked.at IS NULL OR cost_asked.at <= ? OR cost_asked.at > ?) LIMIT ?",
        (str(Instrument.CASH), text(now - ASKED_EVERY), text(now), ACCOUNTS_A_CALL),
    ).fetchall()
    return [str(row[0]) for row in rows]


def keep_costs(
    ledger: Ledger,
    asked: Iterable[str],
    found: Mapping[str, Sequence[tuple[date, Decimal]]],
    now: datetime,
) -> None:
    """Keeps what is billed for the accounts that were asked about, in the place of what was; a
    burn that may be known now is looked for again. Parts of a cent are rounded."""
    accounts = [(account_id,) for account_id in asked]
    with ledger.writing():
        many = ledger.connection.executemany
        many(
            "INSERT INTO cost_asked VALUES (?, ?) "
            "ON CONFLICT (account_id) DO UPDATE SET at = excluded.at",
            [(account_id, text(now)) for (account_id,) in accounts],
        )
        many("DELETE FROM cost WHERE account_id = ?", accounts)
        many(
            "INSERT INTO cost VALUES (?, ?, ?)",
            [
                (account_id, day.isoformat(), int((amount * 100).to_integral_value()))
                for account_id, days in found.items()
                for day, amount in days
            ],
        )
        many(
            "UPDATE forecast SET at = 0, read_at = 0 WHERE series IN (SELECT number FROM series "
            "WHERE account_id = ?) AND burn = ''",
            [(account_id,) for account_id in found],
        )


def costs_of(past: Past, unit: Unit) -> tuple[tuple[date, Decimal], ...]:
    """What is billed for an account by day, oldest first; nothing for anything but its cash."""
    if unit.instrument is not Instrument.CASH or unit.part:
        return ()
    rows = past.connection.execute(
        "SELECT day, amount FROM cost WHERE account_id = ? ORDER BY day", (unit.account_id,)
    ).fetchall()
    return tuple((date.fromisoformat(str(day)), from_minor(whole(minor))) for day, minor in rows)
