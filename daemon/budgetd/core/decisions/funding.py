"""How long the rules in force keep accounts funded, and how long the master can do it.

An account that rules feed runs dry when the master's money, a cap or the end of its rule lets it,
or when a slot comes too late: whichever is first. Pure; it may not move or promise anything.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property, partial
from zoneinfo import ZoneInfo

from budgetd.core.burn import FOREVER, LONGEST, Burn, Runway
from budgetd.core.decisions.caps import CapBook
from budgetd.core.decisions.decision import NamedRule
from budgetd.core.decisions.due import live_rules
from budgetd.core.decisions.fleet import Fleet
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.moment import resolve
from budgetd.core.money import ZERO, total
from budgetd.core.observation import Account, Observation, Ok, Status
from budgetd.core.pause import pause_of
from budgetd.core.policies.policy import Lift, Mode, PolicySet
from budgetd.core.policies.schedule import Schedule, longest_gap, next_slot
from budgetd.core.policies.selector import selects
from budgetd.core.standing import End, Kept, Lasts

_ENOUGH = Decimal("0.9")
_DAY = timedelta(days=1)
_PERIODS = {"day": _DAY, "week": 7 * _DAY, "month": 31 * _DAY}
_YEAR_DAYS = 366
_EDGES = ("low", "middle", "high")
_VARIANCES = ("spread", "doubt", "drift")


@dataclass(frozen=True, slots=True)
class _Ending:
    """One thing that lets an account run dry, and when."""

    lasts: Runway
    end: End
    cap: str = ""


@dataclass(frozen=True, slots=True)
class _Flow:
    """Money that may still come: `left` until the first period is over, which is in `first`,
    then so much at the beginning of each period."""

    left: Decimal
    each: Decimal
    first: timedelta
    period: timedelta


class Funding:
    """The rules in force that feed accounts with cash, asked how long they can.

    Where nine of ten accounts that are fed have a known burn, the others are taken to burn what
    those do on average; else the master's runway is not known.
    """

    def __init__(self, observation: Observation, policies: PolicySet, limits: Limits) -> None:
        self._observation = observation
        self._limits = limits
        self._now = observation.taken_at
        self._accounts: dict[str, list[NamedRule]] = defaultdict(list)
        self._members: dict[str, list[str]] = defaultdict(list)
        fleet = Fleet(observation.accounts)
        for named in live_rules(policies, observation, limits, None):
            is_up = named.direction is Direction.ALLOCATE and named.instrument is Instrument.CASH
            if is_up and named.rule.mode is not Mode.OBSERVE:
                for account in filter(self._is_served, fleet.select(named.rule.accounts)):
                    self._accounts[account.id].append(named)
                    self._members[named.name].append(account.id)
        self._endings: dict[str, tuple[_Ending, ...]] = {}
        self._times: dict[str, tuple[timedelta, timedelta | None]] = {}

    def _is_served(self, account: Account) -> bool:
        never = self._limits.never
        is_never = never is not None and selects(never, account) is not False
        return account.status is Status.NORMAL and not is_never

    @property
    def fed(self) -> frozenset[str]:
        """The accounts that some rule feeds."""
        return frozenset(self._accounts)

    @cached_property
    def known(self) -> int:
        """How many of them have a known burn."""
        return sum(map(self._is_known, self._accounts))

    @cached_property
    def burn(self) -> Burn | None:
        """What all of them burn together; None where that is not known."""
        return self._together(sorted(self._accounts))

    @cached_property
    def master(self) -> Runway | None:
        """How long the master's cash less the reserve lasts at what all of them burn together;
        None where that is not known."""
        cash = self._observation.master.cash
        if not isinstance(cash, Ok) or self.burn is None:
            return None
        return self._lasts(self.burn, max(cash.value - self._limits.reserve, ZERO))

    def leaves(self, length: timedelta) -> Decimal | None:
        """What the master must have so that its cash less the reserve lasts so long, at the upper
        edge of the burn; None where that is not known."""
        if self.burn is None:
            return None
        spent = self.burn.spends_at_most(self._now, length, self._limits.zone)
        return spent + self._limits.reserve

    def of(self, account_id: str) -> Kept | None:
        """How long an account is kept funded; None where no rule feeds it, or it is not known.

        What is still in the account when the master or the rule ends comes on top.
        """
        burn, cash = self._burn(account_id), self._observation.readings_of(account_id).cash
        if burn is None or not isinstance(cash, Ok):
            return None
        found = []
        for named in self._accounts.get(account_id, ()):
            if pause_of(self._observation.pauses, named.name, account_id, self._now) is None:
                endings = tuple(self._of_rule(named, account_id, burn, cash.value))
                if not endings:
                    return None
                found.append(_first(endings))
        if not found:
            return None
        # Whichever rule goes on longest: the first one's end is not the account's.
        best = max(found, key=lambda ending: ending.lasts.middle)
        lasts = _edges(max, [best.lasts, self._lasts(burn, cash.value)])
        return Kept(lasts=lasts_of(lasts), end=best.end, cap=best.cap)

    def _of_rule(
        self, named: NamedRule, account_id: str, burn: Burn, cash: Decimal
    ) -> Iterator[_Ending]:
        """Whatever ends what a rule does for an account; nothing where that is not known."""
        if self.master is None:
            return
        yield _Ending(self.master, End.MASTER)
        if named.name not in self._endings:
            self._endings[named.name] = tuple(self._of_all(named))
        yield from self._endings[named.name]
        for name, bound, used in self._caps.used(named, account_id):
            if name.startswith("account_"):
                flow = self._flow(name, bound, used)
                yield _Ending(self._dry(burn, cash, flow), End.CAP, name)
        yield from self._slots(named, burn, cash)

    def _of_all(self, named: NamedRule) -> Iterator[_Ending]:
        """What ends a rule for all its accounts: its own time, and its own caps once all that
        they have together is spent."""
        ends = named.rule.valid.until
        if ends is not None:
            left = ends.after(named.rule.timezone or self._limits.zone) - self._now
            yield _Ending(_flat(left), End.VALID)
        members = self._members[named.name]
        together = self._together(members)
        if together is None:
            return
        cash = self._cash_of(members)
        for name, bound, used in self._caps.used(named, members[0]):
            if name.startswith("rule_"):
                flow = self._flow(name, bound, used)
                yield _Ending(self._dry(together, cash, flow), End.CAP, name)

    def _flow(self, name: str, bound: Decimal, used: Decimal) -> _Flow:
        """What a cap lets through from now on."""
        left, span = max(bound - used, ZERO), name.rpartition("_")[2]
        if span not in _PERIODS:
            return _Flow(left, ZERO, FOREVER, _DAY)
        return _Flow(left, bound, self._rest_of(span), _PERIODS[span])

    def _rest_of(self, span: str) -> timedelta:
        """How long the day, week or month still is."""
        local = self._now.astimezone(self._limits.zone)
        day = local.date() + _DAY
        while (span == "week" and day.weekday()) or (span == "month" and day.day != 1):
            day += _DAY
        return resolve(day, datetime.min.time(), self._limits.zone) - self._now

    def _slots(self, named: NamedRule, burn: Burn, cash: Decimal) -> Iterator[_Ending]:
        """What a calendar rule brings only at its slots: an amount each time, or a target that
        may not last until the next one."""
        schedule = named.rule.schedule
        if schedule is None or not schedule.is_calendar:
            return
        if named.name not in self._times:
            self._times[named.name] = self._slot_times(schedule, named.rule.timezone)
        first, gap = self._times[named.name]
        action = named.action
        assert isinstance(action, Lift)
        if isinstance(action.to, Decimal) and gap is not None:
            after = _shifted(self._lasts(burn, action.to), first, gap)
            yield _Ending(_until(self._lasts(burn, cash), first, after), End.SLOT)
        elif action.add is not None and action.when is None and gap is not None:
            flow = _Flow(ZERO, action.add, first, gap)
            yield _Ending(self._dry(burn, cash, flow), End.SLOT)
        else:
            yield _Ending(_until(self._lasts(burn, cash), first, _flat(FOREVER)), End.SLOT)

    def _slot_times(
        self, schedule: Schedule, zone: ZoneInfo | None
    ) -> tuple[timedelta, timedelta | None]:
        """How long until the next slot, and the longest time between two; a year of slots is gone
        through for that, so once a rule."""
        zone = zone or self._limits.zone
        slot = next_slot(schedule, zone, self._now)
        first = FOREVER if slot is None else slot.at - self._now
        return first, longest_gap(schedule, zone, self._now, _YEAR_DAYS)

    def _dry(self, burn: Burn, cash: Decimal, flow: _Flow) -> Runway:
        """When an account is empty that gets all that may come."""
        lasts = cache(partial(self._lasts, burn))
        return Runway(
            **{edge: _dry(lasts, edge, cash + flow.left, flow) for edge in _EDGES},
        )

    def _lasts(self, burn: Burn, value: Decimal) -> Runway:
        return burn.runway(value, self._now, self._limits.zone)

    @cached_property
    def _caps(self) -> CapBook:
        return CapBook(self._observation, self._limits.zone)

    def _together(self, account_ids: Sequence[str]) -> Burn | None:
        """What accounts burn together; None where too few are known."""
        known = [account_id for account_id in account_ids if self._is_known(account_id)]
        if not known or len(known) < _ENOUGH * len(account_ids):
            return None
        burns = (burn for one in known if (burn := self._burn(one)) is not None)
        return summed(burns, Decimal(len(account_ids)) / len(known))

    def _cash_of(self, account_ids: Sequence[str]) -> Decimal:
        """What accounts have together: of one that nobody read just now what its burn last saw,
        of one whose burn is not known what the others have on average."""
        found = []
        for account_id in account_ids:
            burn, cash = self._burn(account_id), self._observation.readings_of(account_id).cash
            if burn is not None:
                found.append(cash.value if isinstance(cash, Ok) else burn.value)
        return total(found) * len(account_ids) / len(found)

    def _is_known(self, account_id: str) -> bool:
        return Unit(account_id=account_id, instrument=Instrument.CASH) in self._observation.burns

    def _burn(self, account_id: str) -> Burn | None:
        return self._observation.burns.get(Unit(account_id=account_id, instrument=Instrument.CASH))


def _dry(runway: Callable[[Decimal], Runway], edge: str, value: Decimal, flow: _Flow) -> timedelta:
    """The end of the first period whose money does not reach to its end; sought by halves, since
    an account that once falls behind does so more and more."""

    def lasts(money: Decimal) -> timedelta:
        found: timedelta = getattr(runway(money), edge)
        return found

    def reaches(periods: int) -> bool:
        return lasts(value + flow.each * periods) > flow.first + flow.period * periods

    if lasts(value) <= flow.first:
        return lasts(value)
    if lasts(value) == FOREVER:
        return FOREVER

    low, high = 0, LONGEST * _DAY // flow.period
    if reaches(high):
        return FOREVER
    while high - low > 1:
        middle = (low + high) // 2
        if reaches(middle):
            low = middle
        else:
            high = middle
    return lasts(value + flow.each * high)


def _first(endings: Iterable[_Ending]) -> _Ending:
    """What comes first, edge by edge; called by what does so in the middle."""
    found = list(endings)
    soonest = min(found, key=lambda ending: ending.lasts.middle)
    return _Ending(_edges(min, [one.lasts for one in found]), soonest.end, soonest.cap)


def _edges(choose: Callable[[list[timedelta]], timedelta], runways: Sequence[Runway]) -> Runway:
    return Runway(**{edge: choose([getattr(one, edge) for one in runways]) for edge in _EDGES})


def _flat(length: timedelta) -> Runway:
    return Runway(low=length, middle=length, high=length)


def _shifted(lasts: Runway, first: timedelta, gap: timedelta) -> Runway:
    """How long what the next slot brings lasts from now; without an end where it reaches the
    slot after that."""
    ends = {edge: getattr(lasts, edge) for edge in _EDGES}
    return Runway(
        **{edge: FOREVER if length >= gap else first + length for edge, length in ends.items()}
    )


def _until(alone: Runway, first: timedelta, after: Runway) -> Runway:
    """Where it does not reach the next slot, that is the end; else what comes after it."""
    return Runway(
        **{
            edge: own if (own := getattr(alone, edge)) < first else getattr(after, edge)
            for edge in _EDGES
        }
    )


def lasts_of(runway: Runway) -> Lasts:
    """A runway as a standing tells it: whole seconds, None without an end."""

    def told(length: timedelta) -> int | None:
        return None if length == FOREVER else length // timedelta(seconds=1)

    return Lasts(low_s=told(runway.low), middle_s=told(runway.middle), high_s=told(runway.high))


def summed(burns: Iterable[Burn], share: Decimal = Decimal(1)) -> Burn:
    """What accounts burn together, times a share: they vary each for itself, so that their sum is
    surer than each of them. At least one; they are looked at once, and none is held."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    weekdays = [Decimal(0)] * 7
    level, days_observed = Decimal(0), Decimal("Infinity")
    newest: Burn | None = None
    for burn in burns:
        newest = burn if newest is None or burn.at > newest.at else newest
        level += burn.level
        days_observed = min(days_observed, burn.days_observed)
        sums["growth"] += burn.level * burn.growth
        for name in _VARIANCES:
            sums[name] += burn.level * burn.level * getattr(burn, name)
        for day, factor in enumerate(burn.weekdays):
            weekdays[day] += burn.level * factor
    assert newest is not None
    if not level:
        return newest
    return Burn(
        at=newest.at,
        value=newest.value,
        level=level * share,
        growth=sums["growth"] / level,
        weekdays=tuple(one / level for one in weekdays),
        spread=sums["spread"] / level**2,
        doubt=sums["doubt"] / level**2,
        drift=sums["drift"] / level**2,
        days_observed=days_observed,
    )
