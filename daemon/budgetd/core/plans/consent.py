"""Asking a person and holding to the answer: proposals of a plan, and transfers that were approved.

An approval bounds an amount; it never makes one larger. It may not decide what needs one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from budgetd.core.approval import (
    Proposal,
    ProposalState,
    ProposedItem,
    approved_for,
    proposal_id,
)
from budgetd.core.decisions.decision import Held
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import format_amount
from budgetd.core.observation import Observation
from budgetd.core.plans.plan import Plan, Step, Transfer
from budgetd.core.policies.policy import Rule
from budgetd.core.reason import PASSING, Hold


def at_most(transfer: Transfer, amount: Decimal, step: str = "planned") -> Transfer:
    """The transfer for no more than an amount."""
    if transfer.amount <= amount:
        return transfer
    if transfer.instrument is Instrument.COUPON and transfer.direction is Direction.RECLAIM:
        # A coupon goes home whole, whatever it holds by now: the provider takes no amount.
        return transfer
    change = transfer.amount - amount
    after = transfer.after + (change if transfer.direction is Direction.RECLAIM else -change)
    clip = Step(step=step, amount=amount, note=f"{step} {format_amount(amount)}")
    is_lift = transfer.direction is Direction.ALLOCATE and transfer.target is not None
    short_by = transfer.short_by + change if is_lift else transfer.short_by
    steps = (*transfer.steps, clip)
    return replace(transfer, amount=amount, after=after, short_by=short_by, steps=steps)


def consented(transfer: Transfer, observation: Observation) -> Transfer:
    """The transfer as a person agreed to it; the same where nobody did."""
    found = approved_for(
        observation.approvals,
        transfer.rule,
        transfer.unit,
        transfer.direction,
        observation.taken_at,
    )
    if found is None:
        return transfer
    return replace(at_most(transfer, found.amount, "approved"), ask=None, approved=found)


def without_declined(
    transfers: Iterable[Transfer], observation: Observation
) -> tuple[list[Transfer], list[Held]]:
    """The transfers but for those that a person said no to lately, and what holds these."""
    kept: list[Transfer] = []
    holds: list[Held] = []
    for one in transfers:
        name = proposal_id(one.rule, one.direction, one.unit)
        until = observation.declined.get(name) if one.ask is not None else None
        if until is None or until <= observation.taken_at:
            kept.append(one)
            continue
        holds.append(
            Held(
                rule=one.rule,
                account=one.account,
                instrument=one.instrument,
                reason=Hold.AWAITING_APPROVAL,
                until=until,
                reading=one.reading,
                detail="a person said no; then it is asked again",
                coupon=one.coupon if one.direction is Direction.RECLAIM else None,
                period=one.period,
            )
        )
    return kept, holds


def proposals_of(plan: Plan, lifetime: timedelta) -> tuple[Proposal, ...]:
    """What a plan asks of a person: one proposal a unit, and one a batch that was withheld."""
    asked: dict[str, list[Transfer]] = defaultdict(list)
    limits: dict[str, str] = {}
    for transfer in plan.proposals:
        asked[proposal_id(transfer.rule, transfer.direction, transfer.unit)].append(transfer)
    for item in plan.withheld:
        asked[item.proposal].append(item.transfer)
        limits[item.proposal] = item.limit
    return tuple(
        Proposal(
            id=name,
            rule=transfers[0].rule,
            direction=transfers[0].direction,
            ask=str(transfers[0].ask),
            limit=limits.get(name, ""),
            currency=plan.currency,
            items=_items(transfers),
            made_at=plan.taken_at,
            expires_at=plan.taken_at + lifetime,
        )
        for name, transfers in asked.items()
    )


def _items(transfers: Iterable[Transfer]) -> tuple[ProposedItem, ...]:
    items = [
        ProposedItem(unit=one.unit, account_name=one.account.name, amount=one.amount)
        for one in transfers
    ]
    return tuple(sorted(items, key=lambda item: item.unit))


def moot(plan: Plan, known: Sequence[Proposal], rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """The proposals that are over: their rule is gone, holds for good, or moves by itself. One that
    is held by something that passes stays; so does one of an `every` rule between two ticks, when
    nobody asks the rule. What is left of an approved one is not over as it moves; where it does
    not, and the rule asks for others by now, a person is asked anew."""
    asked = {one.id: {item.unit for item in one.items} for one in proposals_of(plan, timedelta(0))}
    ticking = {name for name, rule in rules.items() if rule.schedule and rule.schedule.every}
    moving = {(one.rule, one.unit) for one in plan.moves}
    over = {
        (held.rule, held.account.id)
        for held in plan.held
        if (held.reason not in PASSING or held.reason is Hold.OUTRANKED)
        and not (held.reason is Hold.NOT_DUE and held.rule in ticking)
    }

    def is_over(proposal: Proposal) -> bool:
        left = [item.unit for item in proposal.items if not item.intent_id]
        is_moving = {unit for unit in left if (proposal.rule, unit) in moving}
        is_agreed = proposal.state is ProposalState.APPROVED
        if proposal.id in asked:
            return is_agreed and not is_moving and asked[proposal.id].isdisjoint(left)
        if proposal.rule not in rules:
            return True
        ended = {unit for unit in left if (proposal.rule, unit.account_id) in over}
        return ended.issuperset(left) if is_agreed else (ended | is_moving).issuperset(left)

    return tuple(proposal.id for proposal in known if is_over(proposal))
