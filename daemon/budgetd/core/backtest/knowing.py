"""What a cycle of a replay knows: the observation that the daemon would have had.

Of accounts that nobody looks at it lays out only what the others' decisions rest on: moves
that limits and caps count, and every reading where a sudden zero is to be judged. It may not
decide.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.backtest.series import MICROSECOND, Track, instant, micros
from budgetd.core.backtest.world import LOOKS_BACK, REPLAYED, Key, World, sums_before
from budgetd.core.burn import Burn
from budgetd.core.decisions.due import is_valid
from budgetd.core.decisions.remembering import episodes_of, reach_of
from budgetd.core.decisions.trigger import When
from budgetd.core.forecast.estimating import LOOKS_BACK as BURN_LOOKS_BACK
from budgetd.core.forecast.estimating import burn_of
from budgetd.core.forecast.sampling import sample_of
from budgetd.core.intent import Instrument, Move, Unit
from budgetd.core.money import LARGEST, ZERO, from_minor
from budgetd.core.observation import (
    Announced,
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Sample,
)
from budgetd.core.policies.policy import PolicySet, Rule
from budgetd.core.policies.schedule import tick_of

FOUND_EVERY = timedelta(hours=6)
"""So often a burn is found anew, at whole multiples of it, as the ledger does beside cycles."""

TRUSTED_FOR = timedelta(days=7)
"""A burn that rests on nothing younger is not known any more."""

DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_BURN_MOVES = BURN_LOOKS_BACK + DAY


@dataclass(slots=True)
class Memory:
    """What a replay has done so far, and what it must remember of it. `decided` are the rules and
    periods that are done, by account; `out` what has left the master's cash, in cents."""

    moves: list[Move] = field(default_factory=list)
    own: dict[str, list[Move]] = field(default_factory=dict)
    decided: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    notices: dict[tuple[str, Unit, str], Announced] = field(default_factory=dict)
    out: int = 0

    def keep(self, move: Move) -> None:
        """Remembers a move; they come in order of time."""
        self.moves.append(move)
        self.own.setdefault(move.unit.account_id, []).append(move)


@dataclass(slots=True)
class Knowledge:
    """Makes observations of one world under one set of policies."""

    world: World
    policies: PolicySet
    tracks: Mapping[Key, Track]
    memory: Memory
    _rules: tuple[tuple[str, Rule], ...] = ()
    _order: tuple[int, ...] = ()
    _reach: timedelta = timedelta(0)
    _lasting: bool = False
    _capped: frozenset[str] = frozenset()
    _burns: dict[Key, tuple[datetime, Burn | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rules = tuple(self.policies.rules())
        self._order = tuple(sorted(self.world.cycles))
        self._reach = reach_of(self.policies, self.world.ground.limits)
        self._lasting = any(_lasts(getattr(rule.action, "when", None)) for _, rule in self._rules)
        self._capped = frozenset(
            name
            for name, rule in self._rules
            if any(cap.startswith("rule_") for cap in rule.caps.model_fields_set)
        )

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
        looks_back = now - LOOKS_BACK
        return Observation(
            taken_at=now,
            began_at=now,
            currency=self.world.ground.currency,
            accounts=self.world.ground.accounts,
            readings=self._readings(shown),
            master=self._master(now),
            moves=(*self._recent(own, looks_back), *self._others(accounts, now)),
            samples=dict(self._samples(sampled, now)),
            moved_before=sums_before(self.world, own, micros(now)),
            first_loaded=dict.fromkeys(
                (name for name, _ in self._rules), instant(self.world.since)
            ),
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

    def with_burns(self, observation: Observation, accounts: Sequence[str]) -> Observation:
        """The same with the burns of these accounts, and of those that read 0.00."""
        asked, burns = set(accounts), {}
        for account_id, readings in observation.readings.items():
            for key in self.world.by_account[account_id]:
                if account_id in asked or _is_zero(readings, key[1]):
                    burn = self._burn(key, observation.taken_at)
                    if burn is not None:
                        burns[Unit(account_id=account_id, instrument=key[1])] = burn
        return replace(observation, burns=burns)

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
        """The master's money: more than is ever asked where it was not recorded. Of its credit
        nothing is kept."""
        ledger = CreditLedger(expire_time=None, expires_at=None, amount=LARGEST, available=LARGEST)
        cash: Ok[Decimal] | None = Ok(LARGEST, now)
        if self.world.master is not None:
            left = self.world.master.left(micros(now))
            cash = None if left is None else Ok(from_minor(max(left - self.memory.out, 0)), now)
        return Readings(cash=cash, credit=Ok((ledger,), now))

    @staticmethod
    def _recent(moves: Iterable[Move], since: datetime) -> list[Move]:
        return [move for move in moves if move.made_at >= since]

    def _others(self, accounts: Sequence[str], now: datetime) -> Iterator[Move]:
        """Moves of accounts that are not asked: what limits count, and the caps of rules."""
        asked = set(accounts)
        counted = max(DAY, self.world.ground.limits.reflected_after)
        since = now - (LOOKS_BACK if self._capped else counted)
        place = bisect_left(self.memory.moves, since, key=lambda move: move.made_at)
        for move in self.memory.moves[place:]:
            if move.unit.account_id in asked:
                continue
            if move.made_at >= now - counted or move.rule in self._capped:
                yield move

    def _samples(
        self, places: Mapping[Key, int], now: datetime
    ) -> Iterator[tuple[Key, tuple[Sample, ...]]]:
        since = micros(now - self._reach)
        for key, place in places.items():
            track = self.tracks[key]
            longer = episodes_of(
                self._recent(self.memory.own.get(key[0], ()), now - LOOKS_BACK)
            ).get(key)
            found: list[Sample] = []
            if longer is not None and micros(longer) < since:
                found = self._before(track, (micros(longer), since), place)
            found += track.samples(since, track.series.at[place])
            if found:
                yield key, tuple(found)

    def _before(self, track: Track, span: tuple[int, int], place: int) -> list[Sample]:
        """The older readings of an episode: all where a trigger must have lasted; else the highest
        and the newest, the two that anything rests on."""
        longer, since = span
        if self._lasting:
            return list(track.samples(longer, min(since, track.series.at[place])))
        found = [track.highest(longer, place), track.last(place)]
        kept = {one for one in found if one is not None and longer <= one[0] < since}
        return [Sample(instant(at), from_minor(cents)) for at, cents in sorted(kept)]

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

    def _burn(self, key: Key, now: datetime) -> Burn | None:
        found_at = tick_of(FOUND_EVERY, now)
        known = self._burns.get(key)
        if known is None or known[0] != found_at:
            known = self._burns[key] = (found_at, self._found(key, found_at))
        burn = known[1]
        return burn if burn is not None and burn.at >= now - TRUSTED_FOR else None

    def _found(self, key: Key, found_at: datetime) -> Burn | None:
        """The burn as it was known at an instant, from one reading an hour of four weeks."""
        until = micros(found_at)
        since = until - BURN_LOOKS_BACK // MICROSECOND
        hours = {
            tick_of(_HOUR, sample.read_at): sample
            for sample in self.tracks[key].samples(since, until)
        }
        own = [
            move
            for move in self._recent(self.memory.own.get(key[0], ()), found_at - _BURN_MOVES)
            if move.unit.instrument is key[1] and move.made_at < found_at
        ]
        return burn_of(tuple(hours.values()), own, self.world.ground.limits.zone)


def has_zero(observation: Observation) -> bool:
    """Whether anybody reads 0.00, which may be a rumour."""
    return any(
        _is_zero(readings, instrument)
        for readings in observation.readings.values()
        for instrument in REPLAYED
    )


def _lasts(when: When | None) -> bool:
    """Whether a trigger, or a part of it, must have held for some time."""
    return when is not None and (when.for_ is not None or any(map(_lasts, when.any or ())))


def _is_zero(readings: Readings, instrument: Instrument) -> bool:
    sample = sample_of(readings, instrument)
    return sample is not None and sample.value <= ZERO
