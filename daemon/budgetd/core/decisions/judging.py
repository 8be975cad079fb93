"""Whether one rule's trigger holds on one account, on what was read of it.

It turns a reading into a wish, an alert or a hold. It may not know other rules.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.decisions.caps import CapUse
from budgetd.core.decisions.decision import Decision, Held, NamedRule, Raised, Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.trigger import (
    Facts,
    bound_of,
    expires_by,
    holds,
    mentions,
    names,
    why,
    why_raised,
    written,
)
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, total
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Stale,
)
from budgetd.core.policies.policy import (
    Alert,
    GrantCoupons,
    Reclaim,
    ReclaimCoupons,
    ReclaimWhen,
    RunwayKeep,
    RunwayTarget,
    TopUp,
)
from budgetd.core.reason import Hold


class Judge:
    """Asks rules about accounts, on one observation."""

    def __init__(
        self, observation: Observation, history: History, caps: CapUse | None = None
    ) -> None:
        self.observation = observation
        self.history = history
        self.caps = caps

    def judge(self, named: NamedRule, account: Account) -> Iterable[Decision]:
        """What the rule wants of the account: wishes, an alert, or one hold."""
        readings = self._readings(named, account)
        reading = readings.of(named.instrument)
        if isinstance(named.action, Alert):
            return (self._alert(named, account, readings),)
        if not isinstance(reading, Ok):
            return (self._unread(named, account, reading),)
        match named.action:
            case TopUp() as action if action.instrument is Instrument.CREDIT:
                return (self._lift(named, account, _living(action, readings, self.now)),)
            case TopUp():
                return (self._lift(named, account, readings.cash),)
            case GrantCoupons() as action:
                return (self._lift(named, account, self._granted(action, account, readings)),)
            case Reclaim():
                return (self._reclaim(named, account, readings),)
            case ReclaimCoupons():
                return self._coupons(named, account, readings)

    @property
    def now(self) -> datetime:
        """The instant of the observation."""
        return self.observation.taken_at

    def is_from_before(self, named: NamedRule, account: Account, at: datetime) -> bool:
        """Whether what the rule would rest on was read before an instant."""
        reading = self._readings(named, account).of(named.instrument)
        return isinstance(reading, Ok) and reading.read_at < at

    def _readings(self, named: NamedRule, account: Account) -> Readings:
        if named.rule.accounts == "master":
            return self.observation.master
        return self.observation.readings_of(account.id)

    def _unread(self, named: NamedRule, account: Account, reading: object) -> Held:
        reason, value = Hold.UNREAD, None
        if isinstance(reading, Stale):
            reason = Hold.STALE
            value = reading.value if isinstance(reading.value, Decimal) else None
        elif getattr(reading, "is_unmanageable", False):
            reason = Hold.UNMANAGEABLE
        return Held(
            rule=named.name,
            account=account,
            instrument=named.instrument,
            reason=reason,
            reading=value,
            detail=getattr(reading, "reason", ""),
        )

    def _facts(
        self,
        named: NamedRule,
        account: Account,
        reading: Ok[Decimal],
        ledgers: tuple[CreditLedger, ...] = (),
        coupons: tuple[Coupon, ...] = (),
    ) -> Facts:
        return Facts(
            value=reading.value,
            read_at=reading.read_at,
            now=self.now,
            samples=self.observation.samples.get((account.id, named.instrument), ()),
            ledgers=ledgers,
            coupons=coupons,
        )

    def _lift(
        self, named: NamedRule, account: Account, reading: Ok[Decimal] | Held | object
    ) -> Decision:
        action = named.action
        assert isinstance(action, TopUp | GrantCoupons)
        if not isinstance(reading, Ok):
            return self._plain_hold(named, account, Hold.UNREAD, None)
        facts = self._facts(named, account, reading)
        verdict = True if action.when is None else holds(action.when, facts)
        if verdict is not True:
            return self._plain_hold(named, account, verdict or Hold.NOT_TRIGGERED, reading.value)
        if isinstance(action.to, RunwayTarget) and action.to.at_least is None:
            return self._plain_hold(named, account, Hold.NO_BURN, reading.value)
        return Wish(
            named=named,
            account=account,
            reading=reading.value,
            read_at=reading.read_at,
            why=why(action.when, facts),
            trigger=bound_of(action.when, "below"),
            ledgers=_ledgers_of(named, self._readings(named, account)),
            unit_reading=reading.value if named.instrument is Instrument.CASH else None,
        )

    def _reclaim(self, named: NamedRule, account: Account, readings: Readings) -> Decision:
        action = named.action
        assert isinstance(action, Reclaim)
        ledgers: tuple[CreditLedger, ...] = ()
        reading = readings.cash
        if action.instrument is Instrument.CREDIT:
            ledgers, reading = _all_ledgers(readings, self.now)
        if not isinstance(reading, Ok):
            return self._plain_hold(named, account, Hold.UNREAD, None)
        facts = self._facts(named, account, reading, ledgers)
        verdict = True if action.when is None else holds(action.when, facts)
        if verdict is not True:
            return self._plain_hold(named, account, verdict or Hold.NOT_TRIGGERED, reading.value)
        if isinstance(action.keep, RunwayKeep):
            return self._plain_hold(named, account, Hold.NO_BURN, reading.value)
        return Wish(
            named=named,
            account=account,
            reading=reading.value,
            read_at=reading.read_at,
            why=why(action.when, facts),
            ledgers=_expiring(ledgers, action.when, self.now),
            unit_reading=reading.value if not ledgers else None,
        )

    def _coupons(
        self, named: NamedRule, account: Account, readings: Readings
    ) -> Iterator[Decision]:
        action = named.action
        assert isinstance(action, ReclaimCoupons)
        assert isinstance(readings.coupons, Ok)
        held: Hold | None = None
        found = False
        for coupon in sorted(readings.coupons.value, key=lambda coupon: coupon.child_id or ""):
            facts = Facts(
                value=coupon.balance,
                read_at=readings.coupons.read_at,
                now=self.now,
                coupon=coupon,
            )
            verdict = True if action.when is None else holds(action.when, facts)
            if coupon.balance <= ZERO or expires_by(coupon.expires_at, self.now):
                verdict = False
            if verdict is not True:
                held = held or (verdict or None)
                continue
            found = True
            yield Wish(
                named=named,
                account=account,
                reading=coupon.balance,
                read_at=facts.read_at,
                why=why(action.when, facts),
                coupon=coupon,
            )
        if not found:
            value = total(coupon.balance for coupon in readings.coupons.value)
            yield self._plain_hold(named, account, held or Hold.NOT_TRIGGERED, value)

    def _alert(self, named: NamedRule, account: Account, readings: Readings) -> Decision:
        action = named.action
        assert isinstance(action, Alert)
        given: object = readings.of(action.instrument)
        reading, ledgers, coupons = _watched(action.instrument, readings, self.now)
        facts = Facts(
            value=reading.value if reading else None,
            read_at=reading.read_at if reading else self.now,
            now=self.now,
            samples=self.observation.samples.get((account.id, action.instrument), ()),
            ledgers=ledgers,
            coupons=coupons,
            unread=self._unread_for(account, action.instrument, reading),
            cap_used=self._cap_used(named, account),
        )
        is_left_out = getattr(given, "is_unmanageable", False)
        verdict = Hold.UNREAD if is_left_out else holds(action.when, facts)
        if verdict is Hold.UNREAD and not isinstance(given, Ok):
            return self._unread(named, account, given)
        if verdict is not True:
            hold = verdict or Hold.NOT_TRIGGERED
            return self._plain_hold(named, account, hold, reading.value if reading else None)
        return Raised(
            rule=named.name,
            account=account,
            instrument=action.instrument,
            severity=action.severity,
            reading=reading.value if reading else None,
            read_at=reading.read_at if reading else None,
            why=why_raised(action.when, facts),
        )

    def _unread_for(
        self, account: Account, instrument: Instrument, reading: Ok[Decimal] | None
    ) -> timedelta | None:
        """For how long nothing was read: since the reading at hand, or the newest that is kept,
        or since the account was first seen; None where none of them is known."""
        kept = self.observation.last_read.get((account.id, instrument))
        since = reading.read_at if reading else kept
        return None if since is None else self.now - since

    def _cap_used(self, named: NamedRule, account: Account) -> Decimal | None:
        assert isinstance(named.action, Alert)
        if self.caps is None or not mentions(named.action.when, "cap_used"):
            return None
        is_master = named.rule.accounts == "master"
        return self.caps.of_rules() if is_master else self.caps.of_account(account)

    def _granted(
        self, action: GrantCoupons, account: Account, readings: Readings
    ) -> Ok[Decimal] | object:
        """The account's matching coupons together, with grants that no list shows yet."""
        if not isinstance(readings.coupons, Ok):
            return readings.coupons
        matching = [
            coupon
            for coupon in readings.coupons.value
            if fits(action, coupon, self.now) and not expires_by(coupon.expires_at, self.now)
        ]
        earlier = total(
            move.amount
            for move in self.history.pending(account.id, Instrument.COUPON, Direction.ALLOCATE)
            if move.made_at < readings.coupons.read_at
        )
        return Ok(total(coupon.balance for coupon in matching) + earlier, readings.coupons.read_at)

    def _plain_hold(
        self, named: NamedRule, account: Account, reason: Hold, value: Decimal | None
    ) -> Held:
        return Held(
            rule=named.name,
            account=account,
            instrument=named.instrument,
            reason=reason,
            reading=value,
        )


def fits(action: GrantCoupons, coupon: Coupon, now: datetime) -> bool:
    """Whether a coupon is of the kind that a rule grants and counts."""
    choice = action.coupons
    if coupon.has_use_limits and choice.use_limits != "any":
        return False
    if choice.plan_name is not None and not names(choice.plan_name, coupon):
        return False
    return lives(coupon.expires_at, choice.lives_at_least, now)


def lives(expires_at: datetime | None, at_least: timedelta | None, now: datetime) -> bool:
    """Whether something is unexpired, and stays so for at least that long."""
    return expires_at is None or expires_at > now + (at_least or timedelta(0))


def _living(action: TopUp, readings: Readings, now: datetime) -> Ok[Decimal] | None:
    if not isinstance(readings.credit, Ok):
        return None
    counted = [
        ledger
        for ledger in readings.credit.value
        if lives(ledger.expires_at, action.lives_at_least, now)
    ]
    amounts = [ledger.amount for ledger in counted if ledger.amount is not None]
    if len(amounts) < len(counted):
        return None
    return Ok(total(amounts), readings.credit.read_at)


def _ledgers_of(named: NamedRule, readings: Readings) -> tuple[CreditLedger, ...]:
    is_credit = named.instrument is Instrument.CREDIT
    return readings.credit.value if is_credit and isinstance(readings.credit, Ok) else ()


def _all_ledgers(
    readings: Readings, now: datetime
) -> tuple[tuple[CreditLedger, ...], Ok[Decimal] | None]:
    """The unexpired ledgers, soonest first, and their sum; None where a null hides a part."""
    if not isinstance(readings.credit, Ok):
        return (), None
    far = datetime.max.replace(tzinfo=now.tzinfo)
    ledgers = tuple(
        sorted(
            (item for item in readings.credit.value if lives(item.expires_at, None, now)),
            key=lambda ledger: ledger.expires_at or far,
        )
    )
    if any(ledger.amount is None or ledger.available is None for ledger in ledgers):
        return ledgers, None
    value = total(ledger.amount for ledger in ledgers if ledger.amount is not None)
    return ledgers, Ok(value, readings.credit.read_at)


def _expiring(
    ledgers: tuple[CreditLedger, ...], when: ReclaimWhen | None, now: datetime
) -> tuple[CreditLedger, ...]:
    """The ledgers a reclaim may take from: those that expire, where its trigger says so."""
    bounds = [value for name, value in written(when) if name == "expires_within"] if when else []
    if not bounds or not isinstance(bounds[0], timedelta):
        return ledgers
    limit = now + bounds[0]
    return tuple(ledger for ledger in ledgers if expires_by(ledger.expires_at, limit))


def _watched(
    instrument: Instrument, readings: Readings, now: datetime
) -> tuple[Ok[Decimal] | None, tuple[CreditLedger, ...], tuple[Coupon, ...]]:
    match instrument:
        case Instrument.CASH:
            return (readings.cash if isinstance(readings.cash, Ok) else None), (), ()
        case Instrument.CREDIT:
            ledgers, value = _all_ledgers(readings, now)
            return value, ledgers, ()
        case Instrument.COUPON:
            if not isinstance(readings.coupons, Ok):
                return None, (), ()
            held = tuple(
                coupon
                for coupon in readings.coupons.value
                if coupon.balance > ZERO and lives(coupon.expires_at, None, now)
            )
            value = Ok(total(coupon.balance for coupon in held), readings.coupons.read_at)
            return value, (), held
