"""What a proof says: for every state and way of knowing, at every width, and no more than is so."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import FINAL, Attempt, Direction, Instrument, Intent, Move, State, Unit
from budgetd.core.observation import Sample
from budgetd.core.reconciliation import Claim, Sent
from budgetd.report.life import Chain, Event, Evidence, Life
from budgetd.report.proof import Basis, basis_of, verdict_of
from budgetd.report.proof_json import proof_json
from budgetd.report.proof_text import proof_text
from budgetd.report.screen import Screen

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
BODY = b'{"amount":"100.00"}'
HASH = "a6cd1f4f4d5fd2bc4ad7ff1e4a5b53a3b2dc1aef4b1c4a3e1dc7d3a9d1d9c3e0"
HOSTILE = "[red]\u202e\x1b[31mx"


def intent(**changes: object) -> Intent:
    given: dict[str, object] = {
        "id": "aaaaaaaaaaaaaaaa",
        "key": "a" * 32,
        "rule": "p/up",
        "policy_digest": "sha256:0",
        "account_id": "a",
        "account_name": f"acme{HOSTILE}",
        "unit": Unit(account_id="a", instrument=Instrument.CASH),
        "direction": Direction.ALLOCATE,
        "coupon_id": "",
        "amount": Decimal("100.00"),
        "currency": "CNY",
        "operation": "UpdateSubEnterpriseAmount",
        "body": BODY,
        "why": "below_trigger",
        "period": "",
        "reading": Decimal("10.00"),
        "unit_reading": Decimal("10.00"),
        "read_at": AT,
        "master_read_at": AT,
        "made_at": AT,
        "expires_at": AT + timedelta(minutes=30),
        "epoch": 1,
    }
    return Intent(**{**given, **changes})  # type: ignore[arg-type]  # any field may be changed


def life(state: State, *classes: AnswerClass | None, word: dict[str, object] | None = None) -> Life:
    """A transfer in a state, after so many attempts, concluded by a word."""
    made = intent()
    attempts = tuple(
        Attempt(
            number=number,
            signed_at=AT + timedelta(seconds=number),
            body_hash=HASH,
            answer_class=one,
            status=400,
            code="CBC.0001",
            message=HOSTILE,
            answered_at=None if one is None else AT + timedelta(seconds=number, milliseconds=5),
        )
        for number, one in enumerate(classes, 1)
    )
    events: list[Event] = [(AT, "prepared", {"amount": "100.00", "children": []})]
    if word is not None:
        events.append((AT, "resolved", {"state": str(state), **word}))
    move = Move(
        id=made.id,
        rule=made.rule,
        unit=made.unit,
        direction=made.direction,
        amount=made.amount,
        state=state,
        made_at=AT,
        sent_at=AT if classes else None,
        ended_at=AT if state in FINAL else None,
    )
    return Life(intent=made, move=move, attempts=attempts, events=tuple(events))


def evidence(told: Life, **changes: object) -> Evidence:
    sent = Sent(
        id=told.intent.id,
        state=told.move.state,
        instrument=Instrument.CASH,
        direction=Direction.ALLOCATE,
        amount=told.intent.amount,
        coupon_id="",
        account_name="acme",
        first_at=AT,
        last_at=AT,
    )
    made = Evidence(
        life=told,
        chain=Chain(first=1, last=2, broken=None),
        sent=sent if told.attempts else None,
        before=Sample(AT, Decimal("10.00")),
        family=tuple(replace(sent, id=f"twin{number}") for number in range(30)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # any field may be changed


COUNTED: dict[str, object] = {"why": "w", "records": "1", "settled": "0", "in_doubt": "1"}
CASES = {
    Basis.ANSWER: life(State.SETTLED, AnswerClass.UNKNOWN, AnswerClass.SETTLED),
    Basis.KEY_AND_READING: life(
        State.SETTLED,
        AnswerClass.UNKNOWN,
        AnswerClass.RECEIVED_BEFORE,
        word={"why": "w", "reading_before": "1.00", "reading_after": "2.00", "record": "R"},
    ),
    Basis.CHILD_COUPON: life(State.SETTLED, None, word={"why": "w", "child_coupon_id": "C1"}),
    Basis.COUNT: life(State.SETTLED, None, word=COUNTED),
    Basis.EVIDENCE: life(State.SETTLED, None, word={"why": "it is gone"}),
    Basis.NO_RECORD: life(State.VOID, None, word=COUNTED | {"records": "0"}),
    Basis.REFUSAL: life(State.REFUSED, AnswerClass.REFUSED),
    Basis.NOT_EXECUTED: life(State.CANCELLED, AnswerClass.RETRYABLE, word={"why": "w"}),
    Basis.NEVER_SENT: life(State.CANCELLED, word={"why": "w"}),
    Basis.PERSON: life(State.SETTLED, None, word={"why": f"seen {HOSTILE}", "by": "operator"}),
    Basis.UNSENT: life(State.PREPARED),
    Basis.DOUBT: life(State.IN_DOUBT, AnswerClass.UNKNOWN),
    Basis.NEEDS_HUMAN: life(State.NEEDS_HUMAN, None, word=COUNTED),
}


@pytest.mark.parametrize("basis", Basis)
def test_every_way_of_knowing_has_its_words(basis: Basis) -> None:
    told = evidence(CASES[basis])
    assert basis_of(told.life) is basis
    verdict = verdict_of(told)
    assert "{" not in verdict.proves + verdict.leaves_open
    assert verdict.proves.endswith(".")
    moved = verdict.proves.startswith("It moved")
    stayed = verdict.proves.startswith("It did not move")
    state = told.life.move.state
    assert moved == (state is State.SETTLED and basis is not Basis.PERSON)
    assert stayed == (state in (State.VOID, State.REFUSED, State.CANCELLED))


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_proof_fits_the_screen_and_no_name_acts_on_it(basis: Basis, width: int) -> None:
    screen = Screen(width=width, zone=ZoneInfo("Asia/Shanghai"))
    text = proof_text(evidence(CASES[basis]), screen)
    assert "\x1b" not in text
    assert "\u202e" not in text
    # What has no blank, a hash or a body, stays whole; 80 cells have room for hashes.
    wide = [line for line in text.splitlines() if cell_len(line) > width]
    assert all(len(line[13:].split()) == 1 for line in wide), wide
    assert not wide or width == 60
    assert "what it does not prove" in text
    assert ("10 more; `--format json` has all" in text) is (CASES[basis].attempts != ())


@pytest.mark.parametrize("basis", Basis)
def test_the_proof_for_machines_says_the_same(basis: Basis) -> None:
    told = evidence(CASES[basis])
    document = json.loads(json.dumps(proof_json(told)))
    assert document["format"] == "budgetd.proof/1"
    assert document["basis"] == str(basis)
    assert document["proves"] == verdict_of(told).proves
    assert len(document["alike"]) == 30


def test_a_body_that_is_not_what_was_promised_and_a_broken_chain_are_told() -> None:
    told = evidence(CASES[Basis.ANSWER], chain=Chain(first=3, last=9, broken=7))
    holds = dict(verdict_of(told).checks)
    assert list(holds.values()) == [False, True, False]
    text = proof_text(told, Screen(width=80, zone=ZoneInfo("UTC")))
    assert text.count("  !! ") == 2
    bare = evidence(CASES[Basis.UNSENT], chain=Chain(first=0, last=0, broken=None))
    assert list(dict(verdict_of(bare).checks).values()) == [True, False, True]


def test_a_record_of_its_own_is_named_with_what_it_is_worth() -> None:
    claim = Claim(record_id="AC17", moved_at=AT, at=AT)
    claimed = replace(CASES[Basis.ANSWER], claim=claim)
    assert "Record AC17 " in verdict_of(evidence(claimed)).leaves_open
    assert "No record has been taken" in verdict_of(evidence(CASES[Basis.ANSWER])).leaves_open
    assert "ecord" not in verdict_of(evidence(CASES[Basis.NEVER_SENT])).leaves_open


def test_a_void_one_says_when_its_dead_time_ended() -> None:
    assert "2026-11-30 14:45:00Z" in verdict_of(evidence(CASES[Basis.NO_RECORD])).proves
