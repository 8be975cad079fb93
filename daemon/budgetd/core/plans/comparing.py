"""Two plans of one observation laid side by side: what another set of policies would change.

Nouns and one pure function. It may not decide: both plans come from the one engine, and what is
compared is what they say.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from budgetd.core.decisions.decision import Held
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Account
from budgetd.core.plans.plan import Plan, Transfer
from budgetd.core.reason import Hold


class Standing(StrEnum):
    """What becomes of a movement that a rule wants: it is sent, or it waits for a person."""

    MOVES = "moves"
    WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one rule moves of one unit one way, in one of the plans: amount, and whether at once."""

    amount: Decimal
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A movement that differs; `old` or `new` is None where that plan lacks it."""

    rule: str
    account: Account
    unit: Unit
    direction: Direction
    old: Wanted | None
    new: Wanted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldShift:
    """A hold that differs; `old` or `new` is None where that plan does not hold: it acts, or its
    set says nothing of the account, which `was_selected` and `is_selected` tell apart."""

    rule: str
    account: Account
    instrument: Instrument
    old: Hold | None
    new: Hold | None
    was_selected: bool = True
    is_selected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What moves at once: how many transfers, and the money each way, gross; and what waits."""

    transfers: int = 0
    allocated: Decimal = ZERO
    reclaimed: Decimal = ZERO
    waiting: Decimal = ZERO

    def plus(self, transfer: Transfer, standing: Standing) -> "Sums":
        """These sums with one transfer more."""
        waits = standing is Standing.WAITS
        is_out = transfer.direction is Direction.ALLOCATE
        moved = ZERO if waits else transfer.amount
        return Sums(
            transfers=self.transfers + (not waits),
            allocated=self.allocated + (moved if is_out else ZERO),
            reclaimed=self.reclaimed + (ZERO if is_out else moved),
            waiting=self.waiting + (transfer.amount if waits else ZERO),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One rule, unit of the organization or account, in one instrument, under both sets."""

    name: str
    instrument: Instrument
    old: Sums
    new: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that differs, in a fixed order; lines without a difference are left out."""

    shifts: tuple[Shift, ...] = ()
    holds: tuple[HoldShift, ...] = ()
    totals: tuple[Line, ...] = ()
    by_rule: tuple[Line, ...] = ()
    by_organization: tuple[Line, ...] = ()
    by_account: tuple[Line, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the sets say anything different of these readings. What differs in the rule
        alone differs."""
        return bool(self.shifts or self.holds)


def compare(old: Plan, new: Plan) -> Comparison:
    """What changes from one plan to the other; both must rest on the same readings."""
    assert old.taken_at == new.taken_at, "two plans of two moments cannot be compared"
    return Comparison(
        shifts=tuple(_shifts(old, new)),
        holds=tuple(_holds(old, new)),
        totals=_lines(old, new, lambda _transfer: ""),
        by_rule=_lines(old, new, lambda transfer: transfer.rule),
        by_organization=_lines(old, new, _organization),
        by_account=_lines(old, new, lambda transfer: transfer.account.id),
    )


def _wanted(plan: Plan) -> Iterator[tuple[Transfer, Standing]]:
    for transfer in plan.transfers:
        yield transfer, Standing.MOVES if transfer.ask is None else Standing.WAITS
    for withheld in plan.withheld:
        yield withheld.transfer, Standing.WAITS


_Key = tuple[str, Unit, Direction]


def _by_key(plan: Plan) -> dict[_Key, list[tuple[Transfer, Standing]]]:
    found: dict[_Key, list[tuple[Transfer, Standing]]] = defaultdict(list)
    for transfer, standing in _wanted(plan):
        found[transfer.rule, transfer.unit, transfer.direction].append((transfer, standing))
    return dict(found)


def _shifts(old: Plan, new: Plan) -> Iterator[Shift]:
    before, after = _by_key(old), _by_key(new)
    for key in sorted(before.keys() | after.keys(), key=_place):
        was, becomes = _folded(before.get(key, ())), _folded(after.get(key, ()))
        if was != becomes:
            rule, unit, direction = key
            account = (before.get(key) or after[key])[0][0].account
            yield Shift(
                rule=rule, account=account, unit=unit, direction=direction, old=was, new=becomes
            )


def _folded(wanted: Iterable[tuple[Transfer, Standing]]) -> Wanted | None:
    """What several transfers of one unit come to: they wait where one of them waits."""
    found = tuple(wanted)
    if not found:
        return None
    waits = any(standing is Standing.WAITS for _, standing in found)
    return Wanted(
        amount=sum((transfer.amount for transfer, _ in found), ZERO),
        standing=Standing.WAITS if waits else Standing.MOVES,
    )


def _place(key: _Key) -> tuple[str, ...]:
    rule, unit, direction = key
    return (rule, str(direction), repr(unit))


def _holds(old: Plan, new: Plan) -> Iterator[HoldShift]:
    before, after = _held(old), _held(new)
    acted, acts = _acting(old), _acting(new)
    for key in sorted(before.keys() | after.keys()):
        was, becomes = before.get(key), after.get(key)
        if was is None or becomes is None or was.reason is not becomes.reason:
            one = was or becomes
            assert one is not None, "a key comes from one of the two"
            yield HoldShift(
                rule=one.rule,
                account=one.account,
                instrument=one.instrument,
                old=None if was is None else was.reason,
                new=None if becomes is None else becomes.reason,
                was_selected=was is not None or key[:3] in acted,
                is_selected=becomes is not None or key[:3] in acts,
            )


def _acting(plan: Plan) -> frozenset[tuple[str, ...]]:
    """The rules, accounts and instruments of which a plan says something else than a hold."""
    moved = [*plan.transfers, *(one.transfer for one in plan.withheld), *plan.observed]
    found = [(one.rule, one.account.id, str(one.instrument)) for one in moved]
    found += [(one.rule, one.account.id, str(one.instrument)) for one in plan.alerts]
    return frozenset(found)


def _held(plan: Plan) -> dict[tuple[str, ...], Held]:
    return {
        (
            one.rule,
            one.account.id,
            str(one.instrument),
            one.coupon.child_id or "" if one.coupon is not None else "",
        ): one
        for one in plan.held
    }


def _organization(transfer: Transfer) -> str:
    unit = transfer.account.organization
    return "/" + "/".join(unit.path) if unit is not None else ""


def _lines(old: Plan, new: Plan, name_of: Callable[[Transfer], str]) -> tuple[Line, ...]:
    before, after = _summed(old, name_of), _summed(new, name_of)
    nothing = Sums()
    return tuple(
        Line(name=name, instrument=instrument, old=was, new=becomes)
        for name, instrument in sorted(before.keys() | after.keys())
        if (was := before.get((name, instrument), nothing))
        != (becomes := after.get((name, instrument), nothing))
    )


def _summed(
    plan: Plan, name_of: Callable[[Transfer], str]
) -> Mapping[tuple[str, Instrument], Sums]:
    found: dict[tuple[str, Instrument], Sums] = {}
    for transfer, standing in _wanted(plan):
        key = (name_of(transfer), transfer.instrument)
        found[key] = found.get(key, Sums()).plus(transfer, standing)
    return found
