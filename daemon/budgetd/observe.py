"""Reads the fleet and the master: one of the two verbs that touch the provider.

It turns answers into readings and failures into reasons. It may not decide what is wanted
(`core.needs`), nor what follows from it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import dropwhile
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from budgetd.core.decisions.rereading import merged
from budgetd.core.intent import Direction, Instrument
from budgetd.core.observation import (
    Account,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Stale,
    Unknown,
)
from budgetd.core.reconciliation import Change
from budgetd.provider import operations
from budgetd.provider.answers import CouponChange, Member, MoneyChange
from budgetd.provider.client import Client
from budgetd.provider.errors import AuthenticationFailed, ProviderError, Unmanageable

T = TypeVar("T")
LONG_AGO = datetime.min.replace(tzinfo=UTC)
AT_ONCE = 8
AGAIN_AFTER = timedelta(seconds=30)
"""How much later in a sweep an account is read again whose reading failed."""

CHINA = timezone(timedelta(hours=8))
"""The zone of the days that change records are asked for by (mac_00003)."""
_TRADES = {
    (Instrument.CASH, Direction.ALLOCATE): "BEADJUST",
    (Instrument.CASH, Direction.RECLAIM): "BERETRIEVE",
    (Instrument.CREDIT, Direction.ALLOCATE): "BEADJUST",
    (Instrument.CREDIT, Direction.RECLAIM): "BERETRIEVE",
    (Instrument.COUPON, Direction.ALLOCATE): "COUPONADJUST",
    (Instrument.COUPON, Direction.RECLAIM): "COUPONCANCEL",
}
_BALANCES = {Instrument.CASH: "BALANCE_TYPE_DEBIT", Instrument.CREDIT: "BALANCE_TYPE_CREDIT"}
_FIELDS = {Instrument.CASH: "cash", Instrument.CREDIT: "credit", Instrument.COUPON: "coupons"}


class Wanted(Protocol):
    """What is to be read: of accounts as they are found, and of the master."""

    @property
    def master(self) -> frozenset[Instrument]:
        """The master's instruments."""

    def of(self, accounts: Sequence[Account]) -> dict[str, frozenset[Instrument]]:
        """The instruments of each account; one that is left out is not read."""


@dataclass(slots=True)
class Observer:
    """Reads through one client. `max_staleness` is how old a reading may be at the end."""

    client: Client
    clock: Callable[[], datetime]
    max_staleness: timedelta
    progress: Callable[[int, int], None] = lambda _done, _all: None

    async def fleet(
        self,
        wanted: Wanted,
        blank: Observation,
        known: Mapping[str, Readings] = MappingProxyType({}),
        before: Observation | None = None,
    ) -> Observation:
        """The fleet, its readings and the master's, on top of what the ledger knows and of the
        earlier readings in `known`; those of `before` say who has waited longest.

        Reads as fast as the quota allows; the accounts of a page are read while the next pages
        come. Raises `ProviderError` where the lists themselves cannot be read, or the
        credential is refused.
        """
        tree = await self.client.read(operations.ORGANIZATIONS, recursive_query=1)
        units = tree.by_id()
        sweep = _Sweep(self, wanted, units, before or blank)
        try:
            members = await self.client.read_all(operations.MEMBERS, seen=sweep.found)
            sweep.found(members)
            accounts = tuple(sorted(map(sweep.account, members), key=lambda one: one.id))
            del members  # Thousands of rows, of which the accounts hold what is wanted.
            readings, master = await sweep.finished()
        finally:
            await sweep.stop()
        taken_at = self.clock()
        return replace(
            blank,
            taken_at=taken_at,
            accounts=accounts,
            readings={
                one: self._aged(merged(known.get(one), readings.get(one)), taken_at)
                for one in (readings.keys() | known.keys()) & {account.id for account in accounts}
            },
            master=master,
        )

    async def account(self, account_id: str, instruments: frozenset[Instrument]) -> Readings:
        """What one account holds of these instruments, now."""
        found = await asyncio.gather(
            *(self.one(account_id, instrument) for instrument in sorted(instruments))
        )
        return _join(zip(sorted(instruments), found, strict=True))

    async def some(self, wanted: Mapping[str, frozenset[Instrument]]) -> dict[str, Readings]:
        """What some accounts hold, a few read at a time: answers take about a second each."""
        free = asyncio.Semaphore(AT_ONCE)
        found: dict[str, Readings] = {}

        async def one(account_id: str) -> None:
            async with free:
                found[account_id] = await self.account(account_id, wanted[account_id])
                self.progress(len(found), len(wanted))

        await asyncio.gather(*map(one, wanted))
        return found

    async def master(self, instruments: frozenset[Instrument]) -> Readings:
        """What the master can still give of these instruments, now."""
        reads = {
            Instrument.CASH: lambda: self.client.read(operations.MASTER_CASH),
            Instrument.CREDIT: lambda: self.client.read_all(operations.MASTER_CREDIT),
            Instrument.COUPON: lambda: self.client.read_all(operations.MASTER_COUPONS),
        }
        found = await asyncio.gather(
            *(self._reading(reads[instrument]) for instrument in sorted(instruments))
        )
        return _join(zip(sorted(instruments), found, strict=True))

    async def one(self, account_id: str, instrument: Instrument) -> Reading[object]:
        """One reading of one account."""
        match instrument:
            case Instrument.CASH:
                return await self._reading(
                    lambda: self.client.read(operations.MEMBER_CASH, sub_customer_id=account_id)
                )
            case Instrument.CREDIT:
                return await self._reading(
                    lambda: self.client.read_all(
                        operations.MEMBER_CREDIT, sub_customer_id=account_id
                    )
                )
            case Instrument.COUPON:
                return await self._reading(
                    lambda: self.client.read_all(
                        operations.MEMBER_COUPONS, sub_customer_id=account_id
                    )
                )

    async def costs(
        self, accounts: Sequence[str], first: date, last: date
    ) -> dict[str, tuple[tuple[date, Decimal], ...]]:
        """What is billed for each of at most 100 accounts, day by day from `first` to `last` (days
        of China); whoever has nothing there is left out, and so are days before the first charge:
        perhaps there was no account yet.

        By whatever it was paid (v4 cost query); up to a day or two late. Raises `ProviderError`.
        """
        key = "ASSOCIATED_ACCOUNT"
        rows = await self.client.read_all(
            operations.COSTS,
            time_condition={
                "time_measure_id": 1,
                "begin_time": first.isoformat(),
                "end_time": last.isoformat(),
            },
            groupby=[{"type": "dimension", "key": key}],
            cost_type="ORIGINAL_COST",
            amount_type="NET_AMOUNT",
            filters=[{"operator": 0, "filter_factor": {"key": key, "value": list(accounts)}}],
        )
        found = {}
        for row in rows:
            days = sorted((date.fromisoformat(cost.period), cost.amount) for cost in row.costs)
            charged = tuple(dropwhile(lambda day: day[1] <= 0, days))
            # Whether an account is named by its id there is not documented: no other name is taken.
            if charged and row.dimension(key) in accounts:
                found[row.dimension(key)] = charged
        return found

    async def changes(self, instrument: Instrument, since: datetime) -> Reading[tuple[Change, ...]]:
        """The master's records of moves of one instrument, both ways, from the day of `since` on.

        Which trade types and whose names stand in them is documented thinly (docs/provider.md):
        a record that is not there proves nothing before one of our own was found.
        """
        return await self._reading(lambda: self._changes(instrument, since))

    async def _changes(self, instrument: Instrument, since: datetime) -> tuple[Change, ...]:
        found: list[Change] = []
        day = since.astimezone(CHINA).date().isoformat()
        for direction in Direction:
            trade = _TRADES[instrument, direction]
            if instrument is Instrument.COUPON:
                coupons = await self.client.read_all(
                    operations.COUPON_CHANGES, trade_type=trade, trade_time_begin=day
                )
                found += [_change(row, instrument, direction) for row in coupons]
            else:
                money = await self.client.read_all(
                    operations.MONEY_CHANGES,
                    balance_type=_BALANCES[instrument],
                    trade_type=trade,
                    trade_time_begin=day,
                )
                found += [_change(row, instrument, direction) for row in money]
        return told_apart(found)

    async def _reading(self, read: Callable[[], Awaitable[T]]) -> Reading[T]:
        """The value with the instant its read began, or why there is none.

        A refused credential is no reading: it raises, because every further call may lock it.
        """
        begun = self.clock()
        try:
            return Ok(await read(), begun)
        except AuthenticationFailed:
            raise
        except ProviderError as error:
            return Unknown(str(error), begun, is_unmanageable=isinstance(error, Unmanageable))

    def _aged(self, readings: Readings, now: datetime) -> Readings:
        """The readings, those that grew too old on the way marked stale."""
        changed: dict[str, object] = {}
        for instrument, name in _FIELDS.items():
            reading = readings.of(instrument)
            if isinstance(reading, Ok) and now - reading.read_at > self.max_staleness:
                changed[name] = Stale(reading.value, reading.read_at)
        return replace(readings, **changed) if changed else readings  # type: ignore[arg-type]  # same fields


def told_apart(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The records, each under a name of its own: those of coupons may be alike to the letter,
    and each proves one intent."""
    seen: Counter[str] = Counter()
    found = []
    for change in changes:
        seen[change.id] += 1
        number = seen[change.id]
        found.append(change if number == 1 else replace(change, id=f"{change.id}#{number}"))
    return tuple(found)


def _change(
    row: MoneyChange | CouponChange, instrument: Instrument, direction: Direction
) -> Change:
    """A record as evidence; one of coupons has no serial of its own, so all of it is its name."""
    coupon_id = row.coupon_id if isinstance(row, CouponChange) else ""
    told = f"{row.trade_id}|{coupon_id}|{row.traded_at.isoformat()}|{row.amount}"
    return Change(
        id=row.id if isinstance(row, MoneyChange) else told,
        at=row.traded_at,
        instrument=instrument,
        direction=direction,
        amount=abs(row.amount),
        coupon_id=coupon_id,
        account_name=row.account_name,
    )


def _join(found: object) -> Readings:
    pairs: list[tuple[Instrument, object]] = list(found)  # type: ignore[call-overload]  # a zip
    return Readings(**{_FIELDS[instrument]: reading for instrument, reading in pairs})  # type: ignore[arg-type]  # by name


class _Place(NamedTuple):
    """A place in a queue: by when the account was read last, then by when it was found."""

    read_at: datetime
    number: int
    account_id: str
    is_again: bool = False

    def later(self) -> "_Place":
        """The place of the second try: behind who was read up to `AGAIN_AFTER` after it."""
        return self._replace(read_at=self.read_at + AGAIN_AFTER, is_again=True)


@dataclass(slots=True)
class _Sweep:
    """The reading of many accounts: a queue an API, and as many readers as its pace can use.

    The master is read while the last accounts are: its reading is to be as young as theirs.
    """

    observer: Observer
    wanted: Wanted
    units: dict[str, Organization]
    before: Observation
    _queues: dict[Instrument, asyncio.PriorityQueue[_Place]] = field(default_factory=dict)
    _readers: list[asyncio.Task[None]] = field(default_factory=list)
    _ends: list[asyncio.Task[object]] = field(default_factory=list)
    _taken: asyncio.Event = field(default_factory=asyncio.Event)
    _accounts: dict[str, Account] = field(default_factory=dict, init=False)
    _seen: set[str] = field(default_factory=set)
    _readings: dict[str, dict[Instrument, object]] = field(default_factory=dict)
    _done: int = 0
    _all: int = 0
    _again: int = 0

    def __post_init__(self) -> None:
        self._accounts = {account.id: account for account in self.before.accounts}

    def account(self, member: Member) -> Account:
        """The account of a row; what has not changed since the reading before is held once."""
        found = member.account(self.units)
        known = self._accounts.get(found.id)
        return known if known == found else found

    def found(self, members: Sequence[Member]) -> None:
        """Puts the accounts of a page to be read, each once."""
        fresh = [self.account(member) for member in members if member.id not in self._seen]
        self._seen.update(account.id for account in fresh)
        for account_id, instruments in self.wanted.of(fresh).items():
            self._readings[account_id] = {}
            for instrument in instruments:
                self._all += 1
                place = _Place(self._read_at(account_id, instrument), self._all, account_id)
                self._queue(instrument).put_nowait(place)

    def _read_at(self, account_id: str, instrument: Instrument) -> datetime:
        """When it was read last, in vain not counting: who has waited longest comes first, on
        whatever page it was."""
        reading = self.before.readings_of(account_id).of(instrument)
        return reading.read_at if isinstance(reading, Ok | Stale) else LONG_AGO

    def _queue(self, instrument: Instrument) -> asyncio.PriorityQueue[_Place]:
        if instrument not in self._queues:
            queue: asyncio.PriorityQueue[_Place] = asyncio.PriorityQueue()
            self._queues[instrument] = queue
            # Three seconds of calls at full pace are under way: answers take about one.
            readers = max(8, int(self.observer.client.requests_per_second * 3))
            self._readers += [
                asyncio.create_task(self._read(instrument, queue)) for _ in range(readers)
            ]
        return self._queues[instrument]

    async def _read(self, instrument: Instrument, queue: asyncio.PriorityQueue[_Place]) -> None:
        while True:
            place = await queue.get()
            self._taken.set()
            reading = await self.observer.one(place.account_id, instrument)
            if self._is_worth_another(reading, place):
                self._again += 1
                queue.put_nowait(place.later())
            else:
                self._readings[place.account_id][instrument] = reading
                self._done += 1
                self.observer.progress(self._done, self._all)
            queue.task_done()

    def _is_worth_another(self, reading: Reading[object], place: _Place) -> bool:
        """Whether to try again in this sweep, once: by the next one the last good reading may be
        too old. Where many fail the provider does, and is not asked for more."""
        is_over = place.is_again or self._again > self._all // 20
        return not is_over and isinstance(reading, Unknown) and not reading.is_unmanageable

    async def finished(self) -> tuple[dict[str, Readings], Readings]:
        """Waits for all that was put in, and reads the master. Raises what a reader raised."""
        master = asyncio.create_task(self._master())
        self._ends = [master]
        self._ends += [asyncio.create_task(queue.join()) for queue in self._queues.values()]
        pending = set(self._ends)
        while pending:
            done, _ = await asyncio.wait(
                [*pending, *self._readers], return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
            pending -= done
        found = {account_id: _join(found.items()) for account_id, found in self._readings.items()}
        return found, master.result()

    async def _master(self) -> Readings:
        """The master's readings, begun when the last account is in the hands of a reader."""
        while not all(queue.empty() for queue in self._queues.values()):
            self._taken.clear()
            await self._taken.wait()
        return await self.observer.master(self.wanted.master)

    async def stop(self) -> None:
        """Ends the readers and what waits for them; an error there is told by `finished`."""
        tasks = [*self._readers, *self._ends]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
