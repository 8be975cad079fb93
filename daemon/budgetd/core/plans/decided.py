"""Which calendar slots a cycle has decided, and what held the others.

Pure. It may not remember: the ledger does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from budgetd.core.decisions.decision import Held, Raised
from budgetd.core.decisions.due import Key
from budgetd.core.intent import State
from budgetd.core.plans.outcome import Outcome
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.reason import PASSING, Hold

Unit = tuple[str, str]
"""A rule and an account id: what decides a slot, and is asked about one slot a cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one cycle did to the slots that were open: `done` are the units decided for good,
    `held` the commonest hold of those that are tried again, by rule and period."""

    done: frozenset[Key]
    held: Mapping[tuple[str, str], Hold]


def decided(plan: Plan, outcomes: Iterable[Outcome]) -> Decided:
    """What a plan and its ends say of slots.

    Done is what was decided on a good reading, with no hold that may pass, and nothing left
    unsent, refused, in doubt or waiting for a person.
    """
    ends = tuple(outcomes)
    waiting = [item.transfer for item in plan.withheld] + list(plan.proposals)
    periods = _periods([*plan.held, *plan.alerts, *plan.transfers, *waiting])
    open_: dict[Unit, Hold | None] = {
        (one.rule, one.account.id): one.reason
        for one in plan.held
        if one.reason in PASSING and one.period
    }
    open_ |= {(one.rule, one.account.id): Hold.AWAITING_APPROVAL for one in waiting}
    started = {one.id for one in ends}
    open_ |= {(one.rule, one.account.id): None for one in plan.moves if one.id not in started}
    open_ |= {
        (one.rule, one.account.id): one.hold or _hold_of(one.state)
        for one in ends
        if one.state is not State.SETTLED
    }
    done = {(*unit, period) for unit, period in periods.items() if unit not in open_}
    return Decided(done=frozenset(done), held=_commonest(open_, periods))


def _periods(said: Iterable[Held | Raised | Transfer]) -> dict[Unit, str]:
    """The slot that each rule was asked about, by account."""
    return {(item.rule, item.account.id): item.period for item in said if item.period}


def _hold_of(state: State | None) -> Hold:
    """The hold that the next cycle will find, of a transfer that ended like this."""
    return Hold.REFUSED_LATELY if state in (State.REFUSED, State.VOID) else Hold.OPEN_INTENT


def _commonest(
    open_: Mapping[Unit, Hold | None], periods: Mapping[Unit, str]
) -> dict[tuple[str, str], Hold]:
    counted: dict[tuple[str, str], Counter[Hold]] = defaultdict(Counter)
    for unit, reason in open_.items():
        if reason is not None and unit in periods:
            counted[unit[0], periods[unit]][reason] += 1
    return {
        key: max(sorted(reasons), key=lambda reason: reasons[reason])
        for key, reasons in counted.items()
    }
