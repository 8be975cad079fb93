"""What is kept beside the intents: when rules were first seen, slots and plans used.

None of it is money; it never stands in the way of a commit of the ledger.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

SLOTS_KEPT = timedelta(days=400)
FEW_GONE = 3
SHARE_GONE_PERCENT = 5


def note_rules(ledger: Ledger, rules: Iterable[str], now: datetime) -> None:
    """Remembers since when each rule is known; a rule that is known stays so."""
    known = first_loaded(ledger)
    fresh = [(rule, text(now)) for rule in rules if rule not in known]
    if fresh:
        with ledger.writing():
            ledger.connection.executemany("INSERT OR IGNORE INTO rule_loaded VALUES (?, ?)", fresh)


def first_loaded(ledger: Ledger) -> Mapping[str, datetime]:
    """Since when each rule is known."""
    rows = ledger.connection.execute("SELECT rule, at FROM rule_loaded").fetchall()
    return {str(rule): instant(str(at)) for rule, at in rows}


def note_decided(ledger: Ledger, slots: Iterable[tuple[str, str, str]], now: datetime) -> None:
    """Remembers which (rule, account, period) are done; they are not asked again."""
    done = [(*slot, text(now)) for slot in slots]
    if not done:
        return
    with ledger.writing():
        ledger.connection.executemany(
            "INSERT OR IGNORE INTO slot_decided VALUES (?, ?, ?, ?)", done
        )
        ledger.connection.execute(
            "DELETE FROM slot_decided WHERE at < ?", (text(now - SLOTS_KEPT),)
        )


def decided(ledger: Ledger) -> frozenset[tuple[str, str, str]]:
    """Which (rule, account, period) are done, of slots that are not over."""
    rows = ledger.connection.execute(
        "SELECT rule, account_id, period FROM slot_decided AS one WHERE NOT EXISTS "
        "(SELECT 1 FROM slot_closed WHERE rule = one.rule AND period = one.period)"
    ).fetchall()
    return frozenset((str(rule), str(account), str(period)) for rule, account, period in rows)


def served(ledger: Ledger) -> Mapping[str, datetime]:
    """Which tick of each `every` rule was served last."""
    rows = ledger.connection.execute("SELECT rule, at FROM tick_served").fetchall()
    return {str(rule): instant(str(at)) for rule, at in rows}


def note_served(ledger: Ledger, ticks: Mapping[str, datetime]) -> None:
    """Remembers the ticks, by rule, that a cycle has served, whatever was noted before."""
    if not ticks:
        return
    with ledger.writing():
        ledger.connection.executemany(
            "INSERT INTO tick_served VALUES (?, ?) "
            "ON CONFLICT (rule) DO UPDATE SET at = excluded.at",
            [(rule, text(at)) for rule, at in ticks.items()],
        )


def use_plan(ledger: Ledger, digest: str, now: datetime) -> bool:
    """Marks a saved plan as used; False where it was used before."""
    with ledger.writing():
        ledger.connection.execute(
            "INSERT OR IGNORE INTO plan_used VALUES (?, ?)", (digest, text(now))
        )
        return bool(ledger.connection.changes())


def believes_fleet(ledger: Ledger, count: int) -> bool:
    """Whether a list of so many accounts is believed: one that is suddenly more than 5 % (and 3
    accounts) shorter is a rumour, until the very next cycle lists as few."""
    rows = ledger.connection.execute(
        "SELECT name, value FROM meta WHERE name IN ('accounts', 'accounts_rumour')"
    ).fetchall()
    known = {str(row[0]): str(row[1]) for row in rows}
    before, rumour = int(known.get("accounts", "0")), known.get("accounts_rumour", "")
    is_shorter = before - count > FEW_GONE and count * 100 < before * (100 - SHARE_GONE_PERCENT)
    is_believed = not is_shorter or rumour == str(count)
    if count == before and not rumour:
        return True
    believed = {"accounts": str(count), "accounts_rumour": ""}
    with ledger.writing():
        ledger.connection.executemany(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (believed if is_believed else {"accounts_rumour": str(count)}).items(),
        )
    return is_believed
