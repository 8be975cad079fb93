"""What is told to people: a message, its event, how loud it is. Nouns; `notify` delivers them.

It may not know how a message is written in a chat or a letter, nor who receives it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How loud a message is; the later ones are louder."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def is_at_least(self, least: "Severity") -> bool:
        """Whether it is as loud as that, or louder."""
        order = list(Severity)
        return order.index(self) >= order.index(least)


class Event(StrEnum):
    """What a message is about: the closed list that `notify.*.events` draws from."""

    ALERT_RAISED = "alert_raised"
    ALERT_REPEATED = "alert_repeated"
    ALERT_OVER = "alert_over"
    TRANSFER_REFUSED = "transfer_refused"
    TRANSFER_IN_DOUBT = "transfer_in_doubt"
    TRANSFER_NEEDS_HUMAN = "transfer_needs_human"
    PROPOSAL_WAITING = "proposal_waiting"
    BATCH_WITHHELD = "batch_withheld"
    PAUSE_LATCHED = "pause_latched"
    POLICIES_LOADED = "policies_loaded"
    RELOAD_REFUSED = "reload_refused"
    SLOT_MISSED = "slot_missed"
    RECLAIM_ANNOUNCED = "reclaim_announced"
    CYCLE_STOPPED = "cycle_stopped"
    DISCREPANCY = "discrepancy"
    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPED = "daemon_stopped"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One word to people. `title` is one line, `lines` follow it; neither holds markup or links,
    and both may hold names from outside, which every channel makes harmless for itself.

    `subject` tells whether two messages of one event say the same. `channels` names those that
    get it; where it is empty, all do that take the event and its severity.
    """

    event: Event
    severity: Severity
    title: str
    lines: tuple[str, ...] = ()
    subject: str = ""
    at: datetime
    channels: tuple[str, ...] = ()
