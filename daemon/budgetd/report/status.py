"""What is known of a daemon from its state file alone, and the verdict on it.

Nouns and one judgement: does it run, and does it do its work. It may not look anything up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from budgetd.core.approval import Proposal
from budgetd.core.intent import MOST_DOUBTS, Move
from budgetd.core.pause import Pause
from budgetd.core.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All of it, at the instant `now`.

    `is_running` is whether a daemon holds its lock; `standing` what one last said, None where
    none did or `unread` says why it cannot be read. `doubts` are not known to have moved or not,
    `unproven` how many of them have met an answer that proves nothing, `recent` the newest
    transfers, `names` their accounts by id. `late_after` is how old the end of the last cycle
    may be.
    """

    now: datetime
    is_running: bool
    standing: Standing | None
    currency: str
    late_after: timedelta
    unread: str = ""
    proposals: tuple[Proposal, ...] = ()
    doubts: tuple[Move, ...] = ()
    unproven: int = 0
    pauses: tuple[Pause, ...] = ()
    recent: tuple[Move, ...] = ()
    names: Mapping[str, str]

    @property
    def is_held_by_doubt(self) -> bool:
        """Whether so much is in doubt that nothing new is sent."""
        return self.unproven >= MOST_DOUBTS

    @property
    def is_late(self) -> bool:
        """Whether no cycle has come as far as a plan for too long; before the first the start
        counts."""
        if self.standing is None:
            return False
        worked_at = self.standing.last and self.standing.last.worked_at
        return self.now - (worked_at or self.standing.started_at) > self.late_after

    @property
    def is_well(self) -> bool:
        """Whether a daemon runs and does its work."""
        return self.is_running and self.standing is not None and not self.is_late


def verdict(told: Told) -> tuple[str, str]:
    """What is to be said first, and what a person can do; the cure is empty where all is well."""
    said = told.standing
    start = "Start it: `systemctl start budgetd`, or `budgetd run`."
    if not told.is_running:
        if said is None:
            return "The daemon does not run, and none ever said anything here.", start
        if said.is_stopping:
            return "The daemon does not run: it was stopped.", start
        return (
            "The daemon does not run, and it did not say that it stops: it was killed, or the "
            "machine went down.",
            f"See its log. {start} What was in flight is looked at first.",
        )
    if said is None:
        return "The daemon runs and has not said anything yet.", "Ask again in a moment."
    if told.is_late:
        return (
            "The daemon runs, but no cycle has done its work for too long.",
            "See its log and `budgetd doctor`; `systemctl restart budgetd` loses nothing.",
        )
    if said.is_stopping:
        return "The daemon is stopping.", ""
    return "The daemon runs.", ""
