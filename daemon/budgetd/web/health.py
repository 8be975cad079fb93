"""Whether the daemon lives, and whether it does its work, in words.

It may not mend anything, and it never waits: an answer that comes late is none.
"""

from datetime import timedelta

from budgetd.ledger.database import StoreError
from budgetd.web.seen import Seen, is_late

LONGEST_BEAT = timedelta(seconds=60)
"""A scheduler whose heart beat longer ago does not run."""


def health_of(beat: timedelta | None) -> str:
    """What is wrong with the scheduler; empty where it runs. `beat` is how long ago its heart
    beat, None where it never did."""
    if beat is None:
        return "the scheduler has not started"
    if beat > LONGEST_BEAT:
        return f"the scheduler's heart beat {int(beat.total_seconds()):,} s ago"
    return ""


def readiness_of(seen: Seen) -> str:
    """Why the daemon is not doing its work; empty where it is."""
    standing = seen.standing
    if standing.is_stopping:
        return "the daemon is stopping"
    if not standing.policies.digest:
        return "no policies are in force"
    try:
        seen.past.last_seq()
    except StoreError as problem:
        return f"the state file failed: {problem}"
    if standing.last is None:
        return "no cycle has ended yet"
    if is_late(seen):
        since = standing.last.worked_at or standing.started_at
        late_s = int((seen.now - since).total_seconds())
        return f"no cycle has done its work for {late_s:,} s, more than twice polling.max_staleness"
    return ""
