"""The plain way through a past: every reading of every account, in every step, the whole engine.

It shares nothing with the replay but the engine and the nouns: its worlds are lists of readings,
its values are added up one by one, and nothing is ever skipped. What it makes of a past is what
the replay must make of it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from budgetd.core.approval import Proposal
from budgetd.core.burn import Burn
from budgetd.core.decisions.due import due_ticks
from budgetd.core.decisions.limits import Limits
from budgetd.core.decisions.remembering import episodes_of, reach_of
from budgetd.core.forecast.estimating import burn_of
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.money import LARGEST, ZERO, total
from budgetd.core.observation import (
    Account,
    Announced,
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Sample,
)
from budgetd.core.plans.consent import moot, proposals_of
from budgetd.core.plans.decided import decided
from budgetd.core.plans.notice import withdrawn
from budgetd.core.plans.outcome import outcome_of
from budgetd.core.plans.plan import Plan
from budgetd.core.plans.planning import Frame
from budgetd.core.policies.policy import PolicySet
from budgetd.core.reason import QUIET, Hold
from budgetd.cycle import Settings, plan_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MONTH = timedelta(days=32)
Key = tuple[str, Instrument]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A past as it was recorded, and the window that is replayed."""

    accounts: tuple[Account, ...]
    readings: dict[Key, list[tuple[datetime, Decimal]]]
    moves: tuple[Move, ...]
    master: tuple[tuple[datetime, Decimal], ...]
    since: datetime
    until: datetime
    step: timedelta
    limits: Limits


@dataclass
class Stepped:
    """One set of policies, stepped through a past."""

    past: Recorded
    policies: PolicySet
    moves: list[Move] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    holds: dict[tuple[str, str, Hold], int] = field(default_factory=lambda: defaultdict(int))
    value: dict[Key, Decimal] = field(default_factory=dict)
    log: dict[Key, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._all = [move for move in self.past.moves if move.made_at < self.past.since]
        self._notices: dict[tuple[str, Unit, str], Announced] = {}
        self._decided: set[tuple[str, str, str]] = set()
        self._served: dict[str, datetime] = {}
        self._live: dict[str, Proposal] = {}
        self._spoken: dict[tuple[str, str], dict[str, set[Hold]]] = {}
        self._out = ZERO
        self._found: dict[datetime, dict[Unit, Burn]] = {}

    def run(self) -> "Stepped":
        """Every step in which anything was read."""
        steps: dict[int, list[tuple[datetime, Key, Decimal]]] = defaultdict(list)
        for key, readings in self.past.readings.items():
            for at, change, is_first in self._changes(key, readings):
                if is_first:
                    self.value[key] = ZERO
                if at < self.past.since:
                    self._read(at, key, change)
                else:
                    steps[(at - EPOCH) // self.past.step].append((at, key, change))
        for _, found in sorted(steps.items()):
            for at, key, change in sorted(found, key=lambda one: one[0]):
                self._read(at, key, change)
            self._cycle(max(at for at, _, _ in found), {key for _, key, _ in found})
        return self

    def _read(self, at: datetime, key: Key, change: Decimal) -> None:
        self.value[key] = max(self.value[key] + change, ZERO)
        self.log[key].append(Sample(at, self.value[key]))

    def _changes(
        self, key: Key, readings: list[tuple[datetime, Decimal]]
    ) -> Iterator[tuple[datetime, Decimal, bool]]:
        """What came or went between two clear readings and was not ours; our own moves from before
        the window are part of it."""
        own = [m for m in self.past.moves if key == (m.unit.account_id, m.unit.instrument)]
        lag = timedelta(minutes=20)
        before, known = datetime.min.replace(tzinfo=UTC), ZERO
        for at, value in readings:
            if any(
                _first_shown(move) <= at
                and (move.state is not State.SETTLED or at <= move.ended_at + lag)
                for move in own
                if move.sent_at and move.counts
            ):
                continue
            net = total(
                move.amount if move.direction is Direction.ALLOCATE else -move.amount
                for move in own
                if move.state is State.SETTLED
                and before < _first_shown(move) <= at
                and move.made_at >= self.past.since
            )
            yield at, value - known - net, before == datetime.min.replace(tzinfo=UTC)
            before, known = at, value

    def _cycle(self, now: datetime, read: set[Key]) -> None:
        observation = self._observation(now, read)
        frame = Frame(enterprise="", mode="enforce", policies=self.policies)
        settings = Settings(frame=frame, limits=self.past.limits, currency="CNY")
        plan = plan_of(settings, observation)
        for transfer in plan.moves:
            move = Move(
                id=transfer.id,
                rule=transfer.rule,
                unit=transfer.unit,
                direction=transfer.direction,
                amount=transfer.amount,
                state=State.SETTLED,
                made_at=now,
                sent_at=now,
                ended_at=now + MICROSECOND,
                reading=transfer.unit_reading,
                read_at=transfer.read_at,
                period=transfer.period,
            )
            self._all.append(move)
            self.moves.append(move)
            key = (move.unit.account_id, move.unit.instrument)
            net = move.amount if move.direction is Direction.ALLOCATE else -move.amount
            self.value[key] += net
            self.log[key].append(Sample(now + MICROSECOND, self.value[key]))
            self._out += net if move.unit.instrument is Instrument.CASH else ZERO
        self._served |= due_ticks(self.policies, observation, self.past.limits)
        self._remember(plan, observation, read)

    def _remember(self, plan: Plan, observation: Observation, read: set[Key]) -> None:
        done = decided(plan, [outcome_of(one, State.SETTLED) for one in plan.moves]).done
        self._decided |= done
        rules = dict(self.policies.rules())
        for key in list(withdrawn(plan, observation, rules)):
            self._notices.pop(key, None)
        for held in plan.held:
            for one in held.announces:
                announced = Announced(at=plan.taken_at, amount=one.amount)
                self._notices.setdefault((held.rule, one.unit, one.period), announced)
        known = tuple(self._live.values())
        for name in moot(plan, known, rules):
            del self._live[name]
        self._live = {n: p for n, p in self._live.items() if plan.taken_at < p.expires_at}
        for proposal in proposals_of(plan, self.past.limits.proposals_expire):
            if proposal.id in self._live:
                items = proposal.items
                self._live[proposal.id] = replace(self._live[proposal.id], items=items)
            else:
                self._live[proposal.id] = proposal
                self.proposals.append(proposal)
        self._count_holds(plan, read)

    def _count_holds(self, plan: Plan, read: set[Key]) -> None:
        """A hold begins when the account's last reading of the instrument did not have it."""
        now: dict[tuple[Key, str], set[Hold]] = defaultdict(set)
        for held in plan.held:
            untold = QUIET | {Hold.UNREAD, Hold.NOT_NORMAL, Hold.NEVER}
            if held.reason not in untold:
                now[(held.account.id, held.instrument), held.rule].add(held.reason)
        for key in read:
            for rule, _ in self.policies.rules():
                before = self._spoken.get(key, {}).get(rule, set())
                for reason in now[key, rule] - before:
                    self.holds[rule, key[0], reason] += 1
            self._spoken[key] = {rule: now[key, rule] for rule, _ in self.policies.rules()}

    def _observation(self, now: datetime, read: set[Key]) -> Observation:
        moves = tuple(move for move in self._all if move.made_at >= now - MONTH)
        readings: dict[str, Readings] = {}
        for account_id, instrument in sorted(read):
            last, value = self.log[account_id, instrument][-1], self.value[account_id, instrument]
            one = readings.get(account_id, Readings())
            if instrument is Instrument.CASH:
                readings[account_id] = replace(one, cash=Ok(value, last.read_at))
            else:
                readings[account_id] = replace(one, credit=_credit(value, last.read_at))
        before: dict[tuple[str, Instrument, Direction], Decimal] = defaultdict(Decimal)
        for move in self._all:
            if move.made_at < now - MONTH:
                unit = move.unit
                before[unit.account_id, unit.instrument, move.direction] += move.amount
        return Observation(
            taken_at=now,
            began_at=now,
            currency="CNY",
            accounts=self.past.accounts,
            readings=readings,
            master=self._master(now),
            moves=moves,
            samples=dict(self._samples(now, read, moves)),
            moved_before=before,
            first_loaded=dict.fromkeys((n for n, _ in self.policies.rules()), self.past.since),
            decided=frozenset(self._decided),
            notices=dict(self._notices),
            served=dict(self._served),
            burns=dict(self._burns(now)),
        )

    def _master(self, now: datetime) -> Readings:
        if not self.past.master:
            return Readings(cash=Ok(LARGEST, now), credit=_credit(LARGEST, now))
        last = [one for one in self.past.master if one[0] <= now]
        if not last:
            return Readings(cash=Ok(LARGEST, now), credit=_credit(LARGEST, now))
        ours = total(
            move.amount if move.direction is Direction.ALLOCATE else -move.amount
            for move in self.past.moves
            if move.state is State.SETTLED
            and move.unit.instrument is Instrument.CASH
            and move.made_at >= self.past.since
            and move.ended_at <= last[-1][0]
        )
        left = max(last[-1][1] + ours - self._out, ZERO)
        return Readings(cash=Ok(left, now), credit=_credit(LARGEST, now))

    def _samples(
        self, now: datetime, read: set[Key], moves: tuple[Move, ...]
    ) -> Iterator[tuple[Key, tuple[Sample, ...]]]:
        since, longer = now - reach_of(self.policies, self.past.limits), episodes_of(moves)
        for key, kept in self.log.items():
            begins = min(since, longer.get(key, since))
            end = kept[-1].read_at if key in read else now
            found = tuple(one for one in kept if begins <= one.read_at < end)
            if found:
                yield key, found

    def _burns(self, now: datetime) -> Iterator[tuple[Unit, Burn]]:
        """Found anew every six hours."""
        found_at = EPOCH + (now - EPOCH) // timedelta(hours=6) * timedelta(hours=6)
        if found_at not in self._found:
            self._found = {found_at: dict(self._found_at(found_at))}
        for unit, burn in self._found[found_at].items():
            if burn.at >= now - timedelta(days=7):
                yield unit, burn

    def _found_at(self, found_at: datetime) -> Iterator[tuple[Unit, Burn]]:
        """From the last reading of each hour of four weeks."""
        for key, kept in self.log.items():
            hours = {
                (one.read_at - EPOCH) // timedelta(hours=1): one
                for one in kept
                if found_at - timedelta(days=28) <= one.read_at < found_at
            }
            own = [
                move
                for move in self._all
                if key == (move.unit.account_id, move.unit.instrument)
                and found_at - timedelta(days=29) <= move.made_at < found_at
            ]
            burn = burn_of(tuple(hours.values()), own, self.past.limits.zone)
            if burn is not None:
                yield Unit(account_id=key[0], instrument=key[1]), burn


def _first_shown(move: Move) -> datetime:
    """No reading begun before it shows a move; the one that it rests on does not."""
    begins = move.made_at - timedelta(minutes=2)
    return begins if move.read_at is None else max(begins, move.read_at + MICROSECOND)


def _credit(value: Decimal, at: datetime) -> Ok[tuple[CreditLedger, ...]]:
    ledger = CreditLedger(expire_time=None, expires_at=None, amount=value, available=value)
    return Ok((ledger,), at)
