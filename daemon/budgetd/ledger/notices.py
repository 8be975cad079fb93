"""Reclaims that are announced, until they move or are not wanted any more.

It may not decide what is announced: `core.plans.notice` does.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from budgetd.core.decisions.decision import Announcement
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import to_minor
from budgetd.core.observation import Announced
from budgetd.ledger.rows import amount_of
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

Named = tuple[str, Announcement]


def notices(ledger: Ledger) -> Mapping[tuple[str, Unit, str], Announced]:
    """What is announced, by rule, unit and period."""
    rows = ledger.connection.execute(
        "SELECT rule, account_id, instrument, part, period, at, amount FROM notice"
    ).fetchall()
    return {
        (
            str(rule),
            Unit(account_id=str(account), instrument=Instrument(str(instrument)), part=str(part)),
            str(period),
        ): Announced(at=instant(str(at)), amount=amount_of(amount))
        for rule, account, instrument, part, period, at, amount in rows
    }


def announce(ledger: Ledger, found: Iterable[Named], now: datetime) -> tuple[Named, ...]:
    """Keeps announcements; the ones that are new. One that is known keeps its time and amount."""
    wanted = tuple(found)
    known = notices(ledger) if wanted else {}
    fresh = tuple((rule, one) for rule, one in wanted if (rule, one.unit, one.period) not in known)
    if fresh:
        with ledger.writing():
            ledger.connection.executemany(
                "INSERT INTO notice VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        rule,
                        one.unit.account_id,
                        str(one.unit.instrument),
                        one.unit.part,
                        one.period,
                        text(now),
                        to_minor(one.amount),
                    )
                    for rule, one in fresh
                ],
            )
    return fresh


def withdraw(ledger: Ledger, gone: Iterable[tuple[str, Unit, str]]) -> None:
    """Drops what is not wanted any more, by rule, unit and period."""
    keys = [
        (rule, unit.account_id, str(unit.instrument), unit.part, period)
        for rule, unit, period in gone
    ]
    if keys:
        with ledger.writing():
            ledger.connection.executemany(
                "DELETE FROM notice WHERE rule = ? AND account_id = ? AND instrument = ? "
                "AND part = ? AND period = ?",
                keys,
            )
