"""Whether one rule's trigger holds on one account, on what was read of it.

It turns a reading into a wish, an alert or a hold. It may not know other rules.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from budgetd.core.decisions.caps import CapUse
from budgetd.core.decisions.decision import Decision, Held, NamedRule, Raised, Wish
from budgetd.core.decisions.funding import Funding
from budgetd.core.decisions.history import History
from budgetd.core.decisions.holdings import (
    all_ledgers,
    fits,
    ledgers_of,
    living,
    meant,
    watched,
)
from budgetd.core.decisions.outlook import Outlook
from budgetd.core.decisions.trigger import (
    Ahead,
    Facts,
    expires_by,
    holds,
    lift_bound,
    mentions,
    why,
    why_raised,
)
from budgetd.core.intent import Direction, Instrument, Move
from budgetd.core.money import ZERO, total
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Readings,
    Sample,
    Stale,
)
from budgetd.core.policies.policy import (
    Alert,
    GrantCoupons,
    Reclaim,
    ReclaimCoupons,
    RunwayKeep,
    RunwayTarget,
    TopUp,
)
from budgetd.core.reason import Hold


class Judge:
    """Asks rules about accounts, on one observation."""

    def __init__(
        self,
        observation: Observation,
        history: History,
        outlook: Outlook,
        caps: CapUse | None = None,
        funding: Funding | None = None,
    ) -> None:
        self.observation = observation
        self.history = history
        self.outlook = outlook
        self.caps = caps
        self.funding = funding

    def judge(
        self, named: NamedRule, account: Account, parts: Collection[Move] = ()
    ) -> Iterable[Decision]:
        """What the rule wants of the account: wishes, an alert, or one hold. Its trigger holds for
        all `parts` of what it has decided, though the first of them have cleared it."""
        readings = self._readings(named, account)
        reading = readings.of(named.instrument)
        if isinstance(named.action, Alert):
            return (self._alert(named, account, readings),)
        if not isinstance(reading, Ok):
            return (self._unread(named, account, reading),)
        match named.action:
            case TopUp() as action if action.instrument is Instrument.CREDIT:
                return (self._lift(named, account, living(action, readings, self.now)),)
            case TopUp():
                return (self._lift(named, account, readings.cash),)
            case GrantCoupons() as action:
                granted = self._granted(action, account, readings)
                return (self._lift(named, account, granted, parts),)
            case Reclaim():
                return (self._reclaim(named, account, readings, parts),)
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
        return named.held(account, reason, getattr(reading, "reason", ""), reading=value)

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
            samples=partial(self._past, account.id, named.instrument),
            ledgers=ledgers,
            coupons=coupons,
            ahead=partial(self.outlook.most, account.id, named.instrument),
            idle=self._idle(named, account, reading),
        )

    def _past(self, account_id: str, instrument: Instrument) -> Sequence[Sample]:
        return self.observation.samples.get((account_id, instrument), ())

    def _idle(
        self, named: NamedRule, account: Account, reading: Ok[Decimal] | None
    ) -> timedelta | None:
        """For how long nothing was spent, where the rule asks."""
        when = getattr(named.action, "when", None)
        if when is None or not mentions(when, "idle_for"):
            return None
        return self.outlook.idle(account.id, named.instrument, reading)

    def _lift(
        self,
        named: NamedRule,
        account: Account,
        reading: Ok[Decimal] | Held | object,
        parts: Collection[Move] = (),
    ) -> Decision:
        action = named.action
        assert isinstance(action, TopUp | GrantCoupons)
        if not isinstance(reading, Ok):
            return named.held(account, Hold.UNREAD)
        facts = self._facts(named, account, reading)
        come = total(move.amount for move in parts if move.made_at < reading.read_at)
        facts = replace(facts, value=reading.value - come)
        verdict = True if action.when is None else holds(action.when, facts)
        if verdict is not True:
            return named.held(account, verdict or Hold.NOT_TRIGGERED, reading=reading.value)
        aim = self._aim(named, account)
        is_unknown = isinstance(action.to, RunwayTarget) and aim is None
        return Wish(
            named=named,
            account=account,
            reading=reading.value,
            read_at=reading.read_at,
            why=why(action.when, facts),
            trigger=lift_bound(action.when, facts.ahead),
            aim=aim,
            lasts=self.outlook.lasts(account.id, named.instrument, reading.value),
            ledgers=ledgers_of(named, self._readings(named, account)),
            is_rest=bool(parts),
            unit_reading=reading.value if named.instrument is Instrument.CASH else None,
            hold=Hold.NO_BURN if is_unknown else None,
        )

    def _aim(self, named: NamedRule, account: Account) -> Decimal | None:
        """What a target in days of burn comes to, at the middle of the band; where the burn is
        not known, its `at_least`."""
        action = named.action
        if not isinstance(action, TopUp | GrantCoupons) or not isinstance(action.to, RunwayTarget):
            return None
        spent = self.outlook.ahead(account.id, named.instrument, action.to.runway)
        if spent is None or action.to.at_least is None:
            return action.to.at_least if spent is None else spent.middle
        return max(spent.middle, action.to.at_least)

    def _reclaim(
        self, named: NamedRule, account: Account, readings: Readings, parts: Collection[Move]
    ) -> Decision:
        action = named.action
        assert isinstance(action, Reclaim)
        ledgers: tuple[CreditLedger, ...] = ()
        reading = readings.cash
        if action.instrument is Instrument.CREDIT:
            ledgers, reading = all_ledgers(readings, self.now)
        if not isinstance(reading, Ok):
            return named.held(account, Hold.UNREAD)
        facts = self._facts(named, account, reading, ledgers)
        gone = total(move.amount for move in parts if not self.history.is_pending(move))
        facts = replace(facts, value=reading.value + gone)
        verdict = True if action.when is None else holds(action.when, facts)
        if verdict is not True:
            return named.held(account, verdict or Hold.NOT_TRIGGERED, reading=reading.value)
        aim = None
        if isinstance(action.keep, RunwayKeep):
            spent = facts.ahead(action.keep.runway)
            aim = None if spent is None else max(spent, action.keep.at_least or ZERO)
        return Wish(
            named=named,
            account=account,
            reading=reading.value,
            read_at=reading.read_at,
            why=why(action.when, facts),
            aim=aim,
            lasts=self.outlook.lasts(account.id, named.instrument, reading.value),
            ledgers=meant(ledgers, action.when, facts),
            unit_reading=reading.value if not ledgers else None,
            hold=Hold.NO_BURN if isinstance(action.keep, RunwayKeep) and aim is None else None,
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
                idle=self.outlook.idle_coupon(account.id, coupon, readings.coupons.read_at),
                lapses=(self.outlook.lapses(account.id, coupon),),
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
            yield named.held(account, held or Hold.NOT_TRIGGERED, reading=value)

    def _alert(self, named: NamedRule, account: Account, readings: Readings) -> Decision:
        action = named.action
        assert isinstance(action, Alert)
        given: object = readings.of(action.instrument)
        reading, ledgers, coupons = watched(action.instrument, readings, self.now)
        facts = Facts(
            value=reading.value if reading else None,
            read_at=reading.read_at if reading else self.now,
            now=self.now,
            samples=partial(self._past, account.id, action.instrument),
            ledgers=ledgers,
            coupons=coupons,
            unread=self._unread_for(account, action.instrument, reading),
            cap_used=self._cap_used(named, account),
            ahead=self._ahead(named, account),
            idle=self._idle(named, account, reading),
            lapses=tuple(self.outlook.lapses(account.id, coupon) for coupon in coupons),
        )
        is_left_out = getattr(given, "is_unmanageable", False)
        verdict = Hold.UNREAD if is_left_out else holds(action.when, facts)
        if verdict is Hold.UNREAD and not isinstance(given, Ok):
            return self._unread(named, account, given)
        if verdict is not True:
            hold = verdict or Hold.NOT_TRIGGERED
            return named.held(account, hold, reading=reading.value if reading else None)
        return Raised(
            rule=named.name,
            account=account,
            instrument=action.instrument,
            severity=action.severity,
            reading=reading.value if reading else None,
            read_at=reading.read_at if reading else None,
            why=why_raised(action.when, facts),
        )

    def _ahead(self, named: NamedRule, account: Account) -> Ahead:
        """What is spent in a length of time at the most; of the master's cash, what is to be there
        for all that it feeds."""
        if named.rule.accounts != "master":
            return partial(self.outlook.most, account.id, named.instrument)
        if self.funding is None or named.instrument is not Instrument.CASH:
            return lambda _length: None
        return self.funding.leaves

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
