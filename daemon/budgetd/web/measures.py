"""What each metric is read from: the standing, the newest observation, the ledger.

Values are exact; the library that writes them is the last to see them. It may not count
otherwise than the reports and the limits do.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from budgetd.core.decisions.caps import CapBook
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.remembering import LOOKING_BACK
from budgetd.core.intent import Direction, Instrument, State
from budgetd.core.money import ZERO
from budgetd.core.observation import Observation, Ok, Stale, Unknown
from budgetd.core.standing import Done
from budgetd.ledger import proposals
from budgetd.ledger.tally import Tally, moved_since
from budgetd.report.harmless import harmless
from budgetd.report.pauses import in_force
from budgetd.web.seen import Quota, Seen

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = Decimal | int
Row = tuple[tuple[str, ...], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What one scrape looks at; the ledger is counted once for all metrics."""

    seen: Seen
    tallies: Sequence[Tally]
    caps: Sequence[Row] = ()


Rows = Callable[[Scrape], Iterable[Row]]


def one(value: Value | None) -> list[Row]:
    """A series without labels; none where the value is unknown."""
    return [] if value is None else [((), value)]


def seconds(length: timedelta) -> Decimal:
    """Exactly, in seconds with six places."""
    return Decimal(length // timedelta(microseconds=1)).scaleb(-6)


def timestamp(at: datetime) -> Decimal:
    """Seconds since 1970, exactly to the microsecond."""
    return seconds(at - EPOCH)


def of_last(read: Callable[[Done], Value]) -> Rows:
    """One figure of the last cycle; absent before it."""

    def rows(scrape: Scrape) -> Iterable[Row]:
        last = scrape.seen.standing.last
        return [] if last is None else one(read(last))

    return rows


def of_plan(read: Callable[[Done], Value]) -> Rows:
    """One figure of what the last cycle planned; absent where it was cut short before that, since
    nobody knows then."""

    def rows(scrape: Scrape) -> Iterable[Row]:
        last = scrape.seen.standing.last
        return one(read(last)) if last is not None and last.has_plan else []

    return rows


def readings(scrape: Scrape) -> Iterator[Row]:
    """Accounts by instrument and by what there is of it."""
    observation = scrape.seen.observation
    if observation is None:
        return
    counted: Counter[tuple[str, ...]] = Counter()
    for account in observation.accounts:
        found = observation.readings_of(account.id)
        for instrument in Instrument:
            counted[str(instrument), _known(found.of(instrument))] += 1
    yield from sorted(counted.items())


def _known(reading: object) -> str:
    """What there is of one instrument, as `budgetd accounts` says it."""
    if reading is None:
        return "not_read"
    if isinstance(reading, Unknown):
        return "unmanageable" if reading.is_unmanageable else "unknown"
    return "stale" if isinstance(reading, Stale) else "ok"


def oldest(scrape: Scrape) -> Iterator[Row]:
    """How old the oldest reading of each instrument is."""
    seen = scrape.seen
    if seen.observation is None:
        return
    for instrument in Instrument:
        found = [
            reading.read_at
            for readings in seen.observation.readings.values()
            if isinstance(reading := readings.of(instrument), Ok | Stale)
        ]
        if found:
            yield (str(instrument),), seconds(seen.now - min(found))


def transfers(scrape: Scrape) -> Iterator[Row]:
    """Every transfer of the ledger, counted by where it stands."""
    for tally in scrape.tallies:
        yield (str(tally.state), str(tally.direction), str(tally.instrument)), tally.count


def money(scrape: Scrape, states: frozenset[State]) -> Iterator[Row]:
    """Sums of the transfers in these states."""
    sums: dict[tuple[str, ...], Decimal] = {}
    for tally in scrape.tallies:
        if tally.state in states:
            key = (str(tally.direction), str(tally.instrument), scrape.seen.currency)
            sums[key] = sums.get(key, ZERO) + tally.amount
    yield from sums.items()


def used(bound: Callable[[Seen], Decimal], window: timedelta) -> Rows:
    """How much of a limit is used each way."""

    def rows(scrape: Scrape) -> Iterator[Row]:
        seen = scrape.seen
        moved = moved_since(seen.past, seen.now - window)
        for direction in Direction:
            yield (str(direction),), moved[direction] / bound(seen)

    return rows


class CapShares:
    """How much of every cap is used. Counting it costs a look at all moves of a month, so what was
    counted after one cycle is kept until the next."""

    def __init__(self) -> None:
        self._counted: tuple[datetime | None, Sequence[Row]] = (None, ())

    def of(self, seen: Seen) -> Sequence[Row]:
        """By rule and cap; of a cap of accounts the share of the fullest one."""
        known, rows = self._counted
        taken_at = seen.observation.taken_at if seen.observation is not None else None
        if known != taken_at:
            rows = () if seen.observation is None else tuple(_cap_shares(seen, seen.observation))
            self._counted = (taken_at, rows)
        return rows


def _cap_shares(seen: Seen, observation: Observation) -> Iterator[Row]:
    moves = seen.past.moves(observation.taken_at - LOOKING_BACK)
    book = CapBook(replace(observation, moves=moves), seen.limits.zone)
    moved = {move.unit.account_id for move in moves}
    moved |= {account_id for account_id, _, _ in observation.moved_before}
    for name, rule in seen.policies.rules():
        named = NamedRule(name=name, rule=rule)
        if named.direction is None:
            continue
        shares: dict[str, Decimal] = {}
        for account_id in moved or {""}:
            for cap, bound, used in book.used(named, account_id):
                shares[cap] = max(shares.get(cap, ZERO), used / bound)
        yield from (((name, cap), share) for cap, share in sorted(shares.items()))


def doubts(scrape: Scrape) -> Iterable[Row]:
    """How many wait for proof."""
    doubtful = (State.IN_DOUBT, State.NEEDS_HUMAN)
    return one(sum(tally.count for tally in scrape.tallies if tally.state in doubtful))


def pauses(scrape: Scrape) -> Iterator[Row]:
    """Pauses in force, by who set them."""
    found = in_force(scrape.seen.past.pauses(), scrape.seen.now)
    latched = sum(pause.is_latched for pause in found)
    yield ("latched",), latched
    yield ("by_hand",), len(found) - latched


def coming(scrape: Scrape) -> Iterator[Row]:
    """The next instant of everything that comes."""
    first: dict[str, datetime] = {}
    for coming in scrape.seen.standing.next:
        first[coming.what] = min(coming.at, first.get(coming.what, coming.at))
    for what, at in sorted(first.items()):
        yield (harmless(what),), timestamp(at)


def master(scrape: Scrape) -> Iterator[Row]:
    """What the master has to give, where that is known."""
    for funds in scrape.seen.standing.master:
        if funds.available is not None:
            yield (funds.instrument, scrape.seen.currency), Decimal(funds.available)


def runway(scrape: Scrape) -> Iterator[Row]:
    """How long the master's money lasts at least, where that is known and ends."""
    for funds in scrape.seen.standing.master:
        if funds.lasts is not None and funds.lasts.low_s is not None:
            yield (funds.instrument,), funds.lasts.low_s


def held(scrape: Scrape) -> Iterator[Row]:
    """Holds of the last cycle."""
    last = scrape.seen.standing.last
    if last is not None:
        for reason, count in sorted(last.held.items()):
            yield (harmless(reason),), count


def ended(scrape: Scrape) -> Iterator[Row]:
    """Transfers of the last cycle."""
    last = scrape.seen.standing.last
    if last is not None:
        for state, count in sorted(last.transfers.items()):
            yield (harmless(state),), count


def of_quota(read: Callable[[Quota], int]) -> Rows:
    """One figure of each API."""
    return lambda scrape: [((harmless(one.api),), read(one)) for one in scrape.seen.quotas]


def waiting(scrape: Scrape) -> Iterator[Row]:
    """Live proposals, by whether a person has agreed."""
    counted = Counter(str(one.state) for one in proposals.live(scrape.seen.past))
    for state in ("open", "approved"):
        yield (state,), counted[state]
