"""What an intent rests on: readings of both sides, how old they are, what the unit itself held.

Pure. It may not read anything again.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO
from budgetd.core.observation import Observation, Ok, Readings
from budgetd.core.plans.again import Promised
from budgetd.core.plans.plan import Transfer


def is_old(readings: Readings, instrument: Instrument, now: datetime, within: timedelta) -> bool:
    """Whether a reading is missing, or older than a move may rest on. Nobody knows how old one
    from ahead of now is: the clock has stepped back since."""
    reading = readings.of(instrument)
    return not isinstance(reading, Ok) or not timedelta(0) <= now - reading.read_at <= within


def rests_on_old(fresh: Observation, item: Promised, within: timedelta) -> bool:
    """Whether time passed between reading again and W1: a slow provider, a suspended machine."""
    sides = [fresh.readings_of(item.account.id)]
    if item.direction is Direction.ALLOCATE:
        sides.append(fresh.master)
    return any(
        isinstance(side.of(item.unit.instrument), Ok)
        and is_old(side, item.unit.instrument, fresh.taken_at, within)
        for side in sides
    )


def unit_reading(transfer: Transfer, fresh: Observation) -> Decimal | None:
    """What the unit itself read; of a credit ledger what can be spent of it, 0.00 of one that
    the account does not have yet, None where that is not known."""
    credit = fresh.readings_of(transfer.account.id).credit
    if transfer.unit_reading is not None or transfer.instrument is not Instrument.CREDIT:
        return transfer.unit_reading
    if not isinstance(credit, Ok):
        return None
    parts = [ledger for ledger in credit.value if (ledger.expire_time or "") == transfer.unit.part]
    return parts[0].amount if parts else ZERO


def children(fresh: Observation, transfer: Transfer) -> tuple[str, ...]:
    """The child coupons an account has before a grant: a new one is the grant's proof."""
    coupons = fresh.readings_of(transfer.account.id).coupons
    if transfer.instrument is not Instrument.COUPON or not isinstance(coupons, Ok):
        return ()
    return tuple(coupon.child_id for coupon in coupons.value if coupon.child_id)
