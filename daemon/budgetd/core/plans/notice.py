"""Reclaims that are announced before they move: what has been announced long enough, and no more.

Pure. What was announced is told by the observation; what is announced now, by the hold.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from budgetd.core.decisions.decision import Announcement, Held, Wish
from budgetd.core.decisions.history import History
from budgetd.core.intent import Move, Unit
from budgetd.core.observation import Announced, Observation
from budgetd.core.plans.consent import at_most
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.policies.policy import Rule
from budgetd.core.reason import Hold

Key = tuple[str, Unit, str]
"""What is announced: rule, unit, period."""

CONTRARY = frozenset({Hold.NOT_TRIGGERED, Hold.BELOW_MIN, Hold.RECLAIMABLE})
"""Holds on a good reading that wants nothing any more: what was announced is withdrawn."""


def after_notice(wish: Wish, drawn: list[Transfer], history: History) -> list[Transfer] | Held:
    """The transfers whose notice is over, each for no more than was announced; where there is none,
    the hold that announces them all."""
    observation = history.observation
    found = [_announced(transfer, wish, history) for transfer in drawn]
    ends = [_end(wish, one, observation) for one in found]
    over = [
        at_most(transfer, one.amount, "announced")
        for transfer, one, end in zip(drawn, found, ends, strict=True)
        if one is not None and end <= observation.taken_at
    ]
    if over:
        return over
    return replace(
        wish.held(Hold.NOTICE, until=min(ends)),
        announces=tuple(
            Announcement(unit=one.unit, period=wish.period, amount=one.amount) for one in drawn
        ),
    )


def withdrawn(plan: Plan, observation: Observation, rules: Mapping[str, Rule]) -> Iterator[Key]:
    """What was announced and is not to move by that any more: it has moved, its rule is gone, a
    good reading says so, or the rule wants others of the account's units and not this one. Where
    others move, one whose notice still runs was not asked for."""
    known = observation.notices
    if not known:
        return
    contrary = {_unit_of(one) for one in plan.held if one.reason in CONTRARY}
    wanted: dict[tuple[str, str], set[Unit]] = defaultdict(set)
    for transfer in (*plan.transfers, *(item.transfer for item in plan.withheld)):
        wanted[transfer.rule, transfer.account.id].add(transfer.unit)
    for held in plan.held:
        wanted[held.rule, held.account.id] |= {one.unit for one in held.announces}
        if held.coupon is not None and held.reason not in CONTRARY:
            part = held.coupon.child_id or ""
            unit = Unit(account_id=held.account.id, instrument=held.instrument, part=part)
            wanted[held.rule, held.account.id].add(unit)
    moving = {(transfer.rule, transfer.account.id) for transfer in plan.transfers}
    for key, announced in known.items():
        rule, unit, _ = key
        others = wanted[rule, unit.account_id]
        is_contrary = {(rule, unit.account_id, ""), (rule, unit.account_id, unit.part)} & contrary
        is_used = any(_uses(move, key, announced) for move in observation.moves)
        is_passed_over = bool(others) and unit not in others
        if (rule, unit.account_id) in moving and rule in rules:
            ends = announced.at + (rules[rule].notice or timedelta(0))
            is_passed_over = is_passed_over and ends <= observation.taken_at
        if rule not in rules or is_used or is_contrary or is_passed_over:
            yield key


def _uses(move: Move, key: Key, announced: Announced) -> bool:
    """Whether a move is the announced one: then another needs a notice of its own."""
    is_same = (move.rule, move.unit, move.period) == key
    return is_same and move.counts and move.made_at >= announced.at


def _unit_of(one: Held) -> tuple[str, str, str]:
    """Rule, account and part; an empty part is all of the account's."""
    child = one.coupon.child_id if one.coupon is not None else None
    return one.rule, one.account.id, child or ""


def _announced(transfer: Transfer, wish: Wish, history: History) -> Announced | None:
    key = (transfer.rule, transfer.unit, wish.period)
    found = history.observation.notices.get(key)
    if found is None:
        return None
    moves = history.moves(transfer.account.id, transfer.instrument)
    return None if any(_uses(move, key, found) for move in moves) else found


def _end(wish: Wish, announced: Announced | None, observation: Observation) -> datetime:
    """When its notice is over: counted from the announcement, and never before the slot."""
    notice = wish.named.rule.notice
    assert notice is not None
    begun = announced.at if announced is not None else observation.taken_at
    return max(begun + notice, wish.slot_at or begun)
