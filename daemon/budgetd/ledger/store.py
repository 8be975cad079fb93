"""The ledger: intents, attempts, answers and events, durable in the order W1, W2, W3.

It stores what `core.intent` allows and refuses the rest; it may not decide anything. Every
method that writes is durable when it returns.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import apsw

from budgetd.core.answer import Answer
from budgetd.core.intent import FINAL, Intent, State, check_transition, join
from budgetd.core.money import to_minor
from budgetd.core.pause import Pause, pause_of
from budgetd.core.reconciliation import Change
from budgetd.ledger.chain import link
from budgetd.ledger.database import ROOM_BYTES, LedgerError, check_room, open_database
from budgetd.ledger.home import bear_witness, come_home, last_event
from budgetd.ledger.past import Past
from budgetd.ledger.rows import INTENT_COLUMNS, PAUSE_COLUMNS, intent_row
from budgetd.ledger.times import text

Told = Mapping[str, str]
_NOTHING: Told = MappingProxyType({})
_written = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_NEVER_LED = "None"
"""The name in the witness of a file that nobody has led; it accuses no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What evidence says beside the state: the amount that moved, the child coupon it made, the
    record that shows it; None where it does not say."""

    amount: Decimal | None = None
    child_coupon_id: str | None = None
    change: Change | None = None


NOTHING_PROVEN = Proven()


class UnitTakenError(LedgerError):
    """Another intent of the unit is open, or the period is used: nothing was written."""


class FencedError(LedgerError):
    """Another process has taken the lead on this state: this one may not send any more."""


class PausedError(LedgerError):
    """A pause holds what was to be sent: nothing was written. `pause` is that one."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(f"paused ({pause.scope}): {pause.reason}")
        self.pause = pause


class Ledger(Past):
    """One state file, opened; `room_bytes` must be free on its disk before anything is sent.

    Whoever wants to send takes the lead first; others may write pauses and approvals beside it.
    """

    _name = _NEVER_LED

    def __init__(self, path: Path, *, may_write: bool, room_bytes: int = ROOM_BYTES) -> None:
        self.path = path
        self.room_bytes = room_bytes
        self.connection = open_database(path, may_write=may_write)
        self.epoch = 0

    def close(self) -> None:
        """Closes the file; open promises stay promised."""
        self.connection.close()

    def lead(self, enterprise: str) -> None:
        """Takes the lead: from now on no process that led before may promise or send.

        The caller holds the cycle's lock. Raises `ForeignStateError` for a file that was
        restored, copied, or is of another enterprise.
        """
        with self.writing():
            known = come_home(self.connection, self.path, enterprise)
            self.epoch = int(known.get("epoch", "0")) + 1
            self._name = known["ledger"]
            self.connection.execute(
                "INSERT INTO meta VALUES ('epoch', ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(self.epoch),),
            )
            # Before the commit: a file that is at home here has a witness from the first moment.
            bear_witness(self.path, self._name, last_event(self.connection))

    def _current_epoch(self) -> int:
        return int(self.connection.execute("SELECT value FROM meta WHERE name = 'epoch'").get or 0)

    def check_lead(self) -> None:
        """Raises `FencedError` where another process leads by now; inside a transaction."""
        current = self._current_epoch()
        if current != self.epoch:
            raise FencedError(
                f"another budgetd has taken over this state (epoch {current}, ours {self.epoch}); "
                "this one sends nothing more"
            )

    def check_pause(self, rule: str, account_id: str, at: datetime) -> None:
        """Raises `PausedError` where a pause holds the move; inside a transaction."""
        pause = pause_of(self.pauses(), rule, account_id, at)
        if pause is not None:
            raise PausedError(pause)

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

    def promise(
        self, intent: Intent, *, children: tuple[str, ...] = (), said: Told = _NOTHING
    ) -> None:
        """W1: writes an intent down as `prepared`, inside the caller's transaction.

        `children` are the child coupons the account has before a grant, `said` what a person
        said to it: who approved, why a move was made by hand. Raises `UnitTakenError` where the
        unit has an open intent or the period is used, `PausedError` and `FencedError`.
        """
        self.check_lead()
        self.check_pause(intent.rule, intent.account_id, intent.made_at)
        values = intent_row(intent)
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
        data = {"amount": str(intent.amount), "children": list(children), **said}
        self.note(intent.made_at, intent.id, "prepared", data)

    # W2

    def record_attempt(self, intent_id: str, signed_at: datetime, body_hash: str) -> int:
        """W2: writes down that an attempt is about to leave; returns its number, from 1.

        Before anything is written it raises `DiskFullError` when an answer might find no room,
        `FencedError`, and `PausedError`.
        """
        check_room(self.path, self.room_bytes)
        with self.writing():
            self.check_lead()
            rule, account_id, number = self._next_attempt(intent_id)
            self.check_pause(rule, account_id, signed_at)
            self.connection.execute(
                "INSERT INTO attempt (intent_id, number, signed_at, body_hash, epoch) "
                "VALUES (?, ?, ?, ?, ?)",
                (intent_id, number, text(signed_at), body_hash, self.epoch),
            )
            self.step(intent_id, State.SENDING, at=signed_at)
            data = {"attempt": number, "body": body_hash}
            newest = self.note(signed_at, intent_id, "sending", data)
        bear_witness(self.path, self._name, newest)
        return number

    def _next_attempt(self, intent_id: str) -> tuple[str, str, int]:
        """Whose an intent's next attempt is, rule and account, and its number."""
        row = self.connection.execute(
            "SELECT rule, account_id, (SELECT count(*) FROM attempt WHERE intent_id = intent.id) "
            "FROM intent WHERE id = ?",
            (intent_id,),
        ).fetchone()
        if row is None:
            raise LedgerError(f"no transfer {intent_id}")
        return str(row[0]), str(row[1]), int(row[2]) + 1

    # W3

    def record_answer(
        self, intent_id: str, number: int, answer: Answer, at: datetime, *, alarm: str = ""
    ) -> State:
        """W3: writes down what an attempt was answered; returns the state all of them prove.

        `alarm` is why nothing more may be sent at all after this answer; empty where it may. An
        answer that comes after the intent became final for another reason is kept, and alarms
        where it contradicts.
        """
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
            before = self.state_of(intent_id)
            proven = join([attempt.answer_class for attempt in self.attempts(intent_id)])
            state = self._after_answer(before, proven)
            if before in FINAL and proven is State.SETTLED and before is not State.SETTLED:
                alarm = f"transfer {intent_id} is {before}, and the provider says that it moved"
            if before not in FINAL and state is not before:
                note = " ".join(
                    filter(None, (answer.code, *answer.fail_check_items, answer.message))
                )
                moved = (answer.amount, answer.child_coupon_id)
                self.step(intent_id, state, at=at, note=note, moved=moved)
            data = {
                "attempt": number,
                "class": str(answer.answer_class),
                "status": answer.status,
                "code": answer.code,
                "state": str(state),
            }
            self.note(at, intent_id, "answered", data)
            if alarm:
                self.latch(alarm, at)
        return state

    @staticmethod
    def _after_answer(before: State, proven: State) -> State:
        """Where an answer leads: a final state stays, and a person's case only ends by proof."""
        is_left_alone = before in FINAL or (
            before is State.NEEDS_HUMAN and proven is not State.SETTLED
        )
        return before if is_left_alone else proven

    def latch(self, reason: str, at: datetime, *, once: bool = False) -> None:
        """Stops all sending until a person resumes it, inside the caller's transaction. What is
        in force is not set again; with `once`, neither is what a person has ended."""
        scope = "" if once else "AND ended_at IS NULL"
        if self.connection.execute(
            f"SELECT EXISTS (SELECT 1 FROM pause WHERE is_latched AND reason = ? {scope})",
            (reason,),
        ).get:
            return
        self.write_pause(
            Pause(
                id=uuid4().hex[:12],
                rule="",
                account_id="",
                reason=reason,
                by="budgetd",
                at=at,
                is_latched=True,
            )
        )

    def write_pause(self, pause: Pause) -> None:
        """Keeps a pause, inside the caller's transaction."""
        until = None if pause.until is None else text(pause.until)
        self.connection.execute(
            f"INSERT INTO pause ({PAUSE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                pause.id,
                pause.rule,
                pause.account_id,
                pause.reason,
                pause.by,
                text(pause.at),
                until,
                int(pause.is_latched),
            ),
        )
        data = {"pause": pause.id, "scope": pause.scope, "reason": pause.reason, "by": pause.by}
        self.note(pause.at, "", "latched" if pause.is_latched else "paused", data)

    def resolve(
        self, intent_id: str, state: State, evidence: Told, at: datetime, *, expects: State
    ) -> State:
        """Changes a state for another reason than an answer, and keeps the evidence for it.

        Returns the state it is in then: where it is no longer what the caller `expects` (an
        answer came late, another process saw to it) nothing is written. Raises `FencedError`.
        """
        with self.writing():
            return self._resolve(intent_id, (expects, state), evidence, at)

    def settle(self, intent_id: str, evidence: Told, proof: Proven, at: datetime) -> State:
        """Settles what is in doubt by evidence. W4: the record that proves it is claimed in the
        same transaction; a record proves one intent at most, so a second claim raises
        `LedgerError`. Otherwise as `resolve`."""
        with self.writing():
            state = self._resolve(intent_id, (State.IN_DOUBT, State.SETTLED), evidence, at, proof)
            if state is State.SETTLED and proof.change is not None:
                self.claim(intent_id, proof.change, at)
            return state

    def _resolve(
        self,
        intent_id: str,
        step: tuple[State, State],
        evidence: Told,
        at: datetime,
        proof: Proven = NOTHING_PROVEN,
    ) -> State:
        self.check_lead()
        found, (expects, state) = self.state_of(intent_id), step
        if found is not expects:
            return found
        moved = (proof.amount, proof.child_coupon_id)
        self.step(intent_id, state, at=at, note=evidence.get("why", ""), moved=moved)
        self.note(at, intent_id, "resolved", {"state": str(state), **evidence})
        return state

    def claim(self, intent_id: str, change: Change, at: datetime) -> None:
        """Takes a record as an intent's own, for ever, inside the caller's transaction."""
        try:
            self.connection.execute(
                "INSERT INTO claim VALUES (?, ?, ?, ?)",
                (change.id, intent_id, text(change.at), text(at)),
            )
        except apsw.ConstraintError as problem:
            raise LedgerError(
                f"record {change.id} cannot prove transfer {intent_id}: {problem}"
            ) from problem

    def step(
        self,
        intent_id: str,
        after: State,
        *,
        at: datetime,
        note: str = "",
        moved: tuple[Decimal | None, str | None] = (None, None),
    ) -> None:
        """One lawful step, with what it books, inside the caller's transaction: a final row cannot
        be written to again. A step to `sending` is `at` the signing. `moved` is the amount, None
        for the one promised, and the child coupon that came of it."""
        row = self.connection.execute(
            "SELECT state, amount FROM intent WHERE id = ?", (intent_id,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"no transfer {intent_id}")
        check_transition(State(row[0]), after)
        amount, child_coupon_id = moved
        booked = to_minor(amount) if amount is not None else row[1]
        self.connection.execute(
            "UPDATE intent SET state = ?, sent_at = coalesce(?, sent_at), ended_at = ?, note = ?, "
            "booked = ?, child_coupon_id = ? WHERE id = ?",
            (
                str(after),
                text(at) if after is State.SENDING else None,
                text(at) if after in FINAL else None,
                note[:500],
                booked if after is State.SETTLED else None,
                child_coupon_id,
                intent_id,
            ),
        )

    def note(
        self, at: datetime, intent_id: str, kind: str, data: Mapping[str, object]
    ) -> tuple[int, str]:
        """Appends one event, chained by hash to the one before, inside the caller's transaction.
        One that is about no intent has an empty id. Returns its number and its hash."""
        last = self.connection.execute("SELECT hash FROM event ORDER BY seq DESC LIMIT 1").get
        body = _written(data)
        written = text(at)
        found = link(str(last or ""), written, intent_id, kind, body)
        self.connection.execute(
            "INSERT INTO event (at, intent_id, kind, data, hash) VALUES (?, ?, ?, ?, ?)",
            (written, intent_id, kind, body, found),
        )
        return self.connection.last_insert_rowid(), found
