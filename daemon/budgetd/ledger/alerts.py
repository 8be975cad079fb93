"""Alerts kept: from their crossing to their end, and when people last heard of each.

It may not decide which are raised or over: `core.decisions.alerting` does. An alert is noted as
told when it is handed on to be delivered; it is not told again before its cooldown.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from budgetd.core.decisions.alerting import KnownAlert, Notice, Turn, Watched, notices
from budgetd.core.decisions.deciding import MASTER
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.trigger import asks_burn, mentions
from budgetd.core.intent import Instrument
from budgetd.core.observation import Observation, Ok, Readings
from budgetd.core.plans.plan import Plan
from budgetd.core.policies.policy import Alert, PolicySet
from budgetd.ledger.past import Past
from budgetd.ledger.readings import newest
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
    if _watches_unread(policies):
        _note_unread(ledger, observation)
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


def _watches_unread(policies: PolicySet) -> bool:
    """Whether any alert watches for being unread."""
    return any(
        isinstance(rule.action, Alert) and mentions(rule.action.when, "unread_for")
        for _, rule in policies.rules()
    )


def last_read(past: Past, policies: PolicySet) -> dict[tuple[str, Instrument], datetime]:
    """When each instrument of an account was last read; where no reading is kept, when it was
    first found unread. Nothing where no alert and no burn asks for it."""
    wants_burn = any(asks_burn(rule) for _, rule in policies.rules())
    if not wants_burn and not _watches_unread(policies):
        return {}
    found = {
        (str(row[0]), instrument): instant(str(row[1]))
        for row in past.connection.execute("SELECT account_id, since FROM unread_since").fetchall()
        for instrument in Instrument
    }
    for unit, sample in newest(past).items():
        if not unit.part:
            found[unit.account_id, unit.instrument] = sample.read_at
    return found


def _note_unread(ledger: Ledger, observation: Observation) -> None:
    """Remembers since when something of an account is unread: of one that was never read, and of
    the master, no reading is kept."""
    now = text(observation.taken_at)
    asked = {**observation.readings, MASTER.id: observation.master}
    unread = {key for key, readings in asked.items() if _is_unread(readings)}
    known = {
        str(row[0])
        for row in ledger.connection.execute("SELECT account_id FROM unread_since").fetchall()
    }
    gone, fresh = (known & set(asked)) - unread, unread - known
    if gone or fresh:
        with ledger.writing():
            ledger.connection.executemany(
                "DELETE FROM unread_since WHERE account_id = ?", [(key,) for key in sorted(gone)]
            )
            ledger.connection.executemany(
                "INSERT INTO unread_since VALUES (?, ?)", [(key, now) for key in sorted(fresh)]
            )


def _is_unread(readings: Readings) -> bool:
    given = [readings.of(instrument) for instrument in Instrument]
    return any(reading is not None and not isinstance(reading, Ok) for reading in given)


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
