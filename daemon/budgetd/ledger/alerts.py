"""Alerts kept: from their crossing to their end, and when people last heard of each.

It may not decide which are raised or over: `core.decisions.alerting` does. An alert is noted as
told when it is handed on to be delivered; it is not told again before its cooldown.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from budgetd.core.decisions.alerting import KnownAlert, Notice, Turn, Watched, notices
from budgetd.core.decisions.limits import Limits
from budgetd.core.observation import Observation
from budgetd.core.plans.plan import Plan
from budgetd.core.policies.policy import PolicySet
from budgetd.ledger.past import Past
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

OVER_KEPT = timedelta(days=400)
LONGEST_STEP = timedelta(hours=24)
"""A note from further in the future than this was made by a clock that was wrong."""


def notice_alerts(
    ledger: Ledger, plan: Plan, observation: Observation, policies: PolicySet, limits: Limits
) -> tuple[Notice, ...]:
    """What people are to hear of alerts after a cycle, noted as told before it is returned.

    Called once a cycle, on its plan and observation. What could not be read changes nothing.
    """
    now = observation.taken_at
    _mend_future(ledger, now)
    watched = Watched(raised=plan.alerts, held=plan.held)
    found = notices(policies, observation, limits, watched, known_alerts(ledger))
    if found:
        with ledger.writing():
            for notice in found:
                _note(ledger, notice, now)
            ledger.connection.execute(
                "DELETE FROM alert WHERE over_at < ?", (text(now - OVER_KEPT),)
            )
    return found


def known_alerts(past: Past) -> list[KnownAlert]:
    """The alerts that were raised and are not over, by rule and account."""
    rows = past.connection.execute(
        "SELECT rule, account_id, account_name, severity, raised_at, told_at FROM alert "
        "WHERE over_at IS NULL ORDER BY rule, account_id"
    ).fetchall()
    return [
        KnownAlert(
            rule=str(row[0]),
            account_id=str(row[1]),
            account_name=str(row[2]),
            severity=str(row[3]),
            raised_at=instant(str(row[4])),
            told_at=instant(str(row[5])),
        )
        for row in rows
    ]


def _mend_future(ledger: Ledger, now: datetime) -> None:
    """After a large step back of the clock an alert would be silent until then; it counts as told
    now, so that it is neither repeated at once nor lost."""
    late = (text(now + LONGEST_STEP),)
    open_late = "FROM alert WHERE over_at IS NULL AND told_at > ?"
    if ledger.connection.execute(f"SELECT 1 {open_late} LIMIT 1", late).fetchone():
        with ledger.writing():
            ledger.connection.execute(
                "UPDATE alert SET told_at = ? WHERE over_at IS NULL AND told_at > ?",
                (text(now), *late),
            )


def _note(ledger: Ledger, notice: Notice, now: datetime) -> None:
    key = (notice.rule, notice.account_id)
    live = "WHERE rule = ? AND account_id = ? AND over_at IS NULL"
    match notice.turn:
        case Turn.RAISED:
            ledger.connection.execute(
                "INSERT INTO alert (rule, account_id, account_name, severity, raised_at, told_at) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*key, notice.account_name, notice.severity, _fresh(ledger, key, now), text(now)),
            )
        case Turn.REPEATED:
            ledger.connection.execute(
                f"UPDATE alert SET told_at = ?, severity = ? {live}",
                (text(now), notice.severity, *key),
            )
        case Turn.OVER:
            ledger.connection.execute(f"UPDATE alert SET over_at = ? {live}", (text(now), *key))


def _fresh(ledger: Ledger, key: Iterable[str], now: datetime) -> str:
    """When it was raised: now, and after any earlier one of the pair, whatever the clock did."""
    newest = ledger.connection.execute(
        "SELECT max(raised_at) FROM alert WHERE rule = ? AND account_id = ?", tuple(key)
    ).get
    if newest is None or str(newest) < text(now):
        return text(now)
    return text(instant(str(newest)) + timedelta(microseconds=1))
