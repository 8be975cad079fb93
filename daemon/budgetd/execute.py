"""Moves money, one intent at a time: the other verb that touches the provider.

W1 before anything leaves, W2 before the first byte, W3 before any further act on the account.
It walks along `core.intent` and may not decide what is right: `core.again` does, inside W1.
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from budgetd.arrivals import Arrivals
from budgetd.core.answer import Answer, AnswerClass, Phase
from budgetd.core.decisions.decision import Held
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import FINAL, MOST_DOUBTS, Direction, Instrument, Intent, State
from budgetd.core.observation import Observation
from budgetd.core.plans.again import Promised, decide_again
from budgetd.core.plans.basis import children, is_old, rests_on_old, unit_reading
from budgetd.core.plans.outcome import Outcome, held_back, not_sent, outcome_of
from budgetd.core.plans.plan import Transfer, Withheld
from budgetd.core.plans.planning import Frame
from budgetd.core.reason import Hold
from budgetd.core.reconciliation import CLOCK_BOUND, SIGNATURE_LIFE, Discrepancy
from budgetd.doubt import Doubt
from budgetd.ledger import proposals
from budgetd.ledger.recovery import cancel_unsent, doubt_interrupted
from budgetd.ledger.store import Ledger, PausedError, UnitTakenError
from budgetd.logs import logger
from budgetd.observe import Observer
from budgetd.provider.calls import TLS
from budgetd.provider.client import Client
from budgetd.provider.moves import MoveRequest, move_request

MOST_SENDS = 4
RESEND_WITHIN = timedelta(minutes=10)
BUSY_WAIT_S = 5.0
SKEW_LIMIT_S = 120.0


class StopSendingError(Exception):
    """Nothing more may be sent in this cycle; the message says why, and what to do."""


@dataclass(slots=True)
class Patience:
    """How long may still be waited, in seconds; one patience may be shared by several."""

    left_s: float


@dataclass(slots=True, kw_only=True)
class Executor:
    """Carries out what a plan says, and drains what the ledger says is open.

    `patience_s` is how long one transfer may be waited for when the provider cannot take it, and
    how long all doubt of a cycle together; `resends` is `provider.resend: same_key`. With
    `reads_each` every transfer rests on readings of its own, begun under the cycle's lock.
    """

    client: Client
    ledger: Ledger
    observer: Observer
    frame: Frame
    limits: Limits
    clock: Callable[[], datetime]
    resends: bool = True
    reads_each: bool = False
    patience_s: float = 60.0
    only: str | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float, float], float] = random.uniform
    discrepancies: tuple[Discrepancy, ...] = field(default=(), init=False)
    _seq: int = field(default=0, init=False)
    _made: set[str] = field(default_factory=set, init=False)
    _arrivals: Arrivals = field(init=False)
    doubting: Patience = field(init=False)

    def __post_init__(self) -> None:
        self.doubting = Patience(self.patience_s)
        self.begin(0)

    # The normal path

    async def carry_out(self, item: Promised, observation: Observation) -> Outcome:
        """Moves one planned transfer, or says why not. Raises `StopSendingError` when no other
        may follow."""
        self._check_credential()
        self._check_clock()
        doubts = self.ledger.unproven()
        if doubts >= MOST_DOUBTS:
            note = f"{doubts} transfers are in doubt; nothing new is sent until fewer are"
            return not_sent(item, held_back(item, Hold.OPEN_INTENT, note))
        fresh = await self._fresh(item, observation)
        try:
            intent = self._promise(item, fresh)
        except UnitTakenError:
            intent = held_back(item, Hold.OPEN_INTENT)
        except PausedError as paused:
            intent = held_back(item, Hold.PAUSED, paused.pause.reason)
        if not isinstance(intent, Intent):
            return not_sent(item, intent)
        state = await self.pursue(intent)
        if state is State.SETTLED:
            self._arrivals.settled(intent)
        amount = self.ledger.move(intent.id).amount
        return outcome_of(item, state, amount=amount, note=self.ledger.note_of(intent.id))

    async def _fresh(self, item: Promised, observation: Observation) -> Observation:
        """The observation of the one account, read again where it is older than it may be."""
        now, instrument = self.clock(), item.unit.instrument
        readings, master = observation.readings_of(item.account.id), observation.master
        within, seen = self.limits.act_within, observation.readings
        asks_master = item.direction is Direction.ALLOCATE and (
            self.reads_each or is_old(master, instrument, now, within)
        )
        if asks_master:
            seen = {**seen, **await self._arrivals.read(item, observation)}
        if self.reads_each or is_old(readings, instrument, now, within):
            readings = await self.observer.account(item.account.id, frozenset({instrument}))
        if asks_master:
            master = await self.observer.master(frozenset({instrument}))
        return replace(
            observation,
            accounts=(item.account,),
            fleet=observation.normal,
            readings={**seen, item.account.id: readings},
            master=master,
        )

    def _promise(self, item: Promised, fresh: Observation) -> Intent | Held | Withheld | None:
        """W1: decided again on what the ledger knows at this very moment, then promised."""
        with self.ledger.writing():
            now = self.clock()
            known = {move.id: move for move in fresh.moves}
            known |= {move.id: move for move in self.ledger.changed_since(self._seq)}
            fresh = replace(
                fresh,
                taken_at=now,
                planned=frozenset(self._made),
                moves=tuple(known.values()),
                pauses=self.ledger.pauses(),
                approvals=proposals.approvals(self.ledger),
            )
            if now > item.expires_at or rests_on_old(fresh, item, self.limits.act_within):
                return held_back(item, Hold.STALE, "the plan or its readings are too old")
            again = decide_again(item, self.frame, fresh, self.limits, self.only)
            if not isinstance(again, Transfer):
                return again
            if again.ask is not None:
                return held_back(item, Hold.AWAITING_APPROVAL, str(again.ask))
            intent = self._intent(again, item, fresh, now)
            said = dict(item.said)
            if again.approved is not None:
                said |= {"proposal": again.approved.proposal, "approved_by": again.approved.by}
            self.ledger.promise(intent, children=children(fresh, again), said=said)
            if again.approved is not None:
                proposals.use(self.ledger, again.approved, intent.id, now)
        self._made.add(intent.id)
        self._arrivals.promised(intent)
        return intent

    def begin(self, observed_at_seq: int) -> None:
        """Says up to which event the observation knows the ledger; of its plan nothing is made."""
        self._seq, self._made = observed_at_seq, set()
        self._arrivals = Arrivals(observer=self.observer, reserve=self.limits.reserve)

    def _intent(
        self, transfer: Transfer, item: Promised, fresh: Observation, now: datetime
    ) -> Intent:
        key = uuid.uuid4().hex
        coupon_id = transfer.coupon.coupon_id if transfer.coupon else ""
        request = move_request(
            transfer.direction, transfer.unit, transfer.amount, key, coupon_id or None
        )
        master = fresh.master.of(transfer.instrument)
        return Intent(
            id=item.id,
            key=key,
            rule=transfer.rule,
            policy_digest=self.frame.policies.digest,
            account_id=transfer.account.id,
            account_name=transfer.account.name,
            unit=transfer.unit,
            direction=transfer.direction,
            coupon_id=coupon_id,
            amount=transfer.amount,
            currency=transfer.currency,
            operation=request.operation.name,
            body=request.body,
            why=str(transfer.why),
            period=transfer.period,
            reading=transfer.reading,
            unit_reading=unit_reading(transfer, fresh),
            read_at=transfer.read_at,
            master_read_at=master.read_at if master is not None else None,
            made_at=now,
            expires_at=item.expires_at,
            epoch=self.ledger.epoch,
        )

    # Sending, resending, leaving doubt

    async def pursue(self, intent: Intent) -> State:
        """Sends an intent until it has a final state, or patience ends and doubt stays.

        A definite refusal ends it; what was not executed is sent again under the same key until
        patience ends, then withdrawn; doubt is left by the same key and by evidence.
        """
        request = self._request(intent)
        doubt = self._doubt()
        own, wait_s, is_paused = Patience(self.patience_s), 1.0, False
        state = self.ledger.state_of(intent.id)
        while state not in FINAL:
            # Whoever wants this process to stop is heard here, between a promise and its sending.
            await self.sleep(0)
            answer: Answer | None = None
            if not is_paused and self._may_send(intent, state):
                self._check_clock()
                try:
                    answer = await self._attempt(intent, request)
                except PausedError as paused:
                    if state is State.PREPARED:
                        return self._withdraw(intent, str(paused))
                    is_paused = True
                state = self.ledger.state_of(intent.id)
            if state is State.IN_DOUBT:
                state = await doubt.look(intent)
            if state in FINAL:
                break
            patience = self.doubting if state is State.IN_DOUBT else own
            may_send = not is_paused and self._may_send(intent, state)
            if patience.left_s <= 0 or not (may_send or doubt.may_learn(intent, state)):
                state = self._give_up(intent, state)
                break
            pause_s = max(wait_s, _least_wait(answer)) * self.jitter(1.0, 1.2)
            await self.sleep(pause_s)
            patience.left_s, wait_s = patience.left_s - pause_s, min(wait_s * 2, 15.0)
        return state

    def _may_send(self, intent: Intent, state: State) -> bool:
        """Whether the same key may be sent (again): never more than four times within ten
        minutes once an answer may have been lost, and only where resending is allowed."""
        attempts = self.ledger.attempts(intent.id)
        now = self.clock()
        if not attempts:
            return state is State.PREPARED and now <= intent.expires_at
        classes = {attempt.answer_class for attempt in attempts}
        if classes <= {AnswerClass.RETRYABLE}:
            return now <= intent.expires_at
        if AnswerClass.RECEIVED_BEFORE in classes:
            return False
        recent = now - attempts[0].signed_at <= RESEND_WITHIN
        return self.resends and recent and len(attempts) < MOST_SENDS

    async def _attempt(self, intent: Intent, request: MoveRequest) -> Answer:
        """One sending: signed, W2, POST, W3. Dying anywhere in it leaves a row that says so."""
        signed = self.client.sign_move(request)
        number = self.ledger.record_attempt(intent.id, signed.signed_at, signed.body_hash)
        answer = await self.client.send_move(signed)
        alarm = self._alarm(intent, answer, number, signed.signed_at)
        state = self.ledger.record_answer(intent.id, number, answer, self.clock(), alarm=alarm)
        logger().info(
            "attempt_answered",
            transfer=intent.id,
            attempt=number,
            status=answer.status,
            code=answer.code,
            request_id=answer.request_id,
            answer_class=str(answer.answer_class),
            state=str(state),
        )
        if alarm:
            if state is State.PREPARED:
                self._withdraw(intent, f"not executed: {alarm}")
            raise StopSendingError(f"{alarm}. Nothing more is sent until `budgetd resume --reason`")
        return answer

    def _alarm(self, intent: Intent, answer: Answer, number: int, signed_at: datetime) -> str:
        """Why nothing more may be sent at all after this answer; empty where it may."""
        is_received = answer.answer_class is AnswerClass.RECEIVED_BEFORE
        if is_received and not self._left_before(intent, number):
            return (
                f"transfer {intent.id}: the provider has seen its key before we ever sent it; "
                "a second daemon or a restored state moves the same money"
            )
        if not answer.is_known_pair:
            said = f"{answer.status} {answer.code}".strip()
            return f"transfer {intent.id}: answered {said}, which no table knows"
        # A request that was held up until its signature was over says nothing of the credential.
        is_timely = self.clock() - signed_at < SIGNATURE_LIFE - 2 * CLOCK_BOUND
        if self.client.is_refused and is_timely:
            said = f" ({answer.code})" if answer.code else ""
            return (
                f"the provider refused our credential{said}; five failed signatures lock the key, "
                "see `budgetd doctor`, and reload the daemon once it is well"
            )
        if answer.code == TLS:
            return f"the provider's certificate is not trusted: {answer.message}"
        return ""

    def _left_before(self, intent: Intent, number: int) -> bool:
        """Whether another attempt may have left and explains that a key is known: a later one of
        another process, too, if this one slept."""
        others = [one for one in self.ledger.attempts(intent.id) if one.number != number]
        return any(attempt.phase != Phase.NOT_SENT for attempt in others)

    def _request(self, intent: Intent) -> MoveRequest:
        request = move_request(
            intent.direction, intent.unit, intent.amount, intent.key, intent.coupon_id or None
        )
        if request.body != intent.body:
            raise StopSendingError(
                f"transfer {intent.id}: what would be sent is not what was promised; nothing was"
            )
        return request

    def _give_up(self, intent: Intent, state: State) -> State:
        """Patience ended. What was never executed is withdrawn; doubt stays doubt."""
        if state is not State.PREPARED:
            return state
        attempts = self.ledger.attempts(intent.id)
        last = attempts[-1] if attempts else None
        why = f"not executed: {last.code} {last.message}".strip() if last else "not sent in time"
        return self._withdraw(intent, why)

    def _withdraw(self, intent: Intent, why: str) -> State:
        """Ends what was never executed. Where the master was busy, a copy of ours may be the
        cause: then it is refused, so that the unit rests."""
        attempts = self.ledger.attempts(intent.id)
        was_busy = any(attempt.answer_class is AnswerClass.BUSY for attempt in attempts)
        after = State.REFUSED if was_busy else State.CANCELLED
        now, evidence = self.clock(), {"why": why}
        return self.ledger.resolve(intent.id, after, evidence, now, expects=State.PREPARED)

    def _check_credential(self) -> None:
        if self.client.is_refused:
            raise StopSendingError(
                "the provider refused our credential; nothing more is sent, because five failed "
                "signatures lock the key. See `budgetd doctor`, then reload."
            )

    def _check_clock(self) -> None:
        skew_s = self.client.skew_s
        if skew_s is not None and abs(skew_s) > SKEW_LIMIT_S:
            raise StopSendingError(
                f"this clock is {abs(skew_s):.0f} s off the provider's; nothing is sent until it "
                "is right"
            )

    # Recovery

    async def recover(self) -> list[Intent]:
        """Drains what an earlier process left: unsent promises are withdrawn, interrupted ones
        are in doubt, and doubt is pursued, all of it together for `patience_s`, then judged by
        the records. Returns the intents that stay open. Raises `StopSendingError` when nothing
        may be sent."""
        left = self.ledger.standing()
        if left:
            await self._drain(left)
        self.discrepancies = await self._doubt().reconcile()
        return self.ledger.open_intents()

    async def _drain(self, left: frozenset[State]) -> None:
        now = self.clock()
        if State.PREPARED in left:
            cancel_unsent(self.ledger, now)
        if State.SENDING in left:
            doubt_interrupted(self.ledger, now)
        doubtful = self.ledger.in_state(State.IN_DOUBT)
        if doubtful:
            # A process that has read nothing yet does not know how far its clock is off.
            await self.observer.master(frozenset({Instrument.CASH}))
            self._check_clock()
        for intent_id in doubtful:
            intent = self.ledger.intent(intent_id)
            assert intent is not None
            await self.pursue(intent)

    def _doubt(self) -> Doubt:
        return Doubt(observer=self.observer, ledger=self.ledger, clock=self.clock)


def _least_wait(answer: Answer | None) -> float:
    if answer is None:
        return 0.0
    if answer.answer_class is AnswerClass.BUSY:
        return BUSY_WAIT_S
    return float(answer.retry_after_s or 0)
