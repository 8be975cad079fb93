"""What is known after a transfer of a made-up world: it has moved, and both sides show it.

It may not decide: it does to readings what a provider would.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument
from budgetd.core.observation import Coupon, CreditLedger, Observation, Ok, Readings
from budgetd.core.plans.outcome import settled_move
from budgetd.core.plans.plan import Transfer


def read_anew(observation: Observation, at: datetime) -> Observation:
    """The same, all of it read at one instant."""
    return replace(
        observation,
        readings={name: _read_at(one, at) for name, one in observation.readings.items()},
        master=_read_at(observation.master, at),
    )


def _read_at(readings: Readings, at: datetime) -> Readings:
    given = {"cash": readings.cash, "credit": readings.credit, "coupons": readings.coupons}
    fresh = {name: Ok(one.value, at) for name, one in given.items() if isinstance(one, Ok)}
    return replace(readings, **fresh)  # type: ignore[arg-type]  # the same fields


def moved(observation: Observation, transfer: Transfer, at: datetime) -> Observation:
    """What is known once a transfer of the plan that is carried out is settled, and shows."""
    move = settled_move(transfer, at)
    is_out = transfer.direction is Direction.ALLOCATE
    if transfer.coupon is not None and is_out:
        move = replace(move, child_coupon_id=f"{transfer.id}-child")
    own = _changed(observation.readings_of(transfer.account.id), transfer, is_more=is_out)
    master = observation.master
    return replace(
        observation,
        readings={**observation.readings, transfer.account.id: own},
        master=_changed(master, transfer, is_more=False) if is_out else master,
        moves=(*observation.moves, move),
        planned=observation.planned | {move.id},
    )


def _changed(readings: Readings, transfer: Transfer, *, is_more: bool) -> Readings:
    change = transfer.amount if is_more else -transfer.amount
    given = readings.of(transfer.instrument)
    if not isinstance(given, Ok):
        return readings
    match transfer.instrument:
        case Instrument.CASH:
            return replace(readings, cash=Ok(given.value + change, given.read_at))
        case Instrument.CREDIT:
            ledgers = _ledgers(given.value, transfer.unit.part, change)
            return replace(readings, credit=Ok(ledgers, given.read_at))
        case Instrument.COUPON:
            coupons = _coupons(given.value, transfer, change)
            return replace(readings, coupons=Ok(coupons, given.read_at))


def _ledgers(
    ledgers: tuple[CreditLedger, ...], part: str, change: Decimal
) -> tuple[CreditLedger, ...]:
    if all((one.expire_time or "") != part for one in ledgers):
        expires_at = datetime.fromisoformat(part) if part else None
        fresh = CreditLedger(
            expire_time=part or None, expires_at=expires_at, amount=change, available=change
        )
        return (*ledgers, fresh)
    return tuple(
        replace(one, amount=_sum(one.amount, change), available=_sum(one.available, change))
        if (one.expire_time or "") == part
        else one
        for one in ledgers
    )


def _sum(amount: Decimal | None, change: Decimal) -> Decimal | None:
    return None if amount is None else amount + change


def _coupons(
    coupons: tuple[Coupon, ...], transfer: Transfer, change: Decimal
) -> tuple[Coupon, ...]:
    """A grant makes a child of the master's coupon, which is left with less; a child goes whole."""
    assert transfer.coupon is not None
    if transfer.direction is Direction.RECLAIM:
        return tuple(one for one in coupons if one.child_id != transfer.unit.part)
    if change > 0:
        child = replace(transfer.coupon, child_id=f"{transfer.id}-child", balance=change)
        return (*coupons, child)
    return tuple(
        replace(one, balance=one.balance + change)
        if one.coupon_id == transfer.coupon.coupon_id
        else one
        for one in coupons
    )
