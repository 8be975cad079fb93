"""The amounts by which readings are kept, unit by unit. Pure; what is not known is not kept."""

from collections.abc import Iterator
from decimal import Decimal

from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import total
from budgetd.core.observation import Ok, Readings, Sample


def samples_of(account_id: str, readings: Readings) -> Iterator[tuple[Unit, Sample]]:
    """Each instrument of an account that was read, as one amount; and each of its coupons alone:
    what one will leave unused rests on its own use."""
    for instrument in Instrument:
        sample = sample_of(readings, instrument)
        if sample is not None:
            yield Unit(account_id=account_id, instrument=instrument), sample
    if isinstance(readings.coupons, Ok):
        for coupon in readings.coupons.value:
            if coupon.child_id:
                unit = Unit(
                    account_id=account_id, instrument=Instrument.COUPON, part=coupon.child_id
                )
                yield unit, Sample(readings.coupons.read_at, coupon.balance)


def sample_of(readings: Readings, instrument: Instrument) -> Sample | None:
    """The one amount by which a reading is kept: cash, or the sum of ledgers or coupons."""
    value: Decimal
    match instrument:
        case Instrument.CASH:
            if not isinstance(readings.cash, Ok):
                return None
            return Sample(readings.cash.read_at, readings.cash.value)
        case Instrument.CREDIT:
            if not isinstance(readings.credit, Ok):
                return None
            amounts = [ledger.amount for ledger in readings.credit.value]
            if None in amounts:
                return None
            value = total(amount for amount in amounts if amount is not None)
            return Sample(readings.credit.read_at, value)
        case Instrument.COUPON:
            if not isinstance(readings.coupons, Ok):
                return None
            value = total(coupon.balance for coupon in readings.coupons.value)
            return Sample(readings.coupons.read_at, value)
