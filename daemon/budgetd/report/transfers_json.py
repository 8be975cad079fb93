"""The ledger for machines: `budgetd.transfers/1`, amounts as text, times as RFC 3339.

It may not read the ledger: it is handed what stands there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from budgetd.core.intent import Attempt, Move
from budgetd.core.moment import format_instant
from budgetd.core.money import format_amount
from budgetd.report.life import Life

Json = dict[str, object]


def moves_json(moves: Sequence[Move], names: Mapping[str, str]) -> Json:
    """A list of transfers."""
    return {
        "format": "budgetd.transfers/1",
        "transfers": [_move(move, names.get(move.unit.account_id, "")) for move in moves],
    }


def _move(move: Move, name: str) -> Json:
    return {
        "id": move.id,
        "rule": move.rule,
        "direction": str(move.direction),
        "instrument": str(move.unit.instrument),
        "account": {"id": move.unit.account_id, "name": name},
        "part": move.unit.part or None,
        "amount": format_amount(move.amount),
        "state": str(move.state),
        "made_at": format_instant(move.made_at),
        "sent_at": _instant(move.sent_at),
        "ended_at": _instant(move.ended_at),
    }


def _instant(at: datetime | None) -> str | None:
    return format_instant(at) if at else None


def life_json(life: Life) -> Json:
    """One transfer with its attempts and events."""
    return {"format": "budgetd.transfer/1", **life_fields(life)}


def life_fields(life: Life) -> Json:
    """What `budgetd.transfer/1` says of a life; `record` and `paused` are null without one."""
    intent, claim, pause = life.intent, life.claim, life.pause
    return {
        **_move(life.move, intent.account_name),
        "key": intent.key,
        "asked": format_amount(intent.amount),
        "currency": intent.currency,
        "why": intent.why,
        "reading": format_amount(intent.reading),
        "policy_digest": intent.policy_digest,
        "attempts": [attempt_json(attempt) for attempt in life.attempts],
        "events": [
            {"at": format_instant(at), "kind": kind, "data": data} for at, kind, data in life.events
        ],
        "record": None
        if claim is None
        else {
            "id": claim.record_id,
            "moved_at": format_instant(claim.moved_at),
            "claimed_at": format_instant(claim.at),
        },
        "paused": None if pause is None or not life.move.is_open else pause.reason,
    }


def attempt_json(attempt: Attempt) -> Json:
    """One sending."""
    return {
        "number": attempt.number,
        "signed_at": format_instant(attempt.signed_at),
        "body_sha256": attempt.body_hash,
        "class": str(attempt.answer_class) if attempt.answer_class else None,
        "phase": attempt.phase or None,
        "status": attempt.status,
        "code": attempt.code or None,
        "message": attempt.message or None,
        "request_id": attempt.request_id or None,
        "answered_at": _instant(attempt.answered_at),
    }
