"""What the evidence of one transfer proves, and what it does not: in words, by how it is known.

It may not decide what became of a transfer: that stands in the ledger.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from zoneinfo import ZoneInfo

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.moment import format_second
from budgetd.core.reconciliation import DEAD_TIME
from budgetd.report.life import Evidence, Life


class Basis(StrEnum):
    """How it is known what became of a transfer."""

    ANSWER = "answer"
    KEY_AND_READING = "key_and_reading"
    CHILD_COUPON = "child_coupon"
    COUNT = "count"
    EVIDENCE = "evidence"
    NO_RECORD = "no_record"
    REFUSAL = "refusal"
    NOT_EXECUTED = "not_executed"
    NEVER_SENT = "never_sent"
    PERSON = "person"
    UNSENT = "unsent"
    DOUBT = "doubt"
    NEEDS_HUMAN = "needs_human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`proves` and `leaves_open` are whole sentences; `checks` are what must hold for both, each
    with whether it does."""

    basis: Basis
    proves: str
    leaves_open: str
    checks: tuple[tuple[str, bool], ...]


CONCLUDING = ("resolved", "recovered")
"""The events that say what became of a transfer without an answer."""

_OPEN_BASES = {
    State.PREPARED: Basis.UNSENT,
    State.SENDING: Basis.DOUBT,
    State.IN_DOUBT: Basis.DOUBT,
    State.NEEDS_HUMAN: Basis.NEEDS_HUMAN,
    State.REFUSED: Basis.REFUSAL,
}


def basis_of(life: Life) -> Basis:
    """How it is known, read off the state and the event that brought it there."""
    state, word = life.move.state, last_word(life)
    if state in _OPEN_BASES:
        return _OPEN_BASES[state]
    if state is State.CANCELLED:
        return Basis.NOT_EXECUTED if life.attempts else Basis.NEVER_SENT
    if "by" in word:
        return Basis.PERSON
    if state is State.VOID:
        return Basis.NO_RECORD
    if any(one.answer_class is AnswerClass.SETTLED for one in life.attempts):
        return Basis.ANSWER
    for name, basis in (
        ("reading_before", Basis.KEY_AND_READING),
        ("child_coupon_id", Basis.CHILD_COUPON),
        ("records", Basis.COUNT),
    ):
        if name in word:
            return basis
    return Basis.EVIDENCE


def last_word(life: Life) -> dict[str, object]:
    """The data of the last event that concluded something without an answer; empty without."""
    concluded = [data for _, kind, data in life.events if kind in CONCLUDING]
    return concluded[-1] if concluded else {}


def verdict_of(evidence: Evidence, zone: ZoneInfo | None = None) -> Verdict:
    """What all of it amounts to; times in that zone, without one in UTC, which they say."""
    basis, facts = basis_of(evidence.life), _facts(evidence, zone)
    return Verdict(
        basis=basis,
        proves=_PROVES[basis].format(**facts),
        leaves_open=_LEAVES_OPEN[basis].format(**facts) + _record(evidence, basis),
        checks=_checks(evidence),
    )


def _checks(evidence: Evidence) -> tuple[tuple[str, bool], ...]:
    promised = sha256(evidence.life.intent.body).hexdigest()
    is_same = all(one.body_hash == promised for one in evidence.life.attempts)
    return (
        ("every attempt carried the promised body and key", is_same),
        ("its promise is an event of the ledger's chain", evidence.chain.first > 0),
        ("no event since its first was changed", evidence.chain.broken is None),
    )


def _facts(evidence: Evidence, zone: ZoneInfo | None) -> dict[str, str]:
    life, word = evidence.life, last_word(evidence.life)
    settled = [one for one in life.attempts if one.answer_class is AnswerClass.SETTLED]
    said = settled[0] if settled else life.attempts[-1] if life.attempts else None
    facts = {name: str(value) for name, value in word.items()}
    facts |= {
        "why": str(word.get("why", "")),
        "status": "" if said is None else f"{said.status or 'nothing'} {said.code}".strip(),
        "number": "" if said is None else str(said.number),
        "attempts": str(len(life.attempts)),
        "dead": _at(evidence.sent.last_at + DEAD_TIME, zone) if evidence.sent else "",
        "kind": kind_of(life),
    }
    named = ("by", "records", "settled", "in_doubt", "window", "read_at", "reading_before")
    unknown = dict.fromkeys((*named, "reading_after", "child_coupon_id"), "unknown")
    return unknown | facts


def kind_of(life: Life) -> str:
    """What the records can tell of it: the instrument, the way and the amount."""
    intent = life.intent
    way = "allocated" if intent.direction is Direction.ALLOCATE else "taken home"
    if intent.unit.instrument is Instrument.COUPON:
        return f"coupon {intent.unit.part if not intent.coupon_id else intent.coupon_id} {way}"
    return f"{intent.amount} of {intent.unit.instrument} {way}"


def _at(at: datetime, zone: ZoneInfo | None) -> str:
    return format_second(at, zone) if zone else f"{at:%Y-%m-%d %H:%M:%S}Z"


def _record(evidence: Evidence, basis: Basis) -> str:
    """What the provider's own book adds, of a transfer that moved."""
    if evidence.life.move.state is not State.SETTLED or basis is Basis.COUNT:
        return ""
    if evidence.life.claim is None:
        return " No record has been taken as its own yet; `budgetd reconcile` looks for one."
    return (
        f" Record {evidence.life.claim.record_id} of the provider's book is taken as its own and"
        " proves no other transfer; records name neither the key nor the account, so it is one of"
        " this kind, not provably this one."
    )


_PROVES: dict[Basis, str] = {
    Basis.ANSWER: (
        "It moved, once. Attempt {number} was answered {status}: by the provider's documentation"
        " the transfer was carried out. Its key was made for this transfer alone, every one of"
        " its {attempts} sending(s) carried it, and no second key was ever made for it."
    ),
    Basis.KEY_AND_READING: (
        "It moved. A resend was answered that the key had been seen before, and a reading begun"
        " after that ({read_at}) went from {reading_before} to {reading_after}: at least half of"
        " the amount, its way. It cannot have moved twice by us: there is one key."
    ),
    Basis.CHILD_COUPON: (
        "It moved. The account's list has the child coupon {child_coupon_id}, of the master's"
        " coupon and the amount of this transfer, which was not there before it and which no other"
        " transfer of ours made."
    ),
    Basis.COUNT: (
        "It moved. In the window {window} the provider's records, read at {read_at}, show"
        " {records} of this kind ({kind}): as many as were settled otherwise ({settled}) and in"
        " doubt ({in_doubt}) together. So every one of them moved, and this is one of them."
    ),
    Basis.EVIDENCE: "It moved, as far as the evidence goes: {why}.",
    Basis.NO_RECORD: (
        "It did not move and never will: {why}. The last signature expired 15 minutes after it was"
        " made, a signed request cannot start after that, and the evidence was read after the dead"
        " time of 45 minutes ({dead}): {records} record(s) of this kind ({kind}) for {settled}"
        " transfer(s) that were settled otherwise."
    ),
    Basis.REFUSAL: (
        "It did not move. Every attempt that left has a definite answer, the last one {status},"
        " and by the documentation none of these is given for a transfer that is carried out."
    ),
    Basis.NOT_EXECUTED: (
        "It did not move. Every attempt was answered as not executed, or never left, and it was"
        " withdrawn: its key is never sent again."
    ),
    Basis.NEVER_SENT: (
        "It did not move. It was withdrawn before anything was sent: each sending has a durable"
        " row before its first byte leaves, and there is none."
    ),
    Basis.PERSON: (
        "Nothing by itself: {by} said so, for this reason: {why}. The word is chained into the"
        " ledger and cannot be changed."
    ),
    Basis.UNSENT: "Nothing was sent yet: there is no row of an attempt.",
    Basis.DOUBT: (
        "Nothing yet. It was sent {attempts} time(s) under one key, and no answer proves what"
        " became of it. Until that is known nothing else moves of this unit, and the amount counts"
        " in every cap and limit."
    ),
    Basis.NEEDS_HUMAN: (
        "Nothing: the evidence does not decide it ({why}). Until a person does, nothing else moves"
        " of this unit, and the amount counts in every cap and limit."
    ),
}

_LEAVES_OPEN: dict[Basis, str] = {
    Basis.ANSWER: (
        "That the account could spend it at once: an answer is the provider's word, the reading"
        " after it shows when it was there."
    ),
    Basis.KEY_AND_READING: (
        "That nobody else moved about as much the same way within those minutes: then the key"
        " could have been kept of an attempt that did not move."
    ),
    Basis.CHILD_COUPON: (
        "That nobody granted the same coupon and amount to this account by hand in the same"
        " minutes."
    ),
    Basis.COUNT: (
        "Which of the records is its own: they name neither the key nor the account. A movement"
        " of the same kind made by hand in the window, together with one of ours that did not"
        " happen, would look the same."
    ),
    Basis.EVIDENCE: "Anything beyond those words.",
    Basis.NO_RECORD: (
        "That the provider's book is complete within 20 minutes: that was seen, of our own settled"
        " transfers, and is documented nowhere. A record that turns up later stops all sending."
    ),
    Basis.REFUSAL: (
        "That the gateway did not repeat an attempt behind our back: a record that fits it would"
        " stop all sending."
    ),
    Basis.NOT_EXECUTED: "Nothing, as far as the provider's documentation is true.",
    Basis.NEVER_SENT: "Nothing.",
    Basis.PERSON: "Anything: compare the reason with the provider's records.",
    Basis.UNSENT: "Whether it will be: the process that promised it may be at work.",
    Basis.DOUBT: (
        "Whether it moved. The first cycle after {dead} counts the provider's records of this kind"
        " ({kind}) and decides, or gives it to a person."
    ),
    Basis.NEEDS_HUMAN: (
        "Whether it moved. Look in the provider's records for {kind} in its minutes and at the"
        " account itself, then `budgetd transfers resolve ID --settled` or `--void`, with the"
        " reason."
    ),
}
