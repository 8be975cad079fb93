"""Evidence on a transfer in doubt: what readings and coupon lists show, and what they prove.

A reading never settles a transfer alone: only together with the provider's word that it had
seen the key before. For coupons the child that appears, or is gone, is the proof. It may not
send anything, and it never concludes that a transfer did not happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Direction, Instrument, Intent, State
from budgetd.core.money import ZERO, format_amount
from budgetd.core.observation import Coupon, CreditLedger, Ok
from budgetd.ledger.store import Ledger
from budgetd.observe import Observer


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Looks for evidence through the provider's reading APIs."""

    observer: Observer
    ledger: Ledger
    clock: Callable[[], datetime]

    async def look(self, intent: Intent) -> State:
        """One look at the evidence; the state afterwards, which is `in_doubt` where it does not
        suffice."""
        if intent.unit.instrument is Instrument.COUPON:
            await self._look_at_coupons(intent)
        elif self._was_received(intent):
            await self._look_at_amount(intent)
        return self.ledger.state_of(intent.id)

    def may_learn(self, intent: Intent, state: State) -> bool:
        """Whether a later look may prove more: of money only once its key was seen before."""
        is_coupon = intent.unit.instrument is Instrument.COUPON
        return state is State.IN_DOUBT and (is_coupon or self._was_received(intent))

    def _was_received(self, intent: Intent) -> bool:
        """Whether a resend was told that the key had been seen."""
        attempts = self.ledger.attempts(intent.id)
        return len(attempts) > 1 and any(
            attempt.answer_class is AnswerClass.RECEIVED_BEFORE for attempt in attempts
        )

    async def _look_at_amount(self, intent: Intent) -> None:
        """Half of the amount, its way, in a reading begun after the resend."""
        instrument = intent.unit.instrument
        reading = await self.observer.one(intent.account_id, instrument)
        if not isinstance(reading, Ok) or intent.unit_reading is None:
            return
        found = reading.value
        value = found if isinstance(found, Decimal) else _ledger_amount(found, intent.unit.part)  # type: ignore[arg-type]  # credit is a tuple of ledgers
        if value is None:
            return
        change = value - intent.unit_reading
        if intent.direction is Direction.RECLAIM:
            change = -change
        if change * 2 < intent.amount:
            return
        evidence = {
            "why": "its key was seen before, and the reading shows the move",
            "reading_before": format_amount(intent.unit_reading),
            "reading_after": format_amount(value),
            "read_at": reading.read_at.isoformat(),
        }
        self.ledger.resolve(intent.id, State.SETTLED, evidence, self.clock())

    async def _look_at_coupons(self, intent: Intent) -> None:
        reading = await self.observer.one(intent.account_id, Instrument.COUPON)
        if not isinstance(reading, Ok) or not isinstance(reading.value, tuple):
            return
        coupons: tuple[Coupon, ...] = reading.value
        if intent.direction is Direction.RECLAIM:
            self._look_for_gone(intent, coupons)
        else:
            self._look_for_child(intent, coupons)

    def _look_for_gone(self, intent: Intent, coupons: tuple[Coupon, ...]) -> None:
        if any(coupon.child_id == intent.unit.part for coupon in coupons):
            return
        evidence = {"why": "the child coupon is gone from the account's list"}
        self.ledger.resolve(intent.id, State.SETTLED, evidence, self.clock())

    def _look_for_child(self, intent: Intent, coupons: tuple[Coupon, ...]) -> None:
        """A child of this coupon and amount that no other transfer made and that was not there
        before; two of them prove neither."""
        taken = self.ledger.known_children(intent)
        found = [
            coupon
            for coupon in coupons
            if coupon.coupon_id == intent.unit.part
            and coupon.balance == intent.amount
            and coupon.child_id not in taken
        ]
        if len(found) != 1 or found[0].child_id is None:
            return
        evidence = {
            "why": "a new child coupon of this amount is in the account's list",
            "child_coupon_id": found[0].child_id,
        }
        self.ledger.resolve(
            intent.id,
            State.SETTLED,
            evidence,
            self.clock(),
            child_coupon_id=found[0].child_id,
        )


def _ledger_amount(ledgers: tuple[CreditLedger, ...], part: str) -> Decimal | None:
    """What can be spent of a ledger: nothing of one that is not there, unknown where it is null."""
    for ledger in ledgers:
        if (ledger.expire_time or "") == part:
            return ledger.amount
    return ZERO
