"""What is durable when, what the rows say, and what the database itself refuses."""

import json
from decimal import Decimal
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import (
    FINAL,
    Direction,
    IllegalTransitionError,
    Instrument,
    State,
    Unit,
)
from budgetd.ledger import kept, looking
from budgetd.ledger.database import DiskFullError, LedgerError, check_room
from budgetd.ledger.recovery import cancel_unsent, doubt_interrupted
from budgetd.ledger.store import FencedError, Ledger, PausedError, UnitTakenError

from .intents import AT, answer_of, intent_of, later, leading, promise, send

SETTLED = AnswerClass.SETTLED
UNKNOWN = AnswerClass.UNKNOWN


def test_w1_promises_and_nothing_is_sent(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    assert ledger.intent(intent.id) == intent
    assert ledger.state_of(intent.id) is State.PREPARED
    assert ledger.attempts(intent.id) == []
    assert ledger.open_intents() == [intent]
    move = ledger.move(intent.id)
    assert (move.amount, move.sent_at, move.ended_at) == (Decimal("100.00"), None, None)


def test_w2_says_that_a_request_may_be_anywhere(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    assert send(ledger, intent, None) is State.SENDING
    (attempt,) = ledger.attempts(intent.id)
    assert (attempt.number, attempt.signed_at, attempt.body_hash) == (1, AT, "hash")
    assert attempt.answer_class is None
    assert ledger.move(intent.id).sent_at == AT


def test_w3_keeps_the_answer_and_the_state_of_all_attempts(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    assert send(ledger, intent, UNKNOWN, status=500, code="CBC.0999") is State.IN_DOUBT
    assert send(ledger, intent, SETTLED, request_id="r2") is State.SETTLED
    first, second = ledger.attempts(intent.id)
    assert (first.answer_class, first.status, first.code) == (UNKNOWN, 500, "CBC.0999")
    assert (second.answer_class, second.request_id) == (SETTLED, "r2")
    move = ledger.move(intent.id)
    assert (move.state, move.ended_at) == (State.SETTLED, later(seconds=2))
    assert ledger.open_intents() == []


def test_what_is_committed_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "budgetd.db"
    first = leading(path)
    intent = promise(first, intent_of())
    first.record_attempt(intent.id, AT, "hash")
    second = Ledger(path, may_write=False)
    assert second.state_of(intent.id) is State.SENDING
    first.close()
    second.close()


def test_an_error_inside_a_transaction_leaves_nothing(ledger: Ledger) -> None:
    intent = intent_of()

    def fail() -> None:
        with ledger.writing():
            ledger.promise(intent)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ledger.intent(intent.id) is None
    assert ledger.last_seq() == 0


def test_the_booked_amount_is_what_really_moved(ledger: Ledger) -> None:
    unit = Unit(account_id="a", instrument=Instrument.COUPON, part="CHILD")
    intent = promise(ledger, intent_of(unit=unit, direction=Direction.RECLAIM, coupon_id="CP"))
    send(ledger, intent, SETTLED, amount=Decimal("18.40"))
    assert ledger.move(intent.id).amount == Decimal("18.40")
    assert ledger.intent(intent.id) == intent


def test_one_unit_has_one_open_intent(ledger: Ledger) -> None:
    first = promise(ledger, intent_of())
    with pytest.raises(UnitTakenError):
        promise(ledger, intent_of(direction=Direction.RECLAIM, rule="p/other"))
    promise(ledger, intent_of("b"))
    send(ledger, first, UNKNOWN)
    with pytest.raises(UnitTakenError):
        promise(ledger, intent_of())
    ledger.resolve(
        first.id, State.VOID, {"why": "proven"}, later(hours=1), expects=ledger.state_of(first.id)
    )
    promise(ledger, intent_of())


@pytest.mark.parametrize(
    ("state", "is_free"),
    [(State.SETTLED, False), (State.REFUSED, True), (State.CANCELLED, True), (State.VOID, True)],
)
def test_a_period_is_used_once_by_what_counts(ledger: Ledger, state: State, is_free: bool) -> None:
    first = promise(ledger, intent_of(period="2026-11"))
    match state:
        case State.SETTLED:
            send(ledger, first, SETTLED)
        case State.VOID:
            send(ledger, first, UNKNOWN)
            ledger.resolve(
                first.id, state, {"why": "proven"}, AT, expects=ledger.state_of(first.id)
            )
        case _:
            ledger.resolve(
                first.id, state, {"why": "it was"}, AT, expects=ledger.state_of(first.id)
            )
    if is_free:
        promise(ledger, intent_of(period="2026-11"))
    else:
        with pytest.raises(UnitTakenError):
            promise(ledger, intent_of(period="2026-11"))
    promise(ledger, intent_of("b", period="2026-11"))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("0.00")},
        {"amount": Decimal("-1.00")},
        {"key": "A" * 32},
        {"key": "0" * 31},
        {"key": "0" * 33},
        {"key": "g" * 32},
        {"rule": ""},
        {"account_id": ""},
    ],
)
def test_the_schema_refuses_what_is_no_intent(ledger: Ledger, changes: dict[str, object]) -> None:
    with pytest.raises(LedgerError) as caught:
        promise(ledger, intent_of(**changes))
    assert not isinstance(caught.value, UnitTakenError)
    assert ledger.open_intents() == []


def test_a_key_and_an_id_are_used_once_for_ever(ledger: Ledger) -> None:
    first = promise(ledger, intent_of())
    for taken in ({"key": first.key}, {"id": first.id}):
        with pytest.raises(UnitTakenError):
            promise(ledger, intent_of("b", **taken))


STATEMENTS = [
    "DELETE FROM intent",
    "DELETE FROM attempt",
    "DELETE FROM event",
    "UPDATE intent SET amount = 1",
    "UPDATE intent SET key = lower(hex(randomblob(16)))",
    "UPDATE intent SET account_id = 'z'",
    "UPDATE intent SET body = x'00'",
    "UPDATE intent SET state = 'sending', ended_at = NULL",
    "UPDATE intent SET booked = 1",
    "UPDATE intent SET state = 'nonsense'",
    "UPDATE attempt SET class = 'refused'",
    "UPDATE attempt SET signed_at = 'x'",
    "UPDATE event SET data = '{}'",
    "INSERT OR REPLACE INTO intent SELECT * FROM intent",
    "INSERT OR REPLACE INTO attempt SELECT * FROM attempt",
    "INSERT OR REPLACE INTO event SELECT * FROM event",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_itself_refuses_to_rewrite_the_past(ledger: Ledger, statement: str) -> None:
    send(ledger, promise(ledger, intent_of()), SETTLED)
    before = ledger.connection.execute("SELECT * FROM intent, attempt, event").fetchall()
    with pytest.raises(apsw.ConstraintError):
        ledger.connection.execute(statement)
    assert ledger.connection.execute("SELECT * FROM intent, attempt, event").fetchall() == before


def test_a_settled_row_without_an_amount_is_refused(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    with pytest.raises(apsw.ConstraintError):
        ledger.connection.execute(
            "UPDATE intent SET state = 'settled', ended_at = 'x' WHERE id = ?", (intent.id,)
        )


@pytest.mark.parametrize("final", sorted(FINAL))
def test_final_is_final(ledger: Ledger, final: State) -> None:
    intent = promise(ledger, intent_of())
    if final in (State.SETTLED, State.VOID):
        send(ledger, intent, UNKNOWN)
    ledger.resolve(intent.id, final, {"why": "so"}, AT, expects=ledger.state_of(intent.id))
    events = ledger.last_seq()
    for state in State:
        with pytest.raises(IllegalTransitionError):
            ledger.resolve(intent.id, state, {"why": "no"}, AT, expects=ledger.state_of(intent.id))
    with pytest.raises(IllegalTransitionError):
        ledger.record_attempt(intent.id, AT, "hash")
    assert ledger.state_of(intent.id) is final
    assert ledger.last_seq() == events
    assert len(ledger.attempts(intent.id)) == (1 if final in (State.SETTLED, State.VOID) else 0)


def folded(ledger: Ledger, intent_id: str) -> str:
    """The state that the events alone tell."""
    state = ""
    for _, kind, data in ledger.events(intent_id):
        state = str(data.get("state", kind))
    return state


CLASSES = st.lists(st.sampled_from([*AnswerClass, None]), max_size=5)


@given(st.lists(st.tuples(CLASSES, st.booleans()), min_size=1, max_size=4))
def test_the_events_alone_tell_every_state(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[list[AnswerClass | None], bool]]
) -> None:
    ledger = leading(tmp_path_factory.mktemp("fold") / "budgetd.db")
    ids = []
    for number, (classes, crashes) in enumerate(lives):
        intent = promise(ledger, intent_of(f"account{number}"))
        ids.append(intent.id)
        for answer_class in classes:
            if ledger.state_of(intent.id) in FINAL:
                break
            send(ledger, intent, answer_class)
        if crashes:
            cancel_unsent(ledger, AT)
            doubt_interrupted(ledger, AT)
    for intent_id in ids:
        assert folded(ledger, intent_id) == ledger.state_of(intent_id)
    assert looking.broken_link(ledger) is None
    ledger.close()


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE event SET data = replace(data, '100.00', '900.00') WHERE seq = 1",
        "UPDATE event SET kind = 'resolved' WHERE seq = 2",
        "UPDATE event SET at = '2026-01-01T00:00:00.000000Z' WHERE seq = 2",
        "UPDATE event SET intent_id = 'other' WHERE seq = 2",
        "DELETE FROM event WHERE seq = 2",
        "INSERT INTO event VALUES (99, 'x', 'y', 'z', '{}', 'h')",
    ],
)
def test_the_chain_tells_every_change_of_the_past(ledger: Ledger, tamper: str) -> None:
    send(ledger, promise(ledger, intent_of()), UNKNOWN, SETTLED)
    assert looking.broken_link(ledger) is None
    for name in ("event_is_kept", "event_is_fixed"):
        ledger.connection.execute(f"DROP TRIGGER {name}")
    ledger.connection.execute(tamper)
    assert looking.broken_link(ledger) is not None


def test_a_restart_withdraws_what_was_not_sent_and_doubts_what_was(ledger: Ledger) -> None:
    unsent, sent, throttled, busy, doubted = (
        promise(ledger, intent_of(name)) for name in ("a", "b", "c", "d", "e")
    )
    send(ledger, sent, None)
    send(ledger, throttled, AnswerClass.RETRYABLE)
    send(ledger, busy, AnswerClass.BUSY)
    send(ledger, doubted, UNKNOWN)
    assert set(cancel_unsent(ledger, AT)) == {unsent.id, throttled.id, busy.id}
    assert doubt_interrupted(ledger, AT) == [sent.id]
    states = {one.id: ledger.state_of(one.id) for one in (unsent, sent, throttled, busy, doubted)}
    assert states == {
        unsent.id: State.CANCELLED,
        sent.id: State.IN_DOUBT,
        throttled.id: State.CANCELLED,
        busy.id: State.REFUSED,
        doubted.id: State.IN_DOUBT,
    }
    assert cancel_unsent(ledger, AT) == doubt_interrupted(ledger, AT) == []


def test_moves_are_the_recent_and_the_open_and_the_sums_are_the_rest(ledger: Ledger) -> None:
    old = promise(ledger, intent_of("a", made_at=later(days=-40)))
    send(ledger, old, SETTLED)
    older_open = promise(ledger, intent_of("b", made_at=later(days=-41)))
    send(ledger, older_open, UNKNOWN)
    refused = promise(ledger, intent_of("c", made_at=later(days=-42)))
    send(ledger, refused, AnswerClass.REFUSED)
    fresh = promise(ledger, intent_of("a"))
    since = later(days=-32)
    assert [move.id for move in ledger.moves(since)] == [older_open.id, fresh.id]
    key = ("a", Instrument.CASH, Direction.ALLOCATE)
    assert ledger.moved_before(since) == {key: Decimal("100.00")}


def test_changed_since_tells_what_other_processes_did(ledger: Ledger, tmp_path: Path) -> None:
    first = promise(ledger, intent_of("a"))
    promise(ledger, intent_of("b"))
    seq = ledger.last_seq()
    assert ledger.changed_since(seq) == ()
    other = leading(tmp_path / "budgetd.db")
    send(other, first, SETTLED)
    fresh = promise(other, intent_of("c"))
    other.close()
    found = {move.id: move.state for move in ledger.changed_since(seq)}
    assert found == {first.id: State.SETTLED, fresh.id: State.PREPARED}


def test_whoever_leads_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        ledger = leading(tmp_path / "budgetd.db")
        epochs.append(ledger.epoch)
        ledger.close()
    assert epochs == [1, 2, 3]


def test_what_another_has_seen_to_is_left_as_it_is(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    send(ledger, intent, SETTLED)
    seq = ledger.last_seq()
    left = ledger.resolve(intent.id, State.VOID, {"why": "no"}, AT, expects=State.IN_DOUBT)
    assert (left, ledger.state_of(intent.id)) == (State.SETTLED, State.SETTLED)
    assert ledger.last_seq() == seq


def test_who_does_not_lead_any_more_writes_answers_alone(ledger: Ledger, tmp_path: Path) -> None:
    sent, unsent = promise(ledger, intent_of("a")), promise(ledger, intent_of("b"))
    number = ledger.record_attempt(sent.id, AT, "hash")
    other = leading(tmp_path / "budgetd.db")
    with pytest.raises(FencedError):
        ledger.record_attempt(unsent.id, AT, "hash")
    with pytest.raises(FencedError):
        promise(ledger, intent_of("c"))
    with pytest.raises(FencedError):
        ledger.resolve(unsent.id, State.CANCELLED, {}, AT, expects=State.PREPARED)
    with pytest.raises(FencedError):
        cancel_unsent(ledger, AT)
    # What the provider answered to its last request is true whoever leads.
    assert doubt_interrupted(other, AT) == [sent.id]
    assert ledger.record_answer(sent.id, number, answer_of(SETTLED), AT) is State.SETTLED
    assert other.state_of(sent.id) is State.SETTLED
    other.close()


def test_a_late_answer_that_contradicts_a_final_state_stops_everything(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of())
    number = ledger.record_attempt(intent.id, AT, "hash")
    doubt_interrupted(ledger, AT)
    ledger.resolve(intent.id, State.VOID, {"why": "no record"}, AT, expects=State.IN_DOUBT)
    assert ledger.record_answer(intent.id, number, answer_of(SETTLED), AT) is State.VOID
    assert [pause.is_latched for pause in ledger.pauses()] == [True]
    with pytest.raises(PausedError):
        promise(ledger, intent_of("b"))


def test_rules_and_slots_are_remembered_as_first_seen(ledger: Ledger) -> None:
    kept.note_rules(ledger, ["p/a"], AT)
    kept.note_rules(ledger, ["p/a", "p/b"], later(hours=1))
    assert kept.first_loaded(ledger) == {"p/a": AT, "p/b": later(hours=1)}
    kept.note_decided(ledger, [("p/a", "x", "2026-11")], AT)
    kept.note_decided(ledger, [("p/a", "x", "2026-11")], later(hours=1))
    assert kept.decided(ledger) == {("p/a", "x", "2026-11")}


def test_a_plan_is_used_once(ledger: Ledger) -> None:
    assert kept.use_plan(ledger, "sha256:1", AT)
    assert not kept.use_plan(ledger, "sha256:1", later(hours=1))
    assert kept.use_plan(ledger, "sha256:2", AT)


def test_nothing_is_sent_where_an_answer_might_find_no_room(tmp_path: Path) -> None:
    check_room(tmp_path / "budgetd.db", 1)
    ledger = leading(tmp_path / "budgetd.db", room_bytes=1 << 62)
    intent = promise(ledger, intent_of())
    with pytest.raises(DiskFullError, match="nothing is sent"):
        ledger.record_attempt(intent.id, AT, "hash")
    assert ledger.state_of(intent.id) is State.PREPARED
    assert ledger.attempts(intent.id) == []
    ledger.close()


def test_ids_are_found_by_their_start_and_never_by_a_pattern(ledger: Ledger) -> None:
    intent = promise(ledger, intent_of(id="abc%def"))
    promise(ledger, intent_of("b", id="abcxdef"))
    assert looking.find(ledger, "abc%") == [intent.id]
    assert len(looking.find(ledger, "abc")) == 2
    assert looking.find(ledger, "%") == []
    assert looking.account_names(ledger) == {"a": "acme_a", "b": "acme_b"}
    assert [move.id for move in looking.newest(ledger, 1)]


def test_unknown_ids_raise(ledger: Ledger) -> None:
    for ask in (ledger.state_of, ledger.move):
        with pytest.raises(LedgerError, match="no transfer"):
            ask("nobody")
    with pytest.raises(LedgerError, match="no transfer"):
        ledger.resolve("nobody", State.VOID, {}, AT, expects=State.IN_DOUBT)
    assert ledger.intent("nobody") is None
    assert json.dumps(ledger.attempts("nobody")) == "[]"
