"""What our own past moves forbid now: open and unreflected moves, cooldowns, refusals, caps.

It reads the moves of an observation and answers questions about them. It may not decide.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Observation, Ok
from budgetd.core.reconciliation import RECORD_LAG, SIGNATURE_LIFE

FIRST_REST = timedelta(minutes=15)
LONGEST_REST = timedelta(hours=24)


class History:
    """The moves of one observation, found by account."""

    def __init__(self, observation: Observation, reflected_after: timedelta) -> None:
        self.observation = observation
        self.now = observation.taken_at
        self._reflected_after = reflected_after
        self._leaving: list[Move] | None = None
        self._by_account: dict[str, list[Move]] = defaultdict(list)
        for move in sorted(observation.moves, key=lambda move: move.made_at):
            self._by_account[move.unit.account_id].append(move)

    def moves(
        self, account_id: str, instrument: Instrument, direction: Direction | None = None
    ) -> Iterator[Move]:
        """An account's moves of one instrument, oldest first."""
        for move in self._by_account.get(account_id, ()):
            if move.unit.instrument is instrument and direction in (None, move.direction):
                yield move

    def moved_since(self, account_id: str, direction: Direction, since: datetime) -> Decimal:
        """What an account was moved one way after an instant, or may yet be, of any instrument."""
        return total(
            move.amount
            for move in self._by_account.get(account_id, ())
            if move.direction is direction
            and move.counts
            and (move.is_open or (move.sent_at or move.made_at) > since)
        )

    def taken_since(self, account_id: str, instrument: Instrument, since: datetime) -> Decimal:
        """What we took home of an instrument and a reading begun then may not show yet."""
        return total(
            move.amount
            for move in self.moves(account_id, instrument, Direction.RECLAIM)
            if move.counts and (move.ended_at is None or move.ended_at + RECORD_LAG >= since)
        )

    def all_moves(self) -> Iterable[Move]:
        """Every move that is known."""
        return self.observation.moves

    def is_reflected(self, move: Move) -> bool:
        """Whether a reading shows a settled move, or it was settled long enough ago. Never while
        the reading at hand began before its end, whatever others have read since: who decides on
        that reading does not know the move."""
        if move.ended_at is None:
            return False
        unit = move.unit
        reading = self.observation.readings_of(unit.account_id).of(unit.instrument)
        if isinstance(reading, Ok) and reading.read_at < move.ended_at:
            return False
        if self.now - move.ended_at >= self._reflected_after:
            return True
        if move.unit.instrument is Instrument.COUPON:
            return self._coupon_shows(move)
        return any(_shows(move, value) for value in self._values_after(move, move.ended_at))

    def _coupon_shows(self, move: Move) -> bool:
        reading = self.observation.readings_of(move.unit.account_id).coupons
        if not isinstance(reading, Ok) or move.ended_at is None or reading.read_at < move.ended_at:
            return False
        children = {coupon.child_id for coupon in reading.value}
        if move.direction is Direction.RECLAIM:
            return move.unit.part not in children
        return move.child_coupon_id in children

    def _values_after(self, move: Move, after: datetime) -> Iterator[Decimal]:
        """What the unit read since, up to the reading at hand: what others have read later it
        does not know."""
        unit = move.unit
        if unit.instrument is Instrument.CASH:
            cash = self.observation.readings_of(unit.account_id).cash
            last = cash.read_at if isinstance(cash, Ok) else self.now
            for sample in self.observation.samples.get((unit.account_id, unit.instrument), ()):
                if after <= sample.read_at <= last:
                    yield sample.value
            if isinstance(cash, Ok) and cash.read_at >= after:
                yield cash.value
            return
        credit = self.observation.readings_of(unit.account_id).credit
        if isinstance(credit, Ok) and credit.read_at >= after:
            amounts = [
                ledger.amount for ledger in credit.value if (ledger.expire_time or "") == unit.part
            ]
            yield next((amount for amount in amounts if amount is not None), ZERO)

    def is_pending(self, move: Move) -> bool:
        """Whether it may still move money, or moved some that no reading shows yet."""
        if move.is_open:
            return True
        return move.state is State.SETTLED and not self.is_reflected(move)

    def pending(
        self, account_id: str, instrument: Instrument, direction: Direction | None = None
    ) -> list[Move]:
        """The pending moves of one account and instrument."""
        return [
            move for move in self.moves(account_id, instrument, direction) if self.is_pending(move)
        ]

    def pending_out(self, instrument: Instrument, part: str | None = None) -> Decimal:
        """What is still to leave the master: pending allocations, of one ledger or coupon."""
        if self._leaving is None:
            self._leaving = [
                move
                for move in self.observation.moves
                if move.direction is Direction.ALLOCATE and self._is_leaving(move)
            ]
        return total(
            move.amount
            for move in self._leaving
            if move.unit.instrument is instrument and part in (None, move.unit.part)
        )

    def _is_leaving(self, move: Move) -> bool:
        """Whether an allocation is pending, or the master was read before it was over: then what
        the account reads says nothing of that reading."""
        if self.is_pending(move):
            return True
        left = self.observation.master.of(move.unit.instrument)
        is_from_before = isinstance(left, Ok) and move.ended_at and left.read_at < move.ended_at
        return move.state is State.SETTLED and bool(is_from_before)

    def reflected_until(self, move: Move) -> datetime | None:
        """When a settled move is taken as reflected at the latest; None where only another
        reading can show it."""
        until = move.ended_at + self._reflected_after if move.ended_at else None
        return until if until is not None and until > self.now else None

    def cooldown_until(self, rule: str, unit: Unit, cooldown: timedelta | None) -> datetime | None:
        """When a rule's cooldown on a unit ends, if it has not. Parts of one plan do not wait for
        each other."""
        if cooldown is None:
            return None
        attempts = [
            move.sent_at
            for move in self._of_rule(rule, unit)
            if move.sent_at
            and move.state not in (State.REFUSED, State.CANCELLED)
            and move.id not in self.observation.planned
        ]
        if not attempts or max(attempts) + cooldown <= self.now:
            return None
        return max(attempts) + cooldown

    def refused_until(self, rule: str, unit: Unit) -> datetime | None:
        """Until when a rule rests on a unit after refusals in a row: 15 min, doubling to 24 h;
        and every rule while a gateway may still repeat what was called busy there, and until a
        reading would show it."""
        rest, last = FIRST_REST, None
        repeated = self.now
        for move in self._of_unit(unit):
            if move.was_busy and move.sent_at:
                repeated = max(repeated, move.sent_at + SIGNATURE_LIFE + self._reflected_after)
            if move.rule != rule:
                continue
            if move.state is State.SETTLED:
                rest, last = FIRST_REST, None
            elif move.state in (State.REFUSED, State.VOID) and move.ended_at:
                rest = min(rest * 2, LONGEST_REST) if last else FIRST_REST
                last = move.ended_at
        until = repeated if last is None else max(repeated, last + rest)
        return until if until > self.now else None

    def _of_unit(self, unit: Unit) -> Iterator[Move]:
        """The moves of a unit; without a part, of all the account's units together."""
        for move in self.moves(unit.account_id, unit.instrument):
            if unit.part in ("", move.unit.part):
                yield move

    def _of_rule(self, rule: str, unit: Unit) -> Iterator[Move]:
        return (move for move in self._of_unit(unit) if move.rule == rule)

    def fired(
        self, rule: str, unit: Unit, *, of: str | tuple[datetime, datetime], but: Collection[str]
    ) -> tuple[Move, ...]:
        """The moves by which a rule has used its period, or the time of a tick, on a unit, but for
        those of these ids, oldest first."""
        return tuple(
            move
            for move in self._of_rule(rule, unit)
            if _is_of(move, of) and move.counts and move.id not in but
        )

    def parts(
        self, rule: str, unit: Unit, of: str | tuple[datetime, datetime] | None
    ) -> tuple[Move, ...]:
        """The moves of a rule on a unit that are of the plan which is carried out, or of a period
        or tick."""
        planned = self.observation.planned
        return tuple(
            move
            for move in self._of_rule(rule, unit)
            if move.counts and (move.id in planned or (of is not None and _is_of(move, of)))
        )

    def parts_of_plan(
        self, account_id: str, instrument: Instrument, direction: Direction
    ) -> frozenset[str]:
        """The parts that the plan which is carried out has moved already."""
        planned = self.observation.planned
        moves = self.moves(account_id, instrument, direction) if planned else ()
        return frozenset(move.unit.part for move in moves if move.id in planned)

    def had_no_effect(
        self, unit: Unit, trigger: Decimal | None, read_at: datetime, served: Iterable[Move]
    ) -> bool:
        """Whether two top-ups of this episode, settled before the reading, left it below its
        trigger. The other parts of what is decided (`served` and of this plan) are none."""
        parts = self.observation.planned.union(move.id for move in served)
        settled = [
            move.ended_at
            for move in self.moves(unit.account_id, unit.instrument, Direction.ALLOCATE)
            if move.state is State.SETTLED
            and move.ended_at
            and move.ended_at <= read_at
            and move.id not in parts
        ]
        if trigger is None or len(settled) < 2:
            return False
        samples = self.observation.samples.get((unit.account_id, unit.instrument), ())
        return all(sample.value < trigger for sample in samples if sample.read_at >= settled[-2])


def _is_of(move: Move, of: str | tuple[datetime, datetime]) -> bool:
    return move.period == of if isinstance(of, str) else of[0] <= move.made_at < of[1]


def _shows(move: Move, value: Decimal) -> bool:
    if move.reading is None:
        return False
    change = value - move.reading
    if move.direction is Direction.RECLAIM:
        change = -change
    return change * 2 >= move.amount
