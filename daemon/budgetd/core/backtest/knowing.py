"""What a cycle of a replay knows: the observation that the daemon would have had.

Of accounts that nobody looks at it lays out only what the others' decisions rest on: moves
that limits and caps count, and every reading where a sudden zero is to be judged. It may not
decide.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from budgetd.core.backtest.memory import Memory
from budgetd.core.backtest.series import Track, instant, micros
from budgetd.core.backtest.world import LOOKS_BACK, REPLAYED, Key, World, sums_before
from budgetd.core.decisions.due import is_valid
from budgetd.core.decisions.remembering import episodes_of, reach_of
from budgetd.core.decisions.trigger import When
from budgetd.core.forecast.sampling import sample_of
from budgetd.core.intent import Instrument, Move
from budgetd.core.money import LARGEST, ZERO, from_minor
from budgetd.core.observation import (
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Sample,
)
from budgetd.core.policies.policy import PolicySet, Rule
from budgetd.core.policies.schedule import tick_of

LEAST_REACH = timedelta(hours=1)


@dataclass(slots=True)
class Knowledge:
    """Makes observations of one world under one set of policies. `lasting` are the units of which
    a trigger must have held for some time."""

    world: World
    policies: PolicySet
    tracks: Mapping[Key, Track]
    memory: Memory
    lasting: Collection[Key]
    _rules: tuple[tuple[str, Rule], ...] = ()
    _order: tuple[int, ...] = ()
    _reach: timedelta = timedelta(0)
    _loaded: Mapping[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rules = tuple(self.policies.rules())
        self._order = tuple(sorted(self.world.cycles))
        self._reach = reach_of(self.policies, self.world.ground.limits)
        self._loaded = dict.fromkeys((name for name, _ in self._rules), instant(self.world.since))

    def observe(self, step: int, accounts: Sequence[str]) -> Observation:
        """What is known in a step of these accounts, without burns."""
        now = instant(self.world.cycles[step])
        places = dict(self._places(step, accounts))
        is_zero = any(self.tracks[key].value(place) <= 0 for key, place in places.items())
        shown = dict(self._places(step, self.world.by_account)) if is_zero else places
        sampled = {
            key: place
            for key, place in shown.items()
            if key in places or self.tracks[key].value(place) <= 0
        }
        own = [move for one in accounts for move in self.memory.own.get(one, ())]
        others = tuple(self.memory.others(set(accounts), now, self.world.ground.limits))
        moved = self._moved(others)
        shown |= dict(self._places(step, {key[0] for key in moved}))
        return Observation(
            taken_at=now,
            began_at=now,
            currency=self.world.ground.currency,
            accounts=self.world.ground.accounts,
            readings=self._readings(shown),
            master=self._master(now),
            moves=(*_since(own, now - LOOKS_BACK), *others),
            samples=dict(self._samples(sampled, now)) | self._looks(moved, shown, now),
            moved_before=sums_before(self.world, own, micros(now)),
            first_loaded=self._loaded,
            decided=frozenset(
                (rule, one, period)
                for one in accounts
                for rule, period in self.memory.decided.get(one, ())
            ),
            notices=self.memory.notices,
            served=dict(self._served(step)),
        )

    def step_after(self, step: int) -> int | None:
        """The next step in which anything was read."""
        place = bisect_right(self._order, step)
        return self._order[place] if place < len(self._order) else None

    def _places(self, step: int, accounts: Iterable[str]) -> Iterator[tuple[Key, int]]:
        for account_id in accounts:
            for key in self.world.by_account.get(account_id, ()):
                place = self.world.place_in(key, step)
                if place is not None:
                    yield key, place

    def _readings(self, places: Mapping[Key, int]) -> dict[str, Readings]:
        found: dict[str, Readings] = {}
        for key, place in places.items():
            track = self.tracks[key]
            read_at = instant(track.series.at[place])
            value = from_minor(track.value(place))
            before = found.get(key[0], Readings())
            if key[1] is Instrument.CASH:
                found[key[0]] = replace(before, cash=Ok(value, read_at))
            else:
                ledger = CreditLedger(
                    expire_time=None, expires_at=None, amount=value, available=value
                )
                found[key[0]] = replace(before, credit=Ok((ledger,), read_at))
        return found

    def _master(self, now: datetime) -> Readings:
        """The master's money: more than is ever asked while it was not recorded. Of its credit
        nothing is kept."""
        ledger = CreditLedger(expire_time=None, expires_at=None, amount=LARGEST, available=LARGEST)
        master, cash = self.world.master, LARGEST
        left = master.left(micros(now)) if master is not None else None
        if left is not None:
            cash = from_minor(max(left - self.memory.out, 0))
        return Readings(cash=Ok(cash, now), credit=Ok((ledger,), now))

    def _moved(self, others: Iterable[Move]) -> frozenset[Key]:
        """Whose readings say whether the master's money has left: of no use where the master has
        all that is asked."""
        if self.world.master is None:
            return frozenset()
        keys = ((move.unit.account_id, move.unit.instrument) for move in others)
        return frozenset(key for key in keys if key in self.tracks)

    def _looks(
        self, moved: Iterable[Key], places: Mapping[Key, int], now: datetime
    ) -> dict[Key, tuple[Sample, ...]]:
        """What was read of the others since they were moved."""
        near, found = self._near(now), {}
        for key in moved:
            at = self.tracks[key].series.at
            until = at[places[key]] if key in places else micros(now)
            found[key] = tuple(self.tracks[key].samples(near, until))
        return found

    def _near(self, now: datetime) -> int:
        return micros(now - max(LEAST_REACH, self.world.ground.limits.reflected_after))

    def _samples(
        self, places: Mapping[Key, int], now: datetime
    ) -> Iterator[tuple[Key, tuple[Sample, ...]]]:
        """What triggers and rails look back at. A trigger that must have lasted asks for every
        reading; else the newest ones, and of the others the highest and the last, are all
        that anything rests on."""
        reach = micros(now - self._reach)
        near = self._near(now)
        for key, place in places.items():
            track, until = self.tracks[key], self.tracks[key].series.at[place]
            own = _since(self.memory.own.get(key[0], ()), now - LOOKS_BACK)
            episode = episodes_of(own).get(key)
            begins = reach if episode is None else min(reach, micros(episode))
            found: list[Sample] = []
            first = begins if key in self.lasting else max(begins, near)
            if begins < first:
                marks = {track.last(place)}
                marks |= {track.highest(micros(episode), place)} if episode is not None else set()
                kept = sorted(one for one in marks if one is not None and begins <= one[0] < first)
                found = [Sample(instant(at), from_minor(cents)) for at, cents in kept]
            found += track.samples(first, until)
            if found:
                yield key, tuple(found)

    def _served(self, step: int) -> Iterator[tuple[str, datetime]]:
        """The ticks that the cycle before has served: it looked at all rules that lived."""
        place = bisect_right(self._order, step) - 2
        if place < 0:
            return
        before, zone = self.world.cycles[self._order[place]], self.world.ground.limits.zone
        for name, rule in self._rules:
            every = rule.schedule.every if rule.schedule is not None else None
            if every is not None and is_valid(rule, rule.timezone or zone, instant(before)):
                yield name, tick_of(every, instant(before))


def lasts(when: When | None) -> bool:
    """Whether a trigger, or a part of it, must have held for some time."""
    return when is not None and (when.for_ is not None or any(map(lasts, when.any or ())))


def zeros(observation: Observation) -> frozenset[str]:
    """The accounts that read 0.00."""
    return frozenset(
        account_id
        for account_id, readings in observation.readings.items()
        if any(_is_zero(readings, instrument) for instrument in REPLAYED)
    )


def _since(moves: Iterable[Move], since: datetime) -> list[Move]:
    return [move for move in moves if move.made_at >= since]


def _is_zero(readings: Readings, instrument: Instrument) -> bool:
    sample = sample_of(readings, instrument)
    return sample is not None and sample.value <= ZERO
