"""What an account holds of an instrument, for one rule: which ledgers and coupons count.

It sums up what was read; an unknown part makes the sum unknown. It may not decide.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.trigger import Facts, expires_by, holds, names
from budgetd.core.intent import Instrument
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Coupon, CreditLedger, Ok, Readings
from budgetd.core.policies.policy import GrantCoupons, ReclaimWhen, TopUp

_NEVER = datetime.max.replace(tzinfo=UTC)


def fits(action: GrantCoupons, coupon: Coupon, now: datetime) -> bool:
    """Whether a coupon is of the kind that a rule grants and counts."""
    choice = action.coupons
    if coupon.has_use_limits and choice.use_limits != "any":
        return False
    if choice.plan_name is not None and not names(choice.plan_name, coupon):
        return False
    return lives(coupon.expires_at, choice.lives_at_least, now)


def lives(expires_at: datetime | None, at_least: timedelta | None, now: datetime) -> bool:
    """Whether something is unexpired, and stays so for at least that long."""
    return expires_at is None or expires_at > now + (at_least or timedelta(0))


def end_of(one: CreditLedger | Coupon) -> datetime:
    """When it expires, to put the soonest first: what never does comes after all others."""
    return one.expires_at or _NEVER


def living(action: TopUp, readings: Readings, now: datetime) -> Ok[Decimal] | None:
    """The sum of the ledgers that live long enough; None where one of them is not known."""
    if not isinstance(readings.credit, Ok):
        return None
    counted = [
        ledger
        for ledger in readings.credit.value
        if lives(ledger.expires_at, action.lives_at_least, now)
    ]
    amounts = [ledger.amount for ledger in counted if ledger.amount is not None]
    if len(amounts) < len(counted):
        return None
    return Ok(total(amounts), readings.credit.read_at)


def ledgers_of(named: NamedRule, readings: Readings) -> tuple[CreditLedger, ...]:
    """The ledgers that were read, for a rule about credit."""
    is_credit = named.instrument is Instrument.CREDIT
    return readings.credit.value if is_credit and isinstance(readings.credit, Ok) else ()


def all_ledgers(
    readings: Readings, now: datetime
) -> tuple[tuple[CreditLedger, ...], Ok[Decimal] | None]:
    """The unexpired ledgers, soonest first, and their sum; None where a null hides a part."""
    if not isinstance(readings.credit, Ok):
        return (), None
    unexpired = (item for item in readings.credit.value if lives(item.expires_at, None, now))
    ledgers = tuple(sorted(unexpired, key=end_of))
    if any(ledger.amount is None or ledger.available is None for ledger in ledgers):
        return ledgers, None
    value = total(ledger.amount for ledger in ledgers if ledger.amount is not None)
    return ledgers, Ok(value, readings.credit.read_at)


def meant(
    ledgers: tuple[CreditLedger, ...], when: ReclaimWhen | None, facts: Facts
) -> tuple[CreditLedger, ...]:
    """The ledgers a reclaim may take from where its trigger holds: those that expire, where a
    part that is true says so."""
    if when is None:
        return ledgers
    if when.expires_within is not None:
        limit = facts.now + when.expires_within
        ledgers = tuple(one for one in ledgers if expires_by(one.expires_at, limit))
    if when.any is None:
        return ledgers
    found = [meant(ledgers, part, facts) for part in when.any if holds(part, facts) is True]
    return tuple(one for one in ledgers if any(one in part for part in found))


def watched(
    instrument: Instrument, readings: Readings, now: datetime
) -> tuple[Ok[Decimal] | None, tuple[CreditLedger, ...], tuple[Coupon, ...]]:
    """What an alert watches: the value, the ledgers and the coupons it is made of."""
    match instrument:
        case Instrument.CASH:
            return (readings.cash if isinstance(readings.cash, Ok) else None), (), ()
        case Instrument.CREDIT:
            ledgers, value = all_ledgers(readings, now)
            return value, ledgers, ()
        case Instrument.COUPON:
            if not isinstance(readings.coupons, Ok):
                return None, (), ()
            held = tuple(
                coupon
                for coupon in readings.coupons.value
                if coupon.balance > ZERO and lives(coupon.expires_at, None, now)
            )
            value = Ok(total(coupon.balance for coupon in held), readings.coupons.read_at)
            return value, (), held
