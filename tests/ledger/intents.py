"""Intents to put into a ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from budgetd.core.answer import Answer, AnswerClass, Phase
from budgetd.core.intent import Direction, Instrument, Intent, State, Unit
from budgetd.ledger.recovery import doubt_interrupted
from budgetd.ledger.store import Ledger

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
_numbers = count(1)


def leading(path: Path, **options: Any) -> Ledger:
    """A ledger that may promise and send."""
    ledger = Ledger(path, may_write=True, **options)
    ledger.lead("acme")
    return ledger


def later(**length: float) -> datetime:
    return AT + timedelta(**length)


def intent_of(account: str = "a", **changes: Any) -> Intent:
    """A top-up of 100.00 in cash, unlike any other."""
    number = next(_numbers)
    made = Intent(
        id=f"intent{number:010d}",
        key=f"{number:032x}",
        rule="p/up",
        policy_digest="sha256:0",
        account_id=account,
        account_name=f"acme_{account}",
        unit=Unit(account_id=account, instrument=Instrument.CASH),
        direction=Direction.ALLOCATE,
        coupon_id="",
        amount=Decimal("100.00"),
        currency="CNY",
        operation="UpdateSubEnterpriseAmount",
        body=b'{"amount":"100.00"}',
        why="below_trigger",
        period="",
        reading=Decimal("10.00"),
        unit_reading=Decimal("10.00"),
        read_at=AT,
        master_read_at=AT,
        made_at=AT,
        expires_at=later(minutes=30),
        epoch=1,
    )
    return replace(made, **changes)


def promise(ledger: Ledger, intent: Intent) -> Intent:
    """W1."""
    with ledger.writing():
        ledger.promise(intent)
    return intent


def answer_of(answer_class: AnswerClass, **fields: Any) -> Answer:
    given = {"phase": Phase.ANSWERED, "answer_class": answer_class, "status": 204} | fields
    return Answer(**given)


def send(ledger: Ledger, intent: Intent, *classes: AnswerClass | None, **fields: Any) -> State:
    """W2 and W3 of so many attempts; None is one without an answer, which only who comes after
    can follow by another."""
    for answer_class in classes:
        if ledger.state_of(intent.id) is State.SENDING:
            doubt_interrupted(ledger, AT)
        number = ledger.record_attempt(intent.id, AT, "hash")
        if answer_class is not None:
            answer = answer_of(answer_class, **fields)
            ledger.record_answer(intent.id, number, answer, later(seconds=number))
    return ledger.state_of(intent.id)
