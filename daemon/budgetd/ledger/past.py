"""What the ledger knows, looked up: intents, attempts, events, sums, pauses, claims.

The reading half of the state file; `store` adds the writing. It may not change a row.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import apsw

from budgetd.core.intent import Attempt, Direction, Instrument, Intent, Move, State
from budgetd.core.pause import Pause
from budgetd.core.reconciliation import Sent
from budgetd.ledger.database import LedgerError
from budgetd.ledger.rows import (
    INTENT_COLUMNS,
    MOVE_COLUMNS,
    PAUSE_COLUMNS,
    SENT_COLUMNS,
    amount_of,
    attempt_of,
    intent_of,
    move_of,
    pause_of,
    sent_of,
)
from budgetd.ledger.times import instant, text

_OPEN = "('prepared', 'sending', 'in_doubt', 'needs_human')"


class Past:
    """An open state file, for looking things up."""

    connection: apsw.Connection

    def open_intents(self) -> list[Intent]:
        """Every intent that may still move money, oldest first."""
        rows = self.connection.execute(
            f"SELECT {INTENT_COLUMNS} FROM intent WHERE state IN {_OPEN} ORDER BY made_at"
        ).fetchall()
        return [intent_of(row) for row in rows]

    def in_state(self, state: State) -> list[str]:
        """The ids of the intents that stand there, oldest first."""
        rows = self.connection.execute(
            f"SELECT id FROM intent WHERE state = ? AND state IN {_OPEN} ORDER BY made_at",
            (str(state),),
        ).fetchall()
        return [str(row[0]) for row in rows]

    def standing(self) -> frozenset[State]:
        """The states in which there are open intents."""
        rows = self.connection.execute(
            f"SELECT state FROM intent WHERE state IN {_OPEN}"
        ).fetchall()
        return frozenset(State(str(row[0])) for row in rows)

    def unproven(self) -> int:
        """How many open intents have met an answer that proves nothing."""
        return int(
            self.connection.execute(
                "SELECT count(*) FROM intent WHERE state IN "
                f"{_OPEN} AND EXISTS (SELECT 1 FROM attempt "
                "WHERE intent_id = intent.id AND class = 'unknown')"
            ).get
        )

    def intent(self, intent_id: str) -> Intent | None:
        """One intent as it was promised."""
        row = self.connection.execute(
            f"SELECT {INTENT_COLUMNS} FROM intent WHERE id = ?", (intent_id,)
        ).fetchone()
        return intent_of(row) if row else None

    def attempts(self, intent_id: str) -> list[Attempt]:
        """The sendings of an intent, in order."""
        rows = self.connection.execute(
            "SELECT number, signed_at, body_hash, class, phase, status, code, message, "
            "request_id, answered_at FROM attempt WHERE intent_id = ? ORDER BY number",
            (intent_id,),
        ).fetchall()
        return [attempt_of(row) for row in rows]

    def state_of(self, intent_id: str) -> State:
        """Where an intent stands. Raises `LedgerError` where there is none."""
        row = self.connection.execute(
            "SELECT state FROM intent WHERE id = ?", (intent_id,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"no transfer {intent_id}")
        return State(row[0])

    def note_of(self, intent_id: str) -> str:
        """The last word on an intent, for people."""
        found = self.connection.execute("SELECT note FROM intent WHERE id = ?", (intent_id,)).get
        return str(found or "")

    def moves(self, since: datetime, accounts: Iterable[str] | None = None) -> tuple[Move, ...]:
        """The intents made since then, and every open one however old; of some accounts alone,
        or of all."""
        rows = self.connection.execute(
            f"SELECT {MOVE_COLUMNS} FROM intent WHERE (made_at >= ?1 OR state IN {_OPEN}) "
            "AND (?2 IS NULL OR account_id IN (SELECT value FROM json_each(?2))) "
            "ORDER BY made_at, id",
            (text(since), None if accounts is None else json.dumps(sorted(set(accounts)))),
        )
        return tuple(move_of(row) for row in rows)

    def move(self, intent_id: str) -> Move:
        """One intent as the core sees it. Raises `LedgerError` where there is none."""
        row = self.connection.execute(
            f"SELECT {MOVE_COLUMNS} FROM intent WHERE id = ?", (intent_id,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"no transfer {intent_id}")
        return move_of(row)

    def known_children(self, intent: Intent) -> frozenset[str]:
        """The child coupons that cannot be a grant's: there before it, or made by another."""
        rows = self.connection.execute(
            "SELECT child_coupon_id FROM intent WHERE account_id = ? AND child_coupon_id NOT NULL",
            (intent.account_id,),
        ).fetchall()
        before = self.events(intent.id)[0][2].get("children")
        assert isinstance(before, list)
        return frozenset({str(row[0]) for row in rows} | {str(child) for child in before})

    def changed_since(self, seq: int) -> tuple[Move, ...]:
        """The intents that any event after `seq` is about, as they are now."""
        rows = self.connection.execute(
            f"SELECT {MOVE_COLUMNS} FROM intent WHERE id IN "
            "(SELECT intent_id FROM event WHERE seq > ?)",
            (seq,),
        ).fetchall()
        return tuple(move_of(row) for row in rows)

    def last_seq(self) -> int:
        """The number of the last event; 0 of an empty ledger."""
        return int(self.connection.execute("SELECT coalesce(max(seq), 0) FROM event").get)

    def moved_before(self, before: datetime) -> dict[tuple[str, Instrument, Direction], Decimal]:
        """What counts of the closed intents made before then, by account and way."""
        rows = self.connection.execute(
            "SELECT account_id, instrument, direction, sum(coalesce(booked, amount)) FROM intent "
            "WHERE made_at < ? AND state = 'settled' GROUP BY 1, 2, 3",
            (text(before),),
        ).fetchall()
        return {
            (str(row[0]), Instrument(str(row[1])), Direction(str(row[2]))): amount_of(row[3])
            for row in rows
        }

    def events(self, intent_id: str) -> list[tuple[datetime, str, dict[str, object]]]:
        """The life of an intent: when, what, and its data."""
        rows = self.connection.execute(
            "SELECT at, kind, data FROM event WHERE intent_id = ? ORDER BY seq", (intent_id,)
        ).fetchall()
        return [(instant(str(row[0])), str(row[1]), json.loads(str(row[2]))) for row in rows]

    # Evidence

    def sent(self, since: datetime) -> tuple[Sent, ...]:
        """The intents that left at least once and were promised since then, and every open one."""
        rows = self.connection.execute(
            f"SELECT {SENT_COLUMNS} WHERE intent.sent_at NOT NULL "
            f"AND (made_at >= ? OR state IN {_OPEN}) GROUP BY intent.id ORDER BY made_at",
            (text(since),),
        ).fetchall()
        return tuple(sent_of(row) for row in rows)

    def claims(self, since: datetime) -> dict[str, str]:
        """Which record is whose, by intent id, of records booked since then."""
        rows = self.connection.execute(
            "SELECT intent_id, record_id FROM claim WHERE moved_at >= ?", (text(since),)
        ).fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    def has_seen_records(self, instrument: Instrument, direction: Direction) -> bool:
        """Whether the record of a move that the provider's own answer settled was ever found:
        the channel is known to work."""
        return bool(
            self.connection.execute(
                "SELECT EXISTS (SELECT 1 FROM claim JOIN intent ON intent.id = claim.intent_id "
                "WHERE instrument = ? AND direction = ? AND EXISTS (SELECT 1 FROM attempt "
                "WHERE attempt.intent_id = intent.id AND attempt.class = 'settled'))",
                (str(instrument), str(direction)),
            ).get
        )

    def unconfirmed(self, ended: datetime, sent: datetime) -> dict[Instrument, datetime]:
        """The instruments of which something that ended since the one instant and was sent
        before the other has no known record, or did not move, and the oldest such sending: what
        a comparison with the records is still to look at."""
        rows = self.connection.execute(
            "SELECT instrument, min(sent_at) FROM intent WHERE ended_at >= ? AND sent_at < ? "
            "AND state IN ('settled', 'refused', 'cancelled', 'void') "
            "AND id NOT IN (SELECT intent_id FROM claim) GROUP BY instrument",
            (text(ended), text(sent)),
        ).fetchall()
        return {Instrument(str(row[0])): instant(str(row[1])) for row in rows}

    def last_answered(
        self, instrument: Instrument, direction: Direction, since: datetime
    ) -> datetime | None:
        """When a move of an instrument was last settled, this way, by the provider's own answer."""
        found = self.connection.execute(
            "SELECT max(sent_at) FROM intent WHERE instrument = ? AND direction = ? "
            "AND sent_at >= ? AND EXISTS "
            "(SELECT 1 FROM attempt WHERE intent_id = intent.id AND class = 'settled')",
            (str(instrument), str(direction), text(since)),
        ).get
        return None if found is None else instant(str(found))

    # Pauses

    def pauses(self) -> tuple[Pause, ...]:
        """The pauses that nobody has ended, oldest first; one may be over by its own time."""
        rows = self.connection.execute(
            f"SELECT {PAUSE_COLUMNS} FROM pause WHERE ended_at IS NULL ORDER BY at, id"
        ).fetchall()
        return tuple(pause_of(row) for row in rows)
