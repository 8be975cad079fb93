"""Sudden zeros: a 0.00 that the reading before contradicts is a rumour until a second agrees.

One alone waits for a second reading. Where much of the fleet fell so within an hour, none acts:
then it is what we read that is wrong. It may not decide what is wanted.
"""

from datetime import timedelta
from decimal import Decimal

from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.outlook import Outlook
from budgetd.core.intent import Instrument
from budgetd.core.money import ZERO, show_amount, total
from budgetd.core.observation import Observation, Ok, Readings, Sample

FEW_ZEROS = 3
"""So many sudden zeros never stop the others."""

_HOUR = timedelta(hours=1)


class Zeros:
    """The sudden zeros of one observation."""

    def __init__(self, observation: Observation, outlook: Outlook, limits: Limits) -> None:
        self._observation = observation
        self._outlook = outlook
        self._limits = limits
        self._many: dict[Instrument, bool] = {}

    def doubt(self, account_id: str, instrument: Instrument) -> str:
        """Why an account's 0.00 may not be acted on, in words; empty where it may."""
        reading = _value_of(self._observation.readings_of(account_id), instrument)
        if reading is None or reading.value > ZERO:
            return ""
        last = self._last(account_id, instrument, reading, is_positive=False)
        if last is not None and self._contradicts(account_id, instrument, last, reading):
            return f"read {show_amount(last.value)} before; a second reading must agree"
        if self._fell(account_id, instrument) and self._are_many(instrument):
            return "too many accounts fell to 0.00 within an hour"
        return ""

    def _contradicts(
        self, account_id: str, instrument: Instrument, last: Sample, reading: Ok[Decimal]
    ) -> bool:
        least = self._outlook.falls_to(account_id, instrument, last, reading.read_at)
        return least is not None and least > ZERO

    def _fell(self, account_id: str, instrument: Instrument) -> bool:
        """Whether an account reads 0.00 that a reading of the last hour contradicts."""
        reading = _value_of(self._observation.readings_of(account_id), instrument)
        if reading is None or reading.value > ZERO:
            return False
        last = self._last(account_id, instrument, reading, is_positive=True)
        if last is None or last.read_at < self._observation.taken_at - _HOUR:
            return False
        return self._contradicts(account_id, instrument, last, reading)

    def _are_many(self, instrument: Instrument) -> bool:
        if instrument not in self._many:
            read = [
                account_id
                for account_id, readings in self._observation.readings.items()
                if _value_of(readings, instrument) is not None
            ]
            count = sum(self._fell(account_id, instrument) for account_id in read)
            is_over = count > self._limits.sudden_zeros * len(read)
            self._many[instrument] = count > FEW_ZEROS and is_over
        return self._many[instrument]

    def _last(
        self, account_id: str, instrument: Instrument, reading: Ok[Decimal], *, is_positive: bool
    ) -> Sample | None:
        """The newest earlier reading, or the newest that was above 0.00."""
        kept = self._observation.samples.get((account_id, instrument), ())
        burn = self._outlook.burn(account_id, instrument)
        known = [Sample(burn.at, burn.value)] if burn is not None else []
        found = [
            sample
            for sample in (*known, *kept)
            if sample.read_at < reading.read_at and (sample.value > ZERO or not is_positive)
        ]
        return max(found, key=lambda sample: sample.read_at, default=None)


def _value_of(readings: Readings, instrument: Instrument) -> Ok[Decimal] | None:
    """What was read of money as one amount; None where it was not, or a part is not known."""
    if instrument is Instrument.CASH:
        return readings.cash if isinstance(readings.cash, Ok) else None
    if instrument is Instrument.CREDIT and isinstance(readings.credit, Ok):
        amounts = [ledger.amount for ledger in readings.credit.value]
        if None not in amounts:
            value = total(amount for amount in amounts if amount is not None)
            return Ok(value, readings.credit.read_at)
    return None
