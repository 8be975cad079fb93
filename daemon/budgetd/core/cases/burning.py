"""What the accounts of a case spend: as it is written, else found from their series of readings.

What is found is found as in a real cycle. It may not know what a burn is used for.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.cases.case import Case
from budgetd.core.cases.given import GivenAccount, GivenBurn
from budgetd.core.forecast.estimating import LOOKS_BACK, burn_of
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Account, Observation, Ok, Sample, Stale


def burns_of(
    case: Case, accounts: dict[str, Account], observation: Observation, zone: ZoneInfo
) -> dict[Unit, Burn]:
    """Every burn that the case knows, by unit."""
    return {
        unit: burn
        for name, given in case.accounts.items()
        for unit, burn in _of_account(given, accounts[name].id, observation, zone)
    }


def _of_account(
    given: GivenAccount, account_id: str, observation: Observation, zone: ZoneInfo
) -> Iterator[tuple[Unit, Burn]]:
    written = {
        (Instrument.CASH, ""): given.burn,
        (Instrument.CREDIT, ""): given.credit_burn,
        (Instrument.COUPON, ""): given.coupon_burn,
    }
    coupons = given.coupons if isinstance(given.coupons, tuple) else ()
    values = {coupon.coupon: coupon.balance for coupon in coupons}
    written |= {(Instrument.COUPON, coupon.coupon): coupon.burn for coupon in coupons}
    cash = observation.readings_of(account_id).cash
    values[""] = cash.value if isinstance(cash, Ok | Stale) else ZERO
    for (instrument, part), burn in written.items():
        unit = Unit(account_id=account_id, instrument=instrument, part=part)
        if burn is not None:
            yield unit, _written(burn, values[part], observation, given.read)
        elif instrument is Instrument.CASH:
            found = _found(unit, observation, zone)
            if found is not None:
                yield unit, found


def _written(given: GivenBurn, value: Decimal, observation: Observation, read: timedelta) -> Burn:
    """A burn that is known as of the reading itself."""
    return Burn(
        at=observation.taken_at - read,
        value=value,
        level=given.daily,
        spread=(given.spread or ZERO) ** 2,
        idle=given.idle_for or timedelta(0),
        lately=given.last_day,
    )


def _found(unit: Unit, observation: Observation, zone: ZoneInfo) -> Burn | None:
    """A burn that the series shows, with the account's own moves."""
    key = (unit.account_id, unit.instrument)
    reading = observation.readings_of(unit.account_id).cash
    samples = [*observation.samples.get(key, ())]
    if isinstance(reading, Ok | Stale):
        samples.append(Sample(reading.read_at, reading.value))
    since = observation.taken_at - LOOKS_BACK
    known = [sample for sample in samples if sample.read_at >= since]
    own = [move for move in observation.moves if move.unit == unit]
    return burn_of(known, own, zone) if len(known) > 1 else None
