"""The closed reasons in plain words: short ones for a row, whole sentences for a page.

Every member has its words, which a test keeps. It may not decide anything, nor know a plan.
"""

import re

from budgetd.core.intent import State
from budgetd.core.reason import Ask, Hold, Why

HOLD_WORDS: dict[Hold, str] = {
    Hold.NOT_DUE: "not due yet",
    Hold.NOT_TRIGGERED: "nothing to do",
    Hold.COOLDOWN: "cooldown",
    Hold.CAP: "cap reached",
    Hold.AT_MOST: "at its at_most already",
    Hold.MASTER_SHORT: "master short of money",
    Hold.RECLAIMABLE: "nothing reclaimable",
    Hold.BELOW_MIN: "amount below min",
    Hold.UNREAD: "not read",
    Hold.STALE: "reading too old",
    Hold.UNREFLECTED: "last move not shown yet",
    Hold.SUDDEN_ZERO: "sudden zero, waits for a second reading",
    Hold.NO_BURN: "burn not known",
    Hold.OPEN_INTENT: "a move is under way",
    Hold.OUTRANKED: "another rule goes first",
    Hold.OVERLAP: "two rules at one priority",
    Hold.CONTRADICTION: "rules pull both ways",
    Hold.PAUSED: "paused",
    Hold.WINDOW: "closed window",
    Hold.NOTICE: "announced, notice runs",
    Hold.IDLE: "idle account",
    Hold.AWAITING_APPROVAL: "waits for approval",
    Hold.NOT_NORMAL: "account not normal",
    Hold.REFUSED_LATELY: "refused lately",
    Hold.UNMANAGEABLE: "provider: not manageable",
    Hold.NEVER: "never, by limits.never",
}

HOLD_SENTENCES: dict[Hold, str] = {
    Hold.NOT_DUE: "The rule's schedule does not ask for it now.",
    Hold.NOT_TRIGGERED: "The reading is where the rule wants it.",
    Hold.COOLDOWN: "The rule moved money here lately and waits for its cooldown to end.",
    Hold.CAP: "A cap on what may be moved is used up.",
    Hold.AT_MOST: "The account has as much as the rule may leave it with.",
    Hold.MASTER_SHORT: "The master account has too little to give above its reserve.",
    Hold.RECLAIMABLE: "The provider says that nothing can be taken back.",
    Hold.BELOW_MIN: "What would move is less than the smallest amount worth a transfer.",
    Hold.UNREAD: "The balance could not be read, and nothing is assumed of it.",
    Hold.STALE: "The last reading is too old to act on.",
    Hold.UNREFLECTED: "The last move is settled, but no reading shows it yet.",
    Hold.SUDDEN_ZERO: "The reading fell to zero at once; a second reading has to agree.",
    Hold.NO_BURN: "What the account spends a day is not known yet.",
    Hold.OPEN_INTENT: "An earlier move is not finished; two never run at once.",
    Hold.OUTRANKED: "A rule that goes first decides for this account.",
    Hold.OVERLAP: "Two rules of the same priority claim the account; neither acts.",
    Hold.CONTRADICTION: "One rule would give and another take; neither acts.",
    Hold.PAUSED: "It is paused: nothing moves until it is resumed.",
    Hold.WINDOW: "A window in which the rule does not act is open.",
    Hold.NOTICE: "The reclaim is announced, and its notice is not over.",
    Hold.IDLE: "The account spends nothing, so it is not topped up.",
    Hold.AWAITING_APPROVAL: "A proposal waits for a person.",
    Hold.NOT_NORMAL: "The account is not in normal standing with the provider.",
    Hold.REFUSED_LATELY: "The provider refused the last move; the rule rests before it asks again.",
    Hold.UNMANAGEABLE: "The provider says that this master may not manage the account.",
    Hold.NEVER: "The configuration says that no rule may move this account's money.",
}

WHY_WORDS: dict[Why, str] = {
    Why.BELOW_TRIGGER: "below its trigger",
    Why.ABOVE_TRIGGER: "above its trigger",
    Why.RUNWAY: "by its runway",
    Why.SCHEDULED: "scheduled",
    Why.EXPIRING: "expires soon",
    Why.IDLE: "lies idle",
}

RAISED_WORDS: dict[str, str] = {str(why): words for why, words in WHY_WORDS.items()} | {
    str(Hold.UNREAD): "not read for too long",
    str(Hold.CAP): "a cap is nearly used",
}

ASK_WORDS: dict[Ask, str] = {
    Ask.MODE: "the rule only proposes",
    Ask.APPROVAL_ABOVE: "above approval_above",
    Ask.BURN_SPIKE: "burn far above usual",
    Ask.NO_EFFECT: "two top-ups had no effect",
    Ask.LIMIT: "withheld by a limit",
}

STATE_WORDS: dict[State, str] = {
    State.PREPARED: "not sent yet",
    State.SENDING: "being sent",
    State.IN_DOUBT: "in doubt",
    State.NEEDS_HUMAN: "needs a person",
    State.SETTLED: "settled",
    State.REFUSED: "refused",
    State.CANCELLED: "cancelled",
    State.VOID: "void",
}

_LIMIT_WORDS = {
    "per_cycle.amount": "more money than one cycle may move one way",
    "per_cycle.transfers": "more transfers than one cycle may make",
    "per_cycle.share_of_accounts": "more accounts than one rule may touch at once",
    "per_day.amount": "more money than may move one way in 24 hours",
    "unknown_readings": "too many accounts could not be read",
}


_ENDPOINT = re.compile(r"^(GET|POST) /\S+ (answered )?", re.ASCII)


def without_endpoint(why: str) -> str:
    """Why something could not be read, without the API it was: every instrument has its own, and
    in a line of a table its address stands where the reason would."""
    return _ENDPOINT.sub("", why)


def limit_words(limit: str) -> str:
    """What a limit says, in a sentence's half; a limit without words of its own is only named."""
    return _LIMIT_WORDS.get(limit, limit_name(limit))


def limit_name(limit: str) -> str:
    """A limit as the configuration spells it."""
    return f"limits.{limit}"
