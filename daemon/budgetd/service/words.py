"""What the daemon says of a cycle and of itself: the log's line, the line of `systemctl status`.

Pure but for the log. It may not judge what happened.
"""

from budgetd.core.standing import Done, Standing
from budgetd.logs import logger

SHORT = 6


def log_done(done: Done) -> None:
    """The line of a cycle that ended; a warning where something stopped it."""
    tell = logger().warning if done.stopped else logger().info
    tell(
        "cycle_ended",
        seconds=round((done.ended_at - done.began_at).total_seconds(), 3),
        accounts=done.accounts,
        accounts_read=done.accounts_read,
        unreadable=done.unreadable,
        unread_why=done.unread_why,
        transfers=dict(done.transfers),
        moved=dict(done.moved),
        held=dict(done.held),
        proposals=done.proposals,
        withheld=done.withheld,
        alerts=done.alerts,
        still_open=done.still_open,
        stopped=done.stopped,
    )


def status_line(standing: Standing) -> str:
    """One line: the mode, the policies, how the last cycle went."""
    policies, last = standing.policies, standing.last
    mode = "dry run" if standing.mode == "dry_run" else "enforcing"
    begin = f"{mode}, policies {policies.digest.removeprefix('sha256:')[:SHORT]}"
    if policies.problems:
        begin += f" (a reload was refused: {policies.problems[0]})"
    if last is None:
        return f"{begin}; the first cycle runs"
    ended = f"{last.ended_at:%H:%M:%S}Z"
    if last.stopped:
        return f"{begin}; the cycle of {ended} stopped: {last.stopped}"
    return (
        f"{begin}; cycle of {ended}: {last.accounts_read} accounts read, "
        f"{sum(last.transfers.values())} transfers, {last.still_open} open"
    )
