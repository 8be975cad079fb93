"""What a burn says of an account now: how long it lasts, since when it is idle, whether it spikes.

A burn rests on its last reading; the reading at hand goes on from there. Unknown stays unknown
(None). It may not decide.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import Band, Burn
from budgetd.core.decisions.history import History
from budgetd.core.forecast.spending import Spend, spends
from budgetd.core.intent import Instrument, Unit
from budgetd.core.money import ZERO
from budgetd.core.observation import Coupon, Observation, Ok, Sample

DAY = timedelta(days=1)
_ENOUGH = timedelta(hours=6)
_SECOND = timedelta(seconds=1)


class Outlook:
    """The burns of one observation, asked about the readings at hand."""

    def __init__(self, observation: Observation, history: History, zone: ZoneInfo) -> None:
        self.zone = zone
        self._burns = observation.burns
        self._history = history
        self._now = observation.taken_at

    def burn(self, account_id: str, instrument: Instrument, part: str = "") -> Burn | None:
        """What is known of a unit's spending; without a part, of all the account has of it."""
        unit = Unit(account_id=account_id, instrument=instrument, part=part)
        return self._burns.get(unit)

    def ahead(self, account_id: str, instrument: Instrument, length: timedelta) -> Band | None:
        """What will be spent in so long from now on."""
        burn = self.burn(account_id, instrument)
        return None if burn is None else burn.spends(self._now, length, self.zone)

    def most(self, account_id: str, instrument: Instrument, length: timedelta) -> Decimal | None:
        """The upper edge of what will be spent in so long from now on."""
        burn = self.burn(account_id, instrument)
        return None if burn is None else burn.spends_at_most(self._now, length, self.zone)

    def lasts(self, account_id: str, instrument: Instrument, value: Decimal) -> timedelta | None:
        """How long so much lasts, at the upper edge of the burn."""
        burn = self.burn(account_id, instrument)
        return None if burn is None else burn.lasts_at_least(value, self._now, self.zone)

    def idle(
        self, account_id: str, instrument: Instrument, reading: Ok[Decimal] | None
    ) -> timedelta | None:
        """For how long nothing was spent. At 0.00 nothing could be: that is not idle."""
        burn = self.burn(account_id, instrument)
        if burn is None or reading is None:
            return None
        if reading.value <= ZERO:
            return timedelta(0)
        since = self._since(burn, account_id, instrument, reading)
        if since is None or since.amount is None:
            return burn.idle
        return timedelta(0) if since.amount > ZERO else burn.idle + (since.ends - since.begins)

    def idle_coupon(self, account_id: str, coupon: Coupon, read_at: datetime) -> timedelta | None:
        """For how long nothing was spent of one coupon."""
        burn = self.burn(account_id, Instrument.COUPON, coupon.child_id or "-")
        if burn is None or coupon.balance != burn.value:
            return None if burn is None else timedelta(0)
        return burn.idle + max(read_at - burn.at, timedelta(0))

    def lapses(self, account_id: str, coupon: Coupon) -> Decimal | None:
        """What is left of a coupon when it expires, at its own use; of one that never expires
        nothing is lost."""
        if coupon.expires_at is None:
            return ZERO
        burn = self.burn(account_id, Instrument.COUPON, coupon.child_id or "-")
        if burn is None:
            return None
        used = burn.spends(self._now, coupon.expires_at - self._now, self.zone)
        return max(coupon.balance - used.middle, ZERO)

    def is_spiking(
        self, account_id: str, instrument: Instrument, reading: Ok[Decimal], times: Decimal
    ) -> bool:
        """Whether the last 24 hours burned more than so many times the usual; False where that
        is not known."""
        burn = self.burn(account_id, instrument)
        if burn is None:
            return False
        usual = burn.spends(reading.read_at - DAY, DAY, self.zone).middle
        lately = _lately(burn, self._since(burn, account_id, instrument, reading))
        return lately is not None and lately > usual * times

    def falls_to(
        self, account_id: str, instrument: Instrument, last: Sample, until: datetime
    ) -> Decimal | None:
        """The least that a reading can be, going by an earlier one, its burn's upper edge and what
        we took meanwhile; None where the burn is not known."""
        burn = self.burn(account_id, instrument)
        if burn is None:
            return None
        spent = burn.spends(last.read_at, until - last.read_at, self.zone).high
        taken = self._history.taken_since(account_id, instrument, last.read_at)
        return max(last.value - spent - taken, ZERO)

    def _since(
        self, burn: Burn, account_id: str, instrument: Instrument, reading: Ok[Decimal]
    ) -> Spend | None:
        """What was spent since the burn's own last reading."""
        if reading.read_at <= burn.at:
            return None
        both = (Sample(burn.at, burn.value), Sample(reading.read_at, reading.value))
        found = spends(both, self._history.moves(account_id, instrument))
        return found[0] if found else None


def _lately(burn: Burn, since: Spend | None) -> Decimal | None:
    """The amount a day of the last 24 hours, as far as they are known."""
    if since is None or since.amount is None:
        return burn.lately
    length = since.ends - since.begins
    if length >= DAY or (burn.lately is None and length >= _ENOUGH):
        return since.amount * 86400 / (length // _SECOND)
    if burn.lately is None:
        return None
    return burn.lately * ((DAY - length) // _SECOND) / 86400 + since.amount
