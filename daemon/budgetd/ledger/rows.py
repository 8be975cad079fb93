"""Rows of the state file turned into the core's nouns. It may not run a statement."""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from sys import intern

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Attempt, Direction, Instrument, Intent, Move, State, Unit
from budgetd.core.money import from_minor, to_minor
from budgetd.core.pause import Pause
from budgetd.core.reconciliation import Sent
from budgetd.ledger.times import instant, text

Row = tuple[object, ...]
INTENT_COLUMNS = (
    "id, key, rule, policy_digest, account_id, account_name, instrument, part, direction, "
    "coupon_id, amount, currency, operation, body, body_hash, why, period, reading, "
    "unit_reading, read_at, master_read_at, made_at, expires_at, epoch"
)
MOVE_COLUMNS = (
    "id, rule, account_id, instrument, part, direction, coalesce(booked, amount), state, made_at, "
    "sent_at, ended_at, unit_reading, read_at, period, child_coupon_id, "
    "state IN ('refused', 'cancelled') AND EXISTS (SELECT 1 FROM attempt "
    "WHERE intent_id = intent.id AND class = 'busy'), "
    "CASE WHEN instrument = 'coupon' AND direction = 'allocate' THEN reading END"
)

SENT_COLUMNS = (
    "intent.id, state, instrument, direction, coalesce(booked, amount), "
    "CASE WHEN instrument <> 'coupon' THEN '' WHEN direction = 'allocate' THEN part "
    "ELSE coupon_id END, account_name, min(signed_at), max(signed_at), ended_at, "
    "max(class = 'settled'), max(class = 'received_before'), "
    "max(class IN ('busy', 'contested')) "
    "FROM intent JOIN attempt ON attempt.intent_id = intent.id"
)
PAUSE_COLUMNS = "id, rule, account_id, reason, set_by, at, until, is_latched"


def intent_of(row: Row) -> Intent:
    """The intent of a row of `INTENT_COLUMNS`."""
    named = dict(zip(INTENT_COLUMNS.split(", "), row, strict=True))
    unit = Unit(
        account_id=str(named["account_id"]),
        instrument=Instrument(str(named["instrument"])),
        part=str(named["part"]),
    )
    unit_reading = named["unit_reading"]
    plain = (
        "id",
        "key",
        "rule",
        "policy_digest",
        "account_id",
        "account_name",
        "coupon_id",
        "currency",
        "operation",
        "why",
        "period",
    )
    body = named["body"]
    assert isinstance(body, bytes)
    return Intent(
        **{name: str(named[name]) for name in plain},
        unit=unit,
        direction=Direction(str(named["direction"])),
        amount=amount_of(named["amount"]),
        body=body,
        reading=amount_of(named["reading"]),
        unit_reading=None if unit_reading is None else amount_of(unit_reading),
        read_at=instant(str(named["read_at"])),
        master_read_at=_instant(named["master_read_at"]),
        made_at=instant(str(named["made_at"])),
        expires_at=instant(str(named["expires_at"])),
        epoch=whole(named["epoch"]),
    )


def intent_row(intent: Intent) -> tuple[str | int | bytes | None, ...]:
    """The row of `INTENT_COLUMNS` of an intent."""
    return (
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


def amount_of(value: object) -> Decimal:
    """The amount of a column of minor units."""
    return from_minor(whole(value))


def whole(value: object) -> int:
    """The number of a column of whole numbers."""
    assert isinstance(value, int)
    return value


def _instant(value: object) -> datetime | None:
    return None if value is None else instant(str(value))


def move_of(row: Row) -> Move:
    """The move of a row of `MOVE_COLUMNS`; its amount is what was booked, once that is known.
    A month may have a hundred moves of an account: what they have in common is held once."""
    unit = Unit(
        account_id=intern(str(row[2])), instrument=Instrument(str(row[3])), part=intern(str(row[4]))
    )
    return Move(
        id=str(row[0]),
        rule=intern(str(row[1])),
        unit=unit,
        direction=Direction(str(row[5])),
        amount=amount_of(row[6]),
        state=State(str(row[7])),
        made_at=instant(str(row[8])),
        sent_at=_instant(row[9]),
        ended_at=_instant(row[10]),
        reading=None if row[11] is None else amount_of(row[11]),
        read_at=_instant(row[12]),
        period=intern(str(row[13])),
        child_coupon_id=None if row[14] is None else str(row[14]),
        was_busy=bool(row[15]),
        before=None if row[16] is None else amount_of(row[16]),
    )


def attempt_of(row: Row) -> Attempt:
    """The attempt of a row."""
    answered = row[3]
    return Attempt(
        number=whole(row[0]),
        signed_at=instant(str(row[1])),
        body_hash=str(row[2]),
        answer_class=None if answered is None else AnswerClass(str(answered)),
        phase=str(row[4] or ""),
        status=None if row[5] is None else whole(row[5]),
        code=str(row[6] or ""),
        message=str(row[7] or ""),
        request_id=str(row[8] or ""),
        answered_at=_instant(row[9]),
    )


def sent_of(row: Row) -> Sent:
    """An intent that left, of a row of `SENT_COLUMNS`."""
    return Sent(
        id=str(row[0]),
        state=State(str(row[1])),
        instrument=Instrument(str(row[2])),
        direction=Direction(str(row[3])),
        amount=amount_of(row[4]),
        coupon_id=str(row[5]),
        account_name=str(row[6]),
        first_at=instant(str(row[7])),
        last_at=instant(str(row[8])),
        ended_at=_instant(row[9]),
        is_by_answer=bool(row[10]),
        was_received=bool(row[11]),
        was_contested=bool(row[12]),
    )


def pause_of(row: Row) -> Pause:
    """The pause of a row of `PAUSE_COLUMNS`."""
    return Pause(
        id=str(row[0]),
        rule=str(row[1]),
        account_id=str(row[2]),
        reason=str(row[3]),
        by=str(row[4]),
        at=instant(str(row[5])),
        until=_instant(row[6]),
        is_latched=bool(row[7]),
    )
