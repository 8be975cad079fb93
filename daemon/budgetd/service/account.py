"""What a cycle did, as the daemon accounts for it: one noun for the log, the state and the page.

Pure. It may not judge what happened.
"""

from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal

from budgetd.core.intent import State
from budgetd.core.money import ZERO, format_amount
from budgetd.core.reason import QUIET
from budgetd.core.standing import Done
from budgetd.cycle import Report

NOT_SENT = "not_sent"


def done_of(cycle_id: str, began_at: datetime, ended_at: datetime, report: Report) -> Done:
    """A cycle that came to its end, or to where something stopped it."""
    plan = report.plan
    assert plan is not None
    moved: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for outcome in report.outcomes:
        if outcome.state is State.SETTLED:
            moved[f"{outcome.direction} {outcome.unit.instrument}"] += outcome.amount
    return Done(
        id=cycle_id,
        began_at=began_at,
        ended_at=ended_at,
        accounts=len(report.observation.accounts),
        accounts_read=plan.accounts_read,
        unreadable=len(plan.unreadable),
        transfers=dict(Counter(str(outcome.state or NOT_SENT) for outcome in report.outcomes)),
        moved={way: format_amount(amount) for way, amount in sorted(moved.items())},
        held=dict(Counter(str(held.reason) for held in plan.held if held.reason not in QUIET)),
        proposals=len(plan.proposals),
        withheld=len(plan.withheld),
        alerts=len(plan.alerts),
        still_open=len(report.still_open),
        stopped=report.stopped,
    )


def cut_short(cycle_id: str, began_at: datetime, ended_at: datetime, why: str) -> Done:
    """A cycle that did not come as far as a plan."""
    return Done(
        id=cycle_id,
        began_at=began_at,
        ended_at=ended_at,
        accounts=0,
        accounts_read=0,
        unreadable=0,
        stopped=why,
    )
