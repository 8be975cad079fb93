"""What a cycle did, as the daemon accounts for it: one noun for the log, the state and the page.

Pure. It may not judge what happened.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from budgetd.core.decisions.lasting import lasting
from budgetd.core.intent import Instrument, State
from budgetd.core.money import ZERO, format_amount
from budgetd.core.observation import Observation
from budgetd.core.reason import QUIET
from budgetd.core.standing import Done, Funds, Worst
from budgetd.cycle import Report
from budgetd.web.seen import funds_of
from budgetd.wiring import Opened

NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What the master has and how long it lasts, and the accounts whose cash ends first."""

    master: tuple[Funds, ...] = ()
    worst: tuple[Worst, ...] = ()


def money_of(opened: Opened, observation: Observation, at: datetime) -> Money:
    """The money as a cycle has read it."""
    found = lasting(observation, opened.loaded.policy_set, opened.config.guards())
    master = tuple(
        replace(one, lasts=found.master) if one.instrument == Instrument.CASH else one
        for one in funds_of(observation.master, at)
    )
    return Money(master=master, worst=found.worst)


def done_of(cycle_id: str, began_at: datetime, ended_at: datetime, report: Report) -> Done:
    """A cycle that came to its end, or to where something stopped it."""
    plan = report.plan
    assert plan is not None
    whys = Counter(one.detail for one in plan.unreadable).most_common(1)
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
        unread_why=whys[0][0] if whys else "",
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
