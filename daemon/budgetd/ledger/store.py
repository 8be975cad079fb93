"""The ledger: intents, attempts, answers and events, durable in the order W1, W2, W3.

The only SQL about transfers. It stores what `core.intent` allows and refuses the rest; it may
not decide anything. Every method that writes is durable when it returns.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import apsw

from budgetd.core.answer import Answer, AnswerClass
from budgetd.core.intent import (
    FINAL,
    Attempt,
    Direction,
    Instrument,
    Intent,
    Move,
    State,
    check_transition,
)
from budgetd.core.money import to_minor
from budgetd.ledger.chain import link
from budgetd.ledger.database import ROOM_BYTES, LedgerError, check_room, open_database
from budgetd.ledger.rows import (
    INTENT_COLUMNS,
    MOVE_COLUMNS,
    amount_of,
    attempt_of,
    intent_of,
    move_of,
)
from budgetd.ledger.times import instant, text

_OPEN = "('prepared', 'sending', 'in_doubt', 'needs_human')"


class UnitTakenError(LedgerError):
    """Another intent of the unit is open, or the period is used: nothing was written."""


class Ledger:
    """One state file, opened; `room_bytes` must be free on its disk before anything is sent."""

    def __init__(self, path: Path, *, may_write: bool, room_bytes: int = ROOM_BYTES) -> None:
        self.path = path
        self.room_bytes = room_bytes
        self.connection = open_database(path, may_write=may_write)
        self.epoch = self._next_epoch() if may_write else 0

    def close(self) -> None:
        """Closes the file; open promises stay promised."""
        self.connection.close()

    def _next_epoch(self) -> int:
        with self.writing():
            found = self.connection.execute("SELECT value FROM meta WHERE name = 'epoch'").get
            epoch = int(found or 0) + 1
            self.connection.execute(
                "INSERT INTO meta VALUES ('epoch', ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(epoch),),
            )
        return epoch

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction that sees all others' and is durable when it ends well."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk or a failing one has rolled back already; its error is the one to tell.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    # W1

    def promise(self, intent: Intent, *, children: tuple[str, ...] = ()) -> None:
        """W1: writes an intent down as `prepared`, inside the caller's transaction.

        `children` are the child coupons the account has before a grant. Raises
        `UnitTakenError` where the unit has an open intent or the period is used.
        """
        values = (
            intent.id,
            intent.key,
            intent.rule,
            intent.policy_digest,
            intent.account_id,
            intent.account_name,
            str(intent.unit.instrument),
            intent.unit.part,
            str(intent.direction),
            intent.coupon_id,
            to_minor(intent.amount),
            intent.currency,
            intent.operation,
            intent.body,
            sha256(intent.body).hexdigest(),
            intent.why,
            intent.period,
            to_minor(intent.reading),
            None if intent.unit_reading is None else to_minor(intent.unit_reading),
            text(intent.read_at),
            None if intent.master_read_at is None else text(intent.master_read_at),
            text(intent.made_at),
            text(intent.expires_at),
            intent.epoch,
        )
        marks = ", ".join("?" * len(values))
        try:
            self.connection.execute(
                f"INSERT INTO intent ({INTENT_COLUMNS}, state) VALUES ({marks}, 'prepared')",
                values,
            )
        except apsw.ConstraintError as problem:
            if "UNIQUE" not in str(problem):
                raise LedgerError(f"transfer {intent.id} is refused: {problem}") from problem
            raise UnitTakenError(f"{intent.id}: {problem}") from problem
        self._event(
            intent.made_at,
            intent.id,
            "prepared",
            {"amount": str(intent.amount), "children": list(children)},
        )

    # W2

    def record_attempt(self, intent_id: str, signed_at: datetime, body_hash: str) -> int:
        """W2: writes down that an attempt is about to leave; returns its number, from 1.

        Raises `DiskFullError` before anything is written when an answer might find no room.
        """
        check_room(self.path, self.room_bytes)
        with self.writing():
            number = len(self.attempts(intent_id)) + 1
            self.connection.execute(
                "INSERT INTO attempt (intent_id, number, signed_at, body_hash, epoch) "
                "VALUES (?, ?, ?, ?, ?)",
                (intent_id, number, text(signed_at), body_hash, self.epoch),
            )
            self._step(intent_id, State.SENDING, at=signed_at)
            self.connection.execute(
                "UPDATE intent SET sent_at = ? WHERE id = ?", (text(signed_at), intent_id)
            )
            self._event(signed_at, intent_id, "sending", {"attempt": number, "body": body_hash})
        return number

    # W3

    def record_answer(
        self, intent_id: str, number: int, answer: Answer, state: State, at: datetime
    ) -> None:
        """W3: writes down what an attempt was answered, and the state that all of them prove."""
        with self.writing():
            self.connection.execute(
                "UPDATE attempt SET phase = ?, status = ?, code = ?, message = ?, request_id = ?, "
                "class = ?, answered_at = ? WHERE intent_id = ? AND number = ?",
                (
                    str(answer.phase),
                    answer.status,
                    answer.code,
                    answer.message,
                    answer.request_id,
                    str(answer.answer_class),
                    text(at),
                    intent_id,
                    number,
                ),
            )
            note = " ".join(filter(None, (answer.code, *answer.fail_check_items, answer.message)))
            self._step(
                intent_id,
                state,
                at=at,
                note=note,
                moved=(answer.amount, answer.child_coupon_id),
            )
            self._event(
                at,
                intent_id,
                "answered",
                {
                    "attempt": number,
                    "class": str(answer.answer_class),
                    "status": answer.status,
                    "code": answer.code,
                    "state": str(state),
                },
            )

    def resolve(
        self,
        intent_id: str,
        state: State,
        evidence: dict[str, str],
        at: datetime,
        *,
        child_coupon_id: str | None = None,
    ) -> None:
        """Changes a state for another reason than an answer, and keeps the evidence for it."""
        with self.writing():
            self._step(
                intent_id,
                state,
                at=at,
                note=evidence.get("why", ""),
                moved=(None, child_coupon_id),
            )
            self._event(at, intent_id, "resolved", {"state": str(state), **evidence})

    def _step(
        self,
        intent_id: str,
        after: State,
        *,
        at: datetime,
        note: str = "",
        moved: tuple[Decimal | None, str | None] = (None, None),
    ) -> None:
        """One lawful step, with what it books: a final row cannot be written to again. `moved`
        is the amount, None for the one promised, and the child coupon that came of it."""
        row = self.connection.execute(
            "SELECT state, amount FROM intent WHERE id = ?", (intent_id,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"no transfer {intent_id}")
        check_transition(State(row[0]), after)
        amount, child_coupon_id = moved
        booked = to_minor(amount) if amount is not None else row[1]
        self.connection.execute(
            "UPDATE intent SET state = ?, ended_at = ?, note = ?, booked = ?, child_coupon_id = ? "
            "WHERE id = ?",
            (
                str(after),
                text(at) if after in FINAL else None,
                note[:500],
                booked if after is State.SETTLED else None,
                child_coupon_id,
                intent_id,
            ),
        )

    def _event(self, at: datetime, intent_id: str, kind: str, data: dict[str, object]) -> None:
        """Appends one event, chained by hash to the one before."""
        last = self.connection.execute("SELECT hash FROM event ORDER BY seq DESC LIMIT 1").get
        body = json.dumps(data, sort_keys=True, separators=(",", ":"))
        self.connection.execute(
            "INSERT INTO event (at, intent_id, kind, data, hash) VALUES (?, ?, ?, ?, ?)",
            (
                text(at),
                intent_id,
                kind,
                body,
                link(str(last or ""), text(at), intent_id, kind, body),
            ),
        )

    # Recovery

    def cancel_unsent(self, at: datetime) -> list[str]:
        """Withdraws every promise that nobody has heard of; a stale one is never sent. One that
        was told of an unfinished task is refused, so that its unit rests."""
        busy = [
            intent.id
            for intent in self.open_intents()
            if self.state_of(intent.id) is State.PREPARED
            and any(one.answer_class is AnswerClass.BUSY for one in self.attempts(intent.id))
        ]
        for intent_id in busy:
            self.resolve(intent_id, State.REFUSED, {"why": "the provider was busy"}, at)
        why = "withdrawn before it was sent"
        return busy + self._recover(State.PREPARED, State.CANCELLED, at, why)

    def doubt_interrupted(self, at: datetime) -> list[str]:
        """An attempt that a crash left without an answer may have moved money."""
        return self._recover(State.SENDING, State.IN_DOUBT, at, "interrupted while sending")

    def _recover(self, before: State, after: State, at: datetime, why: str) -> list[str]:
        with self.writing():
            found = [
                str(row[0])
                for row in self.connection.execute(
                    "SELECT id FROM intent WHERE state = ? ORDER BY made_at", (str(before),)
                ).fetchall()
            ]
            for intent_id in found:
                self._step(intent_id, after, at=at, note=why)
                self._event(at, intent_id, "recovered", {"state": str(after), "why": why})
        return found

    # Reading

    def open_intents(self) -> list[Intent]:
        """Every intent that may still move money, oldest first."""
        rows = self.connection.execute(
            f"SELECT {INTENT_COLUMNS} FROM intent WHERE state IN {_OPEN} ORDER BY made_at"
        ).fetchall()
        return [intent_of(row) for row in rows]

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

    def moves(self, since: datetime) -> tuple[Move, ...]:
        """The intents made since then, and every open one however old."""
        rows = self.connection.execute(
            f"SELECT {MOVE_COLUMNS} FROM intent WHERE made_at >= ? OR state IN {_OPEN} "
            "ORDER BY made_at, id",
            (text(since),),
        ).fetchall()
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
