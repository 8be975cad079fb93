"""What a process that begins makes of what an earlier one left: nothing stale is ever sent.

It may not send, nor decide what became of a request that left.
"""

from datetime import datetime

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import State
from budgetd.ledger.store import Ledger


def cancel_unsent(ledger: Ledger, at: datetime) -> list[str]:
    """Withdraws every promise that nobody has heard of. One that was told of an unfinished task
    is refused, so that its unit rests. Returns the ids."""
    if not ledger.in_state(State.PREPARED):
        return []
    with ledger.writing():
        ledger.check_lead()
        found = ledger.in_state(State.PREPARED)
        for intent_id in found:
            attempts = ledger.attempts(intent_id)
            is_busy = any(one.answer_class is AnswerClass.BUSY for one in attempts)
            after = State.REFUSED if is_busy else State.CANCELLED
            why = "the provider was busy" if is_busy else "withdrawn before it was sent"
            _recover(ledger, intent_id, after, at, why)
    return found


def doubt_interrupted(ledger: Ledger, at: datetime) -> list[str]:
    """An attempt that was left without an answer may have moved money. Returns the ids."""
    if not ledger.in_state(State.SENDING):
        return []
    with ledger.writing():
        ledger.check_lead()
        found = ledger.in_state(State.SENDING)
        for intent_id in found:
            _recover(ledger, intent_id, State.IN_DOUBT, at, "interrupted while sending")
    return found


def _recover(ledger: Ledger, intent_id: str, after: State, at: datetime, why: str) -> None:
    ledger.step(intent_id, after, at=at, note=why)
    ledger.note(at, intent_id, "recovered", {"state": str(after), "why": why})
