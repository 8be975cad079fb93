"""From a case as it is written to the observation and the limits that the engine is given.

It may not run the engine, nor know what is expected.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from budgetd.core.cases.burning import burns_of
from budgetd.core.cases.case import Case, CaseFile
from budgetd.core.cases.given import (
    UNMANAGEABLE,
    GivenAccount,
    GivenCoupon,
    GivenLedger,
    GivenLimits,
    GivenMove,
    GivenReadings,
    Point,
    Series,
)
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.moment import LocalMoment, format_instant
from budgetd.core.observation import (
    Account,
    Announced,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Sample,
    Stale,
    Unknown,
)
from budgetd.core.pause import Pause
from budgetd.core.policies.policy import PolicySet, Rule
from budgetd.core.policies.schedule import latest_slot

LONG_SINCE = timedelta(days=400)
OPEN = (State.PREPARED, State.SENDING, State.IN_DOUBT, State.NEEDS_HUMAN)
SOMEBODY = "by-hand/by-hand"
"""The rule of a move that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all cases of a file stand on: the policies, the limits in force, how old a reading
    may be."""

    policies: PolicySet
    limits: Limits
    max_staleness: timedelta
    currency: str
    by_name: Mapping[str, Rule] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", dict(self.policies.rules()))

    def full_name(self, name: str) -> str | None:
        """The rule `policy/rule` that is meant by its full name, or by its own where that is the
        only one; None where there is none, or several."""
        if name in self.by_name:
            return name
        found = [full for full in self.by_name if full.partition("/")[2] == name]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One case as the engine sees it."""

    at: datetime
    limits: Limits
    observation: Observation


def stage(ground: Ground, file: CaseFile, case: Case) -> Stage:
    """The observation of a case and the limits that hold in it: those in force, then the file's,
    then its own."""
    zone = case.timezone or file.timezone or ground.limits.zone
    limits = replace(ground.limits, zone=zone)
    for given in (file.limits, case.limits):
        limits = replace(limits, **_written(given))
    setting = _Setting(ground, case, zone, instant(case.at, zone))
    return Stage(at=setting.at, limits=limits, observation=setting.observation())


def instant(point: Point, zone: ZoneInfo, at: datetime | None = None) -> datetime:
    """The instant that is meant; a length of time counts from `at`."""
    match point:
        case LocalMoment():
            return point.first(zone)
        case timedelta():
            assert at is not None
            return at + point
        case _:
            return point.astimezone(UTC)


def _written(given: GivenLimits) -> dict[str, Any]:
    values = {
        "reserve": given.reserve,
        "never": given.never,
        "per_cycle_amount": given.per_cycle.amount,
        "per_cycle_transfers": given.per_cycle.transfers,
        "per_cycle_share": given.per_cycle.share_of_accounts,
        "per_day_amount": given.per_day.amount,
        "approval_above": given.approval_above,
        "reflected_after": given.reflected_after,
        "unknown_readings": given.unknown_readings,
        "sudden_zeros": given.sudden_zeros,
    }
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Setting:
    ground: Ground
    case: Case
    zone: ZoneInfo
    at: datetime

    def observation(self) -> Observation:
        case, rules = self.case, self.ground.by_name
        accounts = {name: self._account(name, given) for name, given in case.accounts.items()}
        long_since = self.at - LONG_SINCE
        loaded = {
            self.ground.full_name(name) or name: instant(point, self.zone, self.at)
            for name, point in case.loaded.items()
        }
        known = Observation(
            taken_at=self.at,
            currency=self.ground.currency,
            accounts=tuple(sorted(accounts.values(), key=lambda account: account.id)),
            readings={
                accounts[name].id: self._readings(given) for name, given in case.accounts.items()
            },
            master=self._readings(case.master),
            moves=tuple(self._moves(accounts)),
            samples=dict(self._samples(accounts)),
            first_loaded=dict.fromkeys(rules, long_since) | loaded,
            decided=frozenset(
                (self._rule(item.rule), accounts[item.account].id, item.period)
                for item in case.decided
            ),
            notices=dict(self._notices(accounts)),
            pauses=tuple(self._pauses(accounts)),
            last_read={
                (account.id, instrument): long_since
                for account in accounts.values()
                for instrument in Instrument
            },
        )
        return replace(known, burns=burns_of(case, accounts, known, self.zone))

    def _rule(self, name: str) -> str:
        return self.ground.full_name(name) or name

    def _account(self, name: str, given: GivenAccount) -> Account:
        path = tuple(part for part in given.org.split("/") if part)
        unit = Organization(
            id=given.org_id or f"unit {given.org}", name=path[-1] if path else "", path=path
        )
        return Account(
            id=given.id or name,
            name=name,
            display_name=given.display_name,
            status=given.status,
            organization=unit,
        )

    def _readings(self, given: GivenReadings) -> Readings:
        begun = self.at - given.read
        cash = credit = coupons = None
        if given.cash is not None:
            age, value = given.cash.points[0]
            cash = self._reading(value, begun - age)
        if given.credit is not None:
            credit = self._reading(self._ledgers(given.credit), begun)
        if isinstance(given.coupons, str):
            coupons = self._reading(given.coupons, begun)
        elif given.coupons is not None:
            coupons = self._reading(self._coupons(given.coupons), begun)
        return Readings(cash=cash, credit=credit, coupons=coupons)

    def _reading(self, value: Any, begun: datetime) -> Reading[Any]:
        if isinstance(value, str):
            said = "the case says so"
            return Unknown(said, begun, is_unmanageable=value == UNMANAGEABLE)
        is_old = self.at - begun > self.ground.max_staleness
        return Stale(value, begun) if is_old else Ok(value, begun)

    def _ledgers(self, given: tuple[GivenLedger, ...] | Decimal | str) -> object:
        if isinstance(given, str):
            return given
        if isinstance(given, Decimal):
            given = (GivenLedger(amount=given),)
        return tuple(self._ledger(item) for item in given)

    def _ledger(self, item: GivenLedger) -> CreditLedger:
        expires = None if item.expires is None else instant(item.expires, self.zone, self.at)
        return CreditLedger(
            expire_time=None if expires is None else format_instant(expires),
            expires_at=expires,
            amount=item.amount,
            available=item.amount if item.available is None else item.available,
        )

    def _coupons(self, given: Iterable[GivenCoupon]) -> tuple[Coupon, ...]:
        return tuple(
            Coupon(
                coupon_id=item.coupon,
                child_id=item.coupon,
                plan_name=item.plan_name,
                balance=item.balance,
                effective_at=None,
                expires_at=(
                    None if item.expires is None else instant(item.expires, self.zone, self.at)
                ),
                has_use_limits=item.use_limits,
            )
            for item in given
        )

    def _samples(
        self, accounts: Mapping[str, Account]
    ) -> Iterator[tuple[tuple[str, Instrument], tuple[Sample, ...]]]:
        """The older readings of a series, oldest first."""
        for name, given in self.case.accounts.items():
            series = given.cash or Series(())
            older = [
                Sample(self.at - given.read - age, value)
                for age, value in reversed(series.points[1:])
                if isinstance(value, Decimal)
            ]
            if older:
                yield (accounts[name].id, Instrument.CASH), tuple(older)

    def _moves(self, accounts: Mapping[str, Account]) -> Iterator[Move]:
        for number, given in enumerate(self.case.moves, 1):
            rule = self.ground.by_name.get(self._rule(given.rule or ""))
            sent = self.at - given.ago
            ended = self.at - (given.ago if given.ended is None else given.ended)
            own = rule.instrument if rule is not None else Instrument.CASH
            way = rule.direction if rule is not None else None
            account = accounts[given.account]
            unit = Unit(account_id=account.id, instrument=given.instrument or own, part=given.of)
            yield Move(
                id=f"move {number}",
                rule=self._rule(given.rule or SOMEBODY),
                unit=unit,
                direction=given.direction or way or Direction.ALLOCATE,
                amount=given.amount,
                state=given.state,
                made_at=sent,
                sent_at=None if given.state is State.PREPARED else sent,
                ended_at=None if given.state in OPEN else ended,
                reading=given.reading,
                period=self._period(given, rule, sent),
                child_coupon_id=given.of or None,
            )

    def _period(self, given: GivenMove, rule: Rule | None, sent: datetime) -> str:
        return given.period if given.period is not None else self._label(rule, sent)

    def _label(self, rule: Rule | None, at: datetime) -> str:
        """The period of the slot that was the latest then."""
        if rule is None or rule.schedule is None or not rule.schedule.is_calendar:
            return ""
        slot = latest_slot(rule.schedule, rule.timezone or self.zone, at)
        return slot.period if slot is not None else ""

    def _notices(
        self, accounts: Mapping[str, Account]
    ) -> Iterator[tuple[tuple[str, Unit, str], Announced]]:
        for item in self.case.announced:
            rule = self.ground.by_name.get(self._rule(item.rule))
            unit = Unit(account_id=accounts[item.account].id, instrument=Instrument.CASH)
            period = item.period if item.period is not None else self._label(rule, self.at)
            announced = Announced(at=self.at - item.ago, amount=item.amount)
            yield (self._rule(item.rule), unit, period), announced

    def _pauses(self, accounts: Mapping[str, Account]) -> Iterator[Pause]:
        for number, item in enumerate(self.case.paused, 1):
            until = None if item.until is None else instant(item.until, self.zone, self.at)
            yield Pause(
                id=f"pause {number}",
                rule=self.ground.full_name(item.rule) or item.rule,
                account_id=accounts[item.account].id if item.account else "",
                reason=item.reason,
                by="the case",
                at=self.at,
                until=until,
            )
