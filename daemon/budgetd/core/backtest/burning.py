"""What accounts spend, found from their replayed past as the ledger finds it beside cycles.

Anew every six hours, from one reading an hour of four weeks. It may not estimate: `core/forecast`
does.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from budgetd.core.backtest.memory import Memory
from budgetd.core.backtest.series import NEVER, Track, micros
from budgetd.core.backtest.world import Key, World
from budgetd.core.burn import Burn
from budgetd.core.forecast.estimating import LOOKS_BACK, burn_of
from budgetd.core.intent import Unit
from budgetd.core.moment import resolve
from budgetd.core.money import ZERO
from budgetd.core.policies.schedule import tick_of

FOUND_EVERY = timedelta(hours=6)
"""So often a burn is found anew, at whole multiples of it."""

TRUSTED_FOR = timedelta(days=7)
"""A burn that rests on nothing younger is not known any more."""

_MOVES = LOOKS_BACK + timedelta(days=1)


@dataclass(slots=True)
class Burns:
    """The burns of one replay; each is found when it is asked for, most never are."""

    world: World
    tracks: Mapping[Key, Track]
    memory: Memory
    _known: dict[Key, tuple[datetime, Burn | None]] = field(default_factory=dict)

    def of(self, key: Key, now: datetime) -> Burn | None:
        """The burn that a cycle knows of a unit."""
        found_at = tick_of(FOUND_EVERY, now)
        known = self._known.get(key)
        if known is None or known[0] != found_at:
            known = self._known[key] = (found_at, self._found(key, found_at))
        burn = known[1]
        return burn if burn is not None and burn.at >= now - TRUSTED_FOR else None

    def most(self, key: Key, now: datetime, lengths: Collection[timedelta]) -> int:
        """More than may be spent in one of the lengths, in cents, whenever it begins before the
        burn is found anew; `NEVER` where the burn is not known all that time.

        Within one local day what a burn spends is linear in the time of day: all that it makes of
        it is the part of each weekday, which mixes two neighbours. So no moment of a day is
        beyond both its ends.
        """
        burn, ends = self.of(key, now), tick_of(FOUND_EVERY, now) + FOUND_EVERY
        if burn is None or burn.at < ends - TRUSTED_FOR:
            return NEVER
        zone = self.world.ground.limits.zone
        day, last = (at.astimezone(zone).date() for at in (ends - FOUND_EVERY, ends))
        spent = ZERO
        while day <= last:
            for clock in (time(0), time(23, 59, 59)):
                begins = resolve(day, clock, zone)
                spent = max([spent, *(burn.spends_at_most(begins, one, zone) for one in lengths)])
            day += timedelta(days=1)
        return int(spent * 100) + 1

    def _found(self, key: Key, found_at: datetime) -> Burn | None:
        samples = self.tracks[key].hourly(micros(found_at - LOOKS_BACK), micros(found_at))
        own = [
            move
            for move in self.memory.own.get(key[0], ())
            if move.unit.instrument is key[1] and found_at - _MOVES <= move.made_at < found_at
        ]
        return burn_of(samples, own, self.world.ground.limits.zone)


class BurnsNow(Mapping[Unit, Burn]):
    """The burns that a cycle knows of some accounts; each is found when the engine asks for it."""

    def __init__(self, burns: Burns, accounts: Collection[str], now: datetime) -> None:
        self._burns = burns
        self._accounts = accounts
        self._now = now

    def __getitem__(self, unit: Unit) -> Burn:
        key = (unit.account_id, unit.instrument)
        is_known = unit.account_id in self._accounts and key in self._burns.tracks and not unit.part
        found = self._burns.of(key, self._now) if is_known else None
        if found is None:
            raise KeyError(unit)
        return found

    def __iter__(self) -> Iterator[Unit]:
        for account_id in sorted(self._accounts):
            for _, instrument in self._burns.world.by_account.get(account_id, ()):
                unit = Unit(account_id=account_id, instrument=instrument)
                if unit in self:
                    yield unit

    def __len__(self) -> int:
        return sum(1 for _ in self)
