"""What a replay remembers of its moves, and the few moves that stand for those of all others.

Limits and the caps of rules count what every account got. Where a cycle looks at a few accounts,
the older moves of the others are laid out as sums: one move a rule and span, which counts for
the same. It may not decide.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise
from operator import itemgetter
from zoneinfo import ZoneInfo

from budgetd.core.backtest.series import cents_of, instant, micros
from budgetd.core.decisions.limits import RECENT, Limits
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.moment import resolve
from budgetd.core.money import from_minor
from budgetd.core.observation import Announced

DAY = timedelta(days=1)
_MARGIN = timedelta(hours=1)  # no move takes so long from its sending to its end
_SentKey = tuple[str, Instrument, Direction]
_sent = itemgetter(0)


@dataclass(slots=True)
class Memory:
    """What a replay has done so far, and what it must remember of it. `decided` are the rules and
    periods that are done, by account; `out` what has left the master's cash, in cents; `capped`
    the rules with caps of their own, over all accounts."""

    capped: Collection[str] = frozenset()
    own: dict[str, list[Move]] = field(default_factory=dict)
    decided: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    notices: dict[tuple[str, Unit, str], Announced] = field(default_factory=dict)
    out: int = 0
    _moves: list[tuple[int, int, Move]] = field(default_factory=list)
    _sums: dict[_SentKey, "_Sums"] = field(default_factory=dict)

    def keep(self, move: Move) -> None:
        """Remembers a move that is over; they come in order of their making."""
        self.own.setdefault(move.unit.account_id, []).append(move)
        insort(self._moves, (_when(move), len(self._moves), move), key=_sent)
        if move.counts:
            key = self._key(move)
            self._sums.setdefault(key, _Sums()).add(_when(move), abs(cents_of(move)))

    def _key(self, move: Move) -> _SentKey:
        """Whose sum a move is in: limits alone ask about rules without caps, and not by name."""
        if move.rule in self.capped:
            return move.rule, move.unit.instrument, move.direction
        return "", Instrument.CASH, move.direction

    def others(self, asked: Collection[str], now: datetime, limits: Limits) -> Iterator[Move]:
        """What stands for the moves of all accounts that are not asked: the newest as they are,
        older ones as sums, of 24 hours, and of the periods that the caps of rules count."""
        newest = micros(now - max(RECENT, limits.reflected_after) - _MARGIN)
        for _, _, move in self._moves[bisect_left(self._moves, newest, key=_sent) :]:
            if move.unit.account_id not in asked:
                yield move
        own = [move for one in asked for move in self.own.get(one, ()) if move.counts]
        day_ago = micros(now - DAY) + 1
        begins = [day_ago, *_period_begins(now, limits.zone)]
        for key, sums in self._sums.items():
            cuts = begins if key[0] else [day_ago]
            for since, until in pairwise([*sorted({c for c in cuts if c < newest}), newest]):
                cents = sums.between(since, until)
                if cents:
                    # What the asked accounts have of it is laid out move by move.
                    cents -= sum(
                        abs(cents_of(move))
                        for move in own
                        if since <= _when(move) < until and self._key(move) == key
                    )
                if cents:
                    yield _standing_for(key, since, cents)


@dataclass(slots=True)
class _Sums:
    """Cents by instant, added up."""

    at: list[int] = field(default_factory=list)
    upto: list[int] = field(default_factory=lambda: [0])

    def add(self, at: int, cents: int) -> None:
        if self.at and at < self.at[-1]:
            self._put_between(at, cents)
            return
        self.at.append(at)
        self.upto.append(self.upto[-1] + cents)

    def _put_between(self, at: int, cents: int) -> None:
        """A recorded move that was sent before one that was made earlier."""
        place = bisect_left(self.at, at)
        self.at.insert(place, at)
        self.upto.insert(place, self.upto[place])
        for later in range(place + 1, len(self.upto)):
            self.upto[later] += cents

    def between(self, since: int, until: int) -> int:
        return self.upto[bisect_left(self.at, until)] - self.upto[bisect_left(self.at, since)]


def _when(move: Move) -> int:
    return micros(move.sent_at or move.made_at)


def _period_begins(now: datetime, zone: ZoneInfo) -> Iterator[int]:
    """When the local day, week and month began that caps count."""
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=today.weekday()), today.replace(day=1)):
        yield micros(resolve(day, time(0), zone))


def _standing_for(key: _SentKey, at: int, cents: int) -> Move:
    rule, instrument, direction = key
    sent = instant(at)
    return Move(
        id="sum",
        rule=rule,
        unit=Unit(account_id="", instrument=instrument),
        direction=direction,
        amount=from_minor(cents),
        state=State.SETTLED,
        made_at=sent,
        sent_at=sent,
        ended_at=sent,
    )
