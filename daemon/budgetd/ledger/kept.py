"""What is kept beside the intents: readings, when rules were first seen, slots and plans used.

None of it is money; it never stands in the way of a commit of the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from budgetd.core.intent import Instrument
from budgetd.core.money import to_minor
from budgetd.core.observation import Sample
from budgetd.ledger.rows import amount_of
from budgetd.ledger.store import Ledger
from budgetd.ledger.times import instant, text

READINGS_KEPT = timedelta(days=14)
SLOTS_KEPT = timedelta(days=400)
FEW_GONE = 3
SHARE_GONE_PERCENT = 5

Samples = dict[tuple[str, Instrument], tuple[Sample, ...]]


def keep_readings(
    ledger: Ledger, readings: Iterable[tuple[str, Instrument, Sample]], now: datetime
) -> None:
    """Keeps readings for 14 days; one that is there already stays as it is."""
    with ledger.writing():
        ledger.connection.executemany(
            "INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?)",
            [
                (account_id, str(instrument), text(sample.read_at), to_minor(sample.value))
                for account_id, instrument, sample in readings
            ],
        )
        ledger.connection.execute(
            "DELETE FROM reading WHERE read_at < ?", (text(now - READINGS_KEPT),)
        )


def samples(
    ledger: Ledger, since: datetime, longer: Mapping[tuple[str, Instrument], datetime]
) -> Samples:
    """The kept readings since then, by account and instrument, oldest first; of those in
    `longer` since the instant given there, where that is earlier."""
    found: dict[tuple[str, Instrument], list[Sample]] = defaultdict(list)
    rows = ledger.connection.execute(
        "SELECT account_id, instrument, read_at, value FROM reading WHERE read_at >= ?",
        (text(since),),
    ).fetchall()
    for (account_id, instrument), earlier in longer.items():
        if earlier < since:
            rows += ledger.connection.execute(
                "SELECT account_id, instrument, read_at, value FROM reading "
                "WHERE account_id = ? AND instrument = ? AND read_at >= ? AND read_at < ?",
                (account_id, str(instrument), text(earlier), text(since)),
            ).fetchall()
    for row in rows:
        key = (str(row[0]), Instrument(str(row[1])))
        found[key].append(Sample(instant(str(row[2])), amount_of(row[3])))
    return {
        key: tuple(sorted(kept, key=lambda sample: sample.read_at)) for key, kept in found.items()
    }


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
    accounts) shorter is a rumour, until the next cycle lists as few."""
    rows = ledger.connection.execute(
        "SELECT name, value FROM meta WHERE name IN ('accounts', 'accounts_rumour')"
    ).fetchall()
    known = {str(row[0]): str(row[1]) for row in rows}
    before, rumour = int(known.get("accounts", "0")), known.get("accounts_rumour", "")
    is_shorter = before - count > FEW_GONE and count * 100 < before * (100 - SHARE_GONE_PERCENT)
    is_believed = not is_shorter or rumour == str(count)
    if count == before:
        return True
    with ledger.writing():
        ledger.connection.execute(
            "INSERT INTO meta VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            ("accounts" if is_believed else "accounts_rumour", str(count)),
        )
    return is_believed
