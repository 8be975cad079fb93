"""Why: the closed lists of reasons that every decision draws from. No other words are used."""

from enum import StrEnum


class Hold(StrEnum):
    """Why nothing moves."""

    NOT_DUE = "not_due"
    NOT_TRIGGERED = "not_triggered"
    COOLDOWN = "cooldown"
    CAP = "cap"
    AT_MOST = "at_most"
    MASTER_SHORT = "master_short"
    RECLAIMABLE = "reclaimable"
    BELOW_MIN = "below_min"
    UNREAD = "unread"
    STALE = "stale"
    UNREFLECTED = "unreflected"
    SUDDEN_ZERO = "sudden_zero"
    NO_BURN = "no_burn"
    OPEN_INTENT = "open_intent"
    OUTRANKED = "outranked"
    OVERLAP = "overlap"
    CONTRADICTION = "contradiction"
    PAUSED = "paused"
    WINDOW = "window"
    NOTICE = "notice"
    IDLE = "idle"
    AWAITING_APPROVAL = "awaiting_approval"
    NOT_NORMAL = "not_normal"
    REFUSED_LATELY = "refused_lately"
    UNMANAGEABLE = "unmanageable"
    NEVER = "never"


QUIET = frozenset({Hold.NOT_DUE, Hold.NOT_TRIGGERED, Hold.OUTRANKED})
"""Holds that need nobody's eye: the account is fine, or another rule has it."""

PASSING = frozenset(Hold) - {
    Hold.NOT_DUE,
    Hold.NOT_TRIGGERED,
    Hold.BELOW_MIN,
    Hold.AT_MOST,
    Hold.NOT_NORMAL,
    Hold.NEVER,
}
"""Holds that may pass within a slot's `catch_up`; any other decides the slot: a good reading that
leaves nothing to move is an answer."""


class Why(StrEnum):
    """Why a transfer is made."""

    BELOW_TRIGGER = "below_trigger"
    ABOVE_TRIGGER = "above_trigger"
    RUNWAY = "runway"
    SCHEDULED = "scheduled"
    EXPIRING = "expiring"
    IDLE = "idle"


class Ask(StrEnum):
    """Why a transfer is a proposal to a person."""

    MODE = "mode"
    APPROVAL_ABOVE = "approval_above"
    BURN_SPIKE = "burn_spike"
    NO_EFFECT = "no_effect"
    LIMIT = "limit"
