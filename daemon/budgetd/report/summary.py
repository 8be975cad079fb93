"""A plan in figures: what moves each way, and how many accounts were moved, held or fine.

It counts and sums; it may not word or lay out anything.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from budgetd.core.decisions.decision import Held
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, total
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.reason import QUIET, Hold

ACCOUNT_WIDE = frozenset({Hold.NOT_NORMAL, Hold.UNMANAGEABLE, Hold.NEVER, Hold.UNREAD, Hold.STALE})
"""Holds that are of the account and not of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What goes out to the accounts and what comes home."""

    allocate: Decimal = ZERO
    reclaim: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`fine` counts accounts of which no row tells anything; the others count rows."""

    flows: dict[Instrument, Flow]
    transfers: int
    proposals: int
    withheld: int
    held: int
    alerts: int
    unread: int
    observed: int
    fine: int

    @property
    def all(self) -> Flow:
        """All instruments together, gross."""
        return Flow(
            allocate=total(flow.allocate for flow in self.flows.values()),
            reclaim=total(flow.reclaim for flow in self.flows.values()),
        )


def flow_of(transfers: Iterable[Transfer]) -> Flow:
    """The sums of some transfers, each way."""
    out, home = ZERO, ZERO
    for transfer in transfers:
        if transfer.direction is Direction.ALLOCATE:
            out += transfer.amount
        else:
            home += transfer.amount
    return Flow(allocate=out, reclaim=home)


def loud_holds(plan: Plan) -> tuple[Held, ...]:
    """The holds worth a row: not the quiet ones, nor again what the unread rows say.

    What holds a whole account has one hold for all rules, whose `rule` says how many more.
    """
    unread = {item.account.id for item in plan.unreadable}
    found: dict[tuple[str, ...], list[Held]] = defaultdict(list)
    for held in plan.held:
        is_told = held.reason in (Hold.UNREAD, Hold.STALE) and held.account.id in unread
        if held.reason in QUIET or is_told:
            continue
        part = str(len(found)) if held.reason not in ACCOUNT_WIDE else ""
        found[held.account.id, held.reason, part].append(held)
    return tuple(_folded(holds) for holds in found.values())


def _folded(holds: list[Held]) -> Held:
    first = holds[0]
    more = len({held.rule for held in holds}) - 1
    return replace(first, rule=f"{first.rule} +{more}") if more else first


def summary_of(plan: Plan) -> Summary:
    """The figures of one plan."""
    loud = loud_holds(plan)
    told = {transfer.account.id for transfer in plan.transfers}
    told |= {item.transfer.account.id for item in plan.withheld}
    told |= {held.account.id for held in loud}
    told |= {raised.account.id for raised in plan.alerts}
    told |= {item.account.id for item in plan.unreadable}
    quiet = {held.account.id for held in plan.held}
    return Summary(
        flows={
            instrument: flow_of(item for item in plan.moves if item.instrument is instrument)
            for instrument in Instrument
        },
        transfers=len(plan.moves),
        proposals=len(plan.proposals),
        withheld=len(plan.withheld),
        held=len(loud),
        alerts=len(plan.alerts),
        unread=len(plan.unreadable),
        observed=len(plan.observed),
        fine=len(quiet - told),
    )
