"""What a cycle leaves for the next to know of time: ticks served, slots decided and over, notices.

It hands what the core says to the ledger. It may not decide, nor ask what time it is.
"""

from collections.abc import Iterable
from datetime import datetime

from budgetd.core.decisions.decision import Announcement, Held
from budgetd.core.decisions.due import due_ticks
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.slots import Missed, Past, close
from budgetd.core.observation import Observation
from budgetd.core.plans.decided import decided
from budgetd.core.plans.notice import withdrawn
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import PolicySet
from budgetd.ledger import kept, notices, slots
from budgetd.ledger.store import Ledger

NewNotices = tuple[tuple[Held, Announcement], ...]
"""What was announced for the first time, each with the hold that announces it."""


def note_ticks(
    ledger: Ledger, policies: PolicySet, observation: Observation, limits: Limits
) -> None:
    """Remembers the ticks of `every` rules that a cycle on this observation has served."""
    kept.note_served(ledger, due_ticks(policies, observation, limits))


def note_slots(ledger: Ledger, plan: Plan, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Remembers the units whose slots are done, and what held the others."""
    found = decided(plan, outcomes)
    kept.note_decided(ledger, found.done, now)
    slots.note_holds(ledger, found.held, now)


def note_notices(
    ledger: Ledger, plan: Plan, policies: PolicySet, observation: Observation
) -> NewNotices:
    """Announces what a plan holds for its notice, and withdraws what it does not want any more, or
    what has moved since; what is announced for the first time, with its hold."""
    notices.withdraw(ledger, withdrawn(plan, observation, dict(policies.rules())))
    wanted = {(held.rule, one): held for held in plan.held for one in held.announces}
    fresh = notices.announce(ledger, wanted, plan.taken_at)
    return tuple((wanted[named], named[1]) for named in fresh)


def close_slots(
    ledger: Ledger, frame: Frame, observation: Observation, limits: Limits
) -> tuple[Missed, ...]:
    """Closes the slots that are over, on a fleet that was read; those that left somebody out are
    returned, once for ever. Under `mode: dry_run` nothing was to be served, and nothing is missed.
    """
    past = Past(
        looked_at=slots.looked_at(ledger),
        opened=slots.opened(ledger),
        decided=kept.decided(ledger),
        held=slots.holds(ledger),
    )
    closing = close(frame.policies, observation, limits, past)
    is_dry_run = frame.mode == "dry_run"
    closed = slots.close(ledger, closing, observation.taken_at, is_dry_run=is_dry_run)
    missed = () if is_dry_run else closing.missed
    return tuple(one for one in missed if (one.rule, one.period) in closed)
