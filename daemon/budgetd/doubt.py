"""Leaves doubt by evidence: what readings, coupon lists and change records prove, and when.

A reading never settles a transfer alone, and nothing is taken for not having happened before
the dead time is over. It may not send anything; what a count proves is `core.reconciliation`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from budgetd.core.answer import AnswerClass
from budgetd.core.intent import Direction, Instrument, Intent, State
from budgetd.core.money import ZERO, format_amount
from budgetd.core.observation import Coupon, CreditLedger, Ok, Unknown
from budgetd.core.reconciliation import (
    ALARMING,
    DEAD_TIME,
    RECORD_LAG,
    Change,
    Comparison,
    Count,
    Discrepancy,
    Family,
    Proof,
    Sent,
    compare,
    count,
)
from budgetd.ledger.store import Ledger, Proven
from budgetd.logs import logger
from budgetd.observe import Observer

GRACE = timedelta(minutes=5)
"""How long after the dead time an unclear count may still become clear."""
MOST_UNCLEAR = 3
LOOKING_BACK = 2 * DEAD_TIME
FARTHEST_BACK = timedelta(days=30)
_MARGIN = timedelta(hours=2)
_MAY_HAVE_MOVED: frozenset[AnswerClass | None] = frozenset({None, AnswerClass.UNKNOWN})
_NEVER_MET: frozenset[AnswerClass | None] = frozenset({AnswerClass.RETRYABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Looks for evidence through the provider's reading APIs."""

    observer: Observer
    ledger: Ledger
    clock: Callable[[], datetime]

    # At once, while the request may still be anywhere

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
        """Whether a resend was told that the key had been seen, which nothing but an attempt
        that may have moved explains: one that was refused for another reason may have left the
        key behind, too."""
        classes = [attempt.answer_class for attempt in self.ledger.attempts(intent.id)]
        if AnswerClass.RECEIVED_BEFORE not in classes:
            return False
        earlier = set(classes[: classes.index(AnswerClass.RECEIVED_BEFORE)])
        return bool(earlier & _MAY_HAVE_MOVED) and earlier <= _MAY_HAVE_MOVED | _NEVER_MET

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
        await self._settle_early(intent, evidence)

    async def _look_at_coupons(self, intent: Intent) -> None:
        coupons = await self._coupons(intent)
        if coupons is None:
            return
        if intent.direction is Direction.ALLOCATE:
            self._look_for_child(intent, coupons)
        elif not _has_child(coupons, intent.unit.part):
            # It may also have been spent or have expired: its key or its record must agree.
            evidence = {"why": "the child coupon is gone from the account's list"}
            is_recorded = self.ledger.has_seen_records(Instrument.COUPON, Direction.RECLAIM)
            if is_recorded or self._was_received(intent):
                await self._settle_early(intent, evidence)

    async def _settle_early(self, intent: Intent, evidence: dict[str, str]) -> None:
        """Settles what the key and a reading show, unless records, where they have been seen to
        work, do not show it yet."""
        instrument = intent.unit.instrument
        if not self.ledger.has_seen_records(instrument, intent.direction):
            self._resolve(intent.id, State.SETTLED, evidence)
            return
        sent = self.ledger.sent(self.clock() - LOOKING_BACK - _MARGIN)
        own = next(one for one in sent if one.id == intent.id)
        reading = await self.observer.changes(instrument, own.first_at - _MARGIN)
        if not isinstance(reading, Ok):
            return
        family = [one for one in sent if one.family == own.family and one.state is State.IN_DOUBT]
        if own not in family:
            # Another process has seen to it meanwhile.
            return
        claims = self.ledger.claims(own.first_at - _MARGIN)
        counted = count(family, sent, reading.value, reading.read_at, claims)
        if counted.proof is Proof.ALL_MOVED:
            self._settle(own, counted, evidence)

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
        child_id = found[0].child_id
        evidence = {
            "why": "a new child coupon of this amount is in the account's list",
            "child_coupon_id": child_id,
        }
        proof = Proven(child_coupon_id=child_id)
        self.ledger.settle(intent.id, evidence, proof, self.clock())

    async def _coupons(self, intent: Intent) -> tuple[Coupon, ...] | None:
        reading = await self.observer.one(intent.account_id, Instrument.COUPON)
        if not isinstance(reading, Ok) or not isinstance(reading.value, tuple):
            return None
        return reading.value

    # After the dead time, and for what is settled

    async def reconcile(self) -> tuple[Discrepancy, ...]:
        """Compares the ledger with the records: what is dead is settled, void or a person's, what
        is settled is confirmed, and what contradicts stops all sending.

        Reads the records of those instruments alone of which something is to be learnt.
        """
        now = self.clock()
        doubtful = self.ledger.in_state(State.IN_DOUBT)
        dead = [one for one in self.ledger.sent(now) if _is_due(one, now)] if doubtful else []
        over = self.ledger.unconfirmed(now - LOOKING_BACK, now - RECORD_LAG)
        found: list[Discrepancy] = []
        for instrument in sorted({one.instrument for one in dead} | over.keys()):
            own = [one for one in dead if one.instrument is instrument]
            since = min(self._since(own, now), over.get(instrument, now) - _MARGIN)
            reading = await self.observer.changes(instrument, since)
            if isinstance(reading, Ok):
                changes = tuple(one for one in reading.value if one.at >= since)
                compared = self._compare(since, instrument, changes, reading.read_at)
                if await self._conclude(since, instrument, changes, reading.read_at):
                    # What is settled now has its record: another that fits is nobody's any more.
                    compared = self._compare(since, instrument, changes, reading.read_at)
                found += compared.discrepancies
            elif isinstance(reading, Unknown):
                logger().warning(
                    "records_unread",
                    instrument=str(instrument),
                    why=reading.reason,
                    waiting=len(own),
                )
        self._alarm(found)
        return tuple(found)

    def _since(self, dead: Sequence[Sent], now: datetime) -> datetime:
        """How far back the records are read: to the doubt, and to a move of our own by which the
        records prove that they work at all."""
        oldest = [now - LOOKING_BACK, *(one.first_at for one in dead)]
        for one in dead:
            if not self.ledger.has_seen_records(one.instrument, one.direction):
                farthest = now - FARTHEST_BACK
                known = self.ledger.last_answered(one.instrument, one.direction, farthest)
                oldest += [known] if known is not None else []
        return min(oldest) - _MARGIN

    def _compare(
        self, since: datetime, instrument: Instrument, changes: Sequence[Change], read_at: datetime
    ) -> Comparison:
        """Confirms what is settled by the records that show it."""
        sent = [one for one in self.ledger.sent(since - _MARGIN) if one.instrument is instrument]
        claims = self.ledger.claims(since - _MARGIN)
        compared = compare(sent, changes, claims, read_at)
        by_id = {change.id: change for change in changes}
        if not compared.confirmed:
            return compared
        with self.ledger.writing():
            self.ledger.check_lead()
            for intent_id, record_id in compared.confirmed.items():
                self.ledger.claim(intent_id, by_id[record_id], self.clock())
        return compared

    async def _conclude(
        self, since: datetime, instrument: Instrument, changes: Sequence[Change], read_at: datetime
    ) -> bool:
        """What the records prove of the intents whose dead time was over when they were read;
        whether any of them was looked at."""
        sent = self.ledger.sent(since - _MARGIN)
        families: dict[Family, list[Sent]] = defaultdict(list)
        for one in sent:
            if _is_due(one, read_at) and one.instrument is instrument:
                families[one.family].append(one)
        claims = self.ledger.claims(since - _MARGIN)
        for family in families.values():
            counted = count(family, sent, changes, read_at, claims)
            for one in family:
                await self._judge(one, counted, read_at)
        return bool(families)

    async def _judge(self, one: Sent, counted: Count, read_at: datetime) -> None:
        evidence = _told(counted, read_at)
        is_proven = self.ledger.has_seen_records(one.instrument, one.direction)
        is_there = await self._is_still_there(one)
        if is_there is None:
            return
        has_moved = counted.proof is Proof.ALL_MOVED
        is_none = counted.proof is Proof.NONE_MOVED
        if has_moved and not is_there:
            why = {"why": "the records show every transfer of this kind, this one among them"}
            self._settle(one, counted, why | evidence)
        elif one.was_received and is_none:
            self._give_to_person(one, "its key was seen before, and no record shows it", evidence)
        elif is_there and not has_moved and not one.was_received:
            why = {"why": "the child coupon is still there after the dead time"}
            self._void(one, why | evidence)
        elif is_none and is_proven:
            why = {"why": "the dead time is over and no record shows it"}
            self._void(one, why | evidence)
        elif is_none:
            why_not = "no record shows it, but none of our own records was ever found"
            self._give_to_person(one, why_not, evidence)
        elif read_at >= one.last_at + DEAD_TIME + GRACE:
            self._give_to_person(one, "the records do not tell how many moved", evidence)

    async def _is_still_there(self, one: Sent) -> bool | None:
        """Whether the child coupon to be taken home is in the account's list, long after; False
        of anything else, None where the list cannot be read."""
        if one.instrument is not Instrument.COUPON or one.direction is Direction.ALLOCATE:
            return False
        intent = self.ledger.intent(one.id)
        assert intent is not None
        coupons = await self._coupons(intent)
        return None if coupons is None else _has_child(coupons, intent.unit.part)

    def _resolve(self, intent_id: str, state: State, evidence: dict[str, str]) -> None:
        self.ledger.resolve(intent_id, state, evidence, self.clock(), expects=State.IN_DOUBT)

    def _void(self, one: Sent, evidence: dict[str, str]) -> None:
        self._resolve(one.id, State.VOID, evidence)

    def _give_to_person(self, one: Sent, why: str, evidence: dict[str, str]) -> None:
        self._resolve(one.id, State.NEEDS_HUMAN, {"why": why} | evidence)

    def _settle(self, one: Sent, counted: Count, why: dict[str, str]) -> None:
        """Settles by evidence, and claims the record that proves it (W4). What a coupon brought
        home is what its record says."""
        change = counted.own[one.id]
        is_whole = one.instrument is Instrument.COUPON and one.direction is Direction.RECLAIM
        proof = Proven(change=change, amount=change.amount if is_whole else None)
        evidence = why | {"record": change.id}
        self.ledger.settle(one.id, evidence, proof, self.clock())

    def _alarm(self, found: Sequence[Discrepancy]) -> None:
        """Stops all sending for what only a person can explain; for each reason once."""
        now = self.clock()
        unclear = self.ledger.in_state(State.NEEDS_HUMAN)
        reasons = [
            f"record {one.change.id} of {format_amount(one.change.amount)} fits transfer "
            f"{one.intent_id}, which is {'moved already' if one.finding == 'doubled' else 'over'}"
            for one in found
            if one.finding in ALARMING and one.change is not None
        ]
        if len(unclear) >= MOST_UNCLEAR:
            reasons.append(f"{len(unclear)} transfers need a person: {', '.join(sorted(unclear))}")
        if reasons:
            with self.ledger.writing():
                for reason in reasons:
                    self.ledger.latch(reason, now, once=True)


@contextmanager
def ends_logged(ledger: Ledger) -> Iterator[None]:
    """One line for each transfer that an earlier cycle left open and that stands elsewhere now:
    what was told as in doubt is told again when it is known, by whatever evidence."""
    left = [(intent, ledger.state_of(intent.id)) for intent in ledger.open_intents()]
    try:
        yield
    finally:
        for intent, before in left:
            move = ledger.move(intent.id)
            if move.state is not before:
                logger().info(
                    "transfer_ended",
                    transfer=intent.id,
                    rule=intent.rule,
                    account=intent.account_id,
                    name=intent.account_name,
                    direction=str(intent.direction),
                    instrument=str(intent.unit.instrument),
                    amount=format_amount(move.amount),
                    state=str(move.state),
                    hold="",
                    note=ledger.note_of(intent.id),
                )


def _is_due(one: Sent, at: datetime) -> bool:
    return one.state is State.IN_DOUBT and one.is_dead(at)


def _told(counted: Count, read_at: datetime) -> dict[str, str]:
    """A count in the words of the ledger."""
    return {
        "records": str(counted.records),
        "settled": str(counted.settled),
        "in_doubt": str(counted.doubtful),
        "window": f"{counted.begins.isoformat()} to {counted.ends.isoformat()}",
        "read_at": read_at.isoformat(),
    }


def _has_child(coupons: tuple[Coupon, ...], child_id: str) -> bool:
    return any(coupon.child_id == child_id for coupon in coupons)


def _ledger_amount(ledgers: tuple[CreditLedger, ...], part: str) -> Decimal | None:
    """What can be spent of a ledger: nothing of one that is not there, unknown where it is null."""
    for ledger in ledgers:
        if (ledger.expire_time or "") == part:
            return ledger.amount
    return ZERO
