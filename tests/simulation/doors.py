"""The two doors to the provider without a network: moves, and readings, of the sandbox's book.

They stand where `Client` and `Observer` do, and do what the gateway, the network and the
provider may do to one call. They may not know what is right.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from budgetd.core import answer as answers
from budgetd.core.answer import Answer, AnswerClass, Phase, knows_pair
from budgetd.core.decisions.rereading import merged
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import from_minor, parse_amount, to_minor
from budgetd.core.observation import (
    Account,
    Coupon,
    CreditLedger,
    Observation,
    Ok,
    Organization,
    Reading,
    Readings,
    Status,
    Unknown,
)
from budgetd.core.reconciliation import Change
from budgetd.observe import CHINA, Wanted
from budgetd.provider.calls import SignedMove
from budgetd.provider.errors import AuthenticationFailed, Unreachable
from budgetd.provider.moves import MoveRequest
from budgetd.provider.operations import (
    RETRIEVE_AMOUNT,
    RETRIEVE_COUPON,
    TRANSFER_AMOUNT,
    TRANSFER_COUPON,
)
from budgetd.sandbox.nouns import Account as Owner
from budgetd.sandbox.nouns import Instrument as Kept
from budgetd.sandbox.nouns import Kind, Move, Moved, Refusal

from .script import PostFault, ReadFault
from .stage import Post, Stage, wait

SIGNATURE_LIFE = timedelta(minutes=15)
TIMEOUT_S = 30.0
STALE_S = 600.0
READS_GO_BACK = False
NOTHING_KNOWN: Mapping[str, Readings] = MappingProxyType({})
KINDS = {
    TRANSFER_AMOUNT.name: Kind.ALLOCATE,
    RETRIEVE_AMOUNT.name: Kind.RECLAIM,
    TRANSFER_COUPON.name: Kind.GRANT,
    RETRIEVE_COUPON.name: Kind.TAKE_BACK,
}
STATUSES = {1: Status.NORMAL, 3: Status.CLOSING, 4: Status.CLOSED}
UNITS = {"5001": Organization(id="5001", name="R&D", path=("R&D",))} | {
    "5003": Organization(id="5003", name="Projects", path=("Projects",))
}
BEFORE = {
    PostFault.ERROR_500_BEFORE: (500, "CBC.0999"),
    PostFault.TIMEOUT_504_BEFORE: (504, "APIGW.0201"),
    PostFault.TRY_AGAIN_BEFORE: (400, "CBC.99000087"),
    PostFault.THROTTLED: (429, "APIGW.0308"),
    PostFault.UNAUTHORIZED: (401, "APIGW.0301"),
    PostFault.FORBIDDEN: (403, "CBC.0151"),
    PostFault.BUSY: (400, "CBC.99007461"),
    PostFault.STRANGE_PAIR: (409, "CBC.12345678"),
}
AFTER = {
    PostFault.ERROR_500_AFTER: (500, "CBC.0999"),
    PostFault.TIMEOUT_504_AFTER: (504, "APIGW.0201"),
    PostFault.TRY_AGAIN_AFTER: (400, "CBC.99000087"),
}


def move_of(signed: SignedMove) -> Move:
    """The movement a request asks for, as the provider reads it."""
    found: dict[str, Any] = json.loads(signed.body)
    kind = KINDS[signed.operation.name]
    is_amount = kind in (Kind.ALLOCATE, Kind.RECLAIM)
    amount = found.get("amount")
    expires = found.get("expire_time")
    return Move(
        kind=kind,
        customer_id=found["customer_id"],
        instrument=Kept(found["balance_type"]) if is_amount else Kept.COUPON,
        amount=None if amount is None else to_minor(parse_amount(str(amount))),
        key=found["trans_id"],
        ledger=None if expires is None else datetime.fromisoformat(expires),
        coupon_id=found.get("coupon_id"),
        sub_coupon_id=found.get("sub_coupon_id"),
    )


def _no_answer(phase: Phase) -> Answer:
    answer_class = answers.classify(
        phase=phase, status=None, code="", success_status=204, is_documented_shape=False
    )
    return Answer(phase=phase, answer_class=answer_class)


class Mover:
    """What the executor uses of the client."""

    requests_per_second = 10

    def __init__(self, stage: Stage, process: int, clock: Any, check: Any) -> None:
        self._stage = stage
        self._process = process
        self._clock = clock
        self._check = check
        self.skew_s: float | None = None
        self.is_refused = False

    def note_clock(self) -> None:
        """An answer came: its `Date` says how far our clock is off."""
        self.skew_s = (self._stage.now() - self._clock()).total_seconds()

    def sign_move(self, request: MoveRequest) -> SignedMove:
        """The move as it will leave."""
        return SignedMove(
            operation=request.operation,
            headers={},
            body=request.body,
            body_hash=hashlib.sha256(request.body).hexdigest(),
            signed_at=self._clock(),
        )

    async def send_move(self, signed: SignedMove) -> Answer:
        """One POST through a network that does to it what the script says."""
        stage = self._stage
        if self.is_refused:
            return Answer(phase=Phase.NOT_SENT, answer_class=AnswerClass.RETRYABLE)
        await wait(0.0)
        number = len(stage.posts)
        post = Post(
            number=number,
            process=self._process,
            key=json.loads(signed.body)["trans_id"],
            body=signed.body,
            signed_at=signed.signed_at,
            sent_at=stage.now(),
        )
        fault = None if stage.is_healed else stage.script.posts.get(number)
        stage.tell(f"POST {number} by {self._process}: {signed.body.decode()} {fault or ''}")
        stage.posts.append(post)
        self._check(post)
        if fault is not None:
            stage.coverage.note("faults", fault)
        if fault is PostFault.NOT_SENT:
            await wait(1.0)
            return _no_answer(Phase.NOT_SENT)
        answer = await self._exchange(signed, post, fault)
        stage.coverage.note("classes", answer.answer_class)
        stage.tell(f"  answered {answer.answer_class} {answer.status} {answer.code}")
        return answer

    async def _exchange(self, signed: SignedMove, post: Post, fault: PostFault | None) -> Answer:
        stage, half_s = self._stage, self._stage.script.latency_s / 2
        await wait(half_s)
        if fault in BEFORE:
            await wait(half_s)
            return self._answer(signed, *BEFORE[fault])
        if fault is PostFault.DELAYED:
            self._deliver_later(signed, post)
        elif fault is not PostFault.LOST_BEFORE:
            said = self._deliver(signed, post)
            if fault is PostFault.DOUBLED:
                said = self._deliver(signed, post)
            if fault is PostFault.REPLAYED:
                self._deliver_later(signed, post)
            if fault is PostFault.SLOW:
                stage.book.hold_busy(stage.now() + timedelta(seconds=TIMEOUT_S))
        if fault in (PostFault.LOST_BEFORE, PostFault.LOST_AFTER, PostFault.DELAYED):
            await wait(TIMEOUT_S)
            return _no_answer(Phase.SENT)
        await wait(half_s)
        if fault in AFTER:
            return self._answer(signed, *AFTER[fault])
        if fault is PostFault.MALFORMED:
            return self._answer(signed, 200, "", is_documented=False)
        if isinstance(said, Refusal):
            return self._answer(signed, said.status, said.code)
        return self._answer(signed, signed.operation.success_status, "", moved=said)

    def _deliver_later(self, signed: SignedMove, post: Post) -> None:
        stage = self._stage
        stage.underway += 1

        def arrive() -> None:
            stage.underway -= 1
            self._deliver(signed, post)

        stage.later(stage.script.delay_s, arrive)

    def _deliver(self, signed: SignedMove, post: Post) -> Moved | Refusal:
        """The gateway and the provider run one POST, again where they were asked to."""
        stage = self._stage
        post.deliveries += 1
        if abs(stage.now() - signed.signed_at) > SIGNATURE_LIFE:
            stage.coverage.note("deaths", "signature expired")
            return Refusal(401, "APIGW.0301", "the date differs by over 15 minutes")
        try:
            moved = stage.book.move(move_of(signed), stage.now())
        except Refusal as refusal:
            return refusal
        stage.executed(post, moved, is_repeat=post.deliveries > 1)
        return moved

    def _answer(
        self,
        signed: SignedMove,
        status: int,
        code: str,
        *,
        moved: Moved | None = None,
        is_documented: bool = True,
    ) -> Answer:
        self.note_clock()
        if status == 401 or (status, code) == (403, "CBC.0151"):
            self.is_refused = status == 401
        facts: dict[str, Any] = {"phase": Phase.ANSWERED, "status": status, "code": code}
        judged = {
            **facts,
            "success_status": signed.operation.success_status,
            "is_documented_shape": is_documented,
        }
        is_coupon = moved is not None and moved.move.instrument is Kept.COUPON
        return Answer(
            **facts,
            answer_class=answers.classify(**judged),
            is_known_pair=knows_pair(**judged),
            amount=from_minor(moved.amount) if moved is not None and is_coupon else None,
            child_coupon_id=moved.sub_coupon_id if moved is not None else None,
        )


class Reader:
    """What cycle, executor and doubt use of the observer."""

    def __init__(self, stage: Stage, mover: Mover, clock: Any) -> None:
        self._stage = stage
        self._clock = clock
        self.client = mover
        self._served = stage.served

    async def fleet(
        self,
        wanted: Wanted,
        blank: Observation,
        known: Mapping[str, Readings] = NOTHING_KNOWN,
        before: Mapping[str, Readings] = NOTHING_KNOWN,
    ) -> Observation:
        """The lists, then every reading that is wanted, beside those that are known."""
        await self._call("the list of accounts")
        members = tuple(_account(owner) for owner in self._stage.book.accounts.values())
        readings = {}
        for account_id, instruments in wanted.of(members).items():
            readings[account_id] = await self.account(account_id, instruments)
        master = await self.master(wanted.master)
        readings = {
            account_id: merged(known.get(account_id), readings.get(account_id))
            for account_id in readings.keys() | known.keys()
        }
        return replace(
            blank, taken_at=self._clock(), accounts=members, readings=readings, master=master
        )

    async def account(self, account_id: str, instruments: frozenset[Instrument]) -> Readings:
        """What one account holds of these instruments."""
        found: dict[str, Any] = {}
        for instrument in sorted(instruments):
            found[_FIELDS[instrument]] = await self.one(account_id, instrument)
        return Readings(**found)

    async def some(self, wanted: Mapping[str, frozenset[Instrument]]) -> dict[str, Readings]:
        """What some accounts hold."""
        return {
            account_id: await self.account(account_id, instruments)
            for account_id, instruments in wanted.items()
        }

    async def master(self, instruments: frozenset[Instrument]) -> Readings:
        """What the master can give of these instruments."""
        found: dict[str, Any] = {}
        for instrument in sorted(instruments):
            found[_FIELDS[instrument]] = await self._read(self._stage.book.master, instrument)
        return Readings(**found)

    async def one(self, account_id: str, instrument: Instrument) -> Reading[object]:
        """One reading of one account."""
        return await self._read(self._stage.book.accounts[account_id], instrument)

    async def changes(self, instrument: Instrument, since: datetime) -> Reading[Any]:
        """The master's records of one instrument, from the day of `since` on, where it has any."""
        stage, begun = self._stage, self._clock()
        fault = await self._call("")
        if fault is ReadFault.FAILED:
            return Unknown("did not answer", begun)
        if not stage.script.has_records:
            return Ok((), begun)
        book = stage.book
        day = since.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        found = tuple(
            Change(
                id=f"AC{record.serial}",
                at=record.at.replace(microsecond=0),
                instrument=instrument,
                direction=_WAYS[record.trade_type],
                amount=from_minor(abs(record.amount)),
                coupon_id=record.coupon_id or "",
                account_name=record.account_name or "",
            )
            for record in book.visible_records(book.master.id, stage.now())
            if record.instrument == _KEPT[instrument]
            and record.trade_type in _WAYS
            and record.at >= day
        )
        return Ok(found, begun)

    async def _read(self, owner: Owner, instrument: Instrument) -> Reading[Any]:
        stage, begun = self._stage, self._clock()
        is_late = stage.script.reads_late
        value = None if is_late else self._value(owner, instrument, is_stale=False)
        fault = await self._call("")
        if fault is ReadFault.FAILED:
            return Unknown("did not answer", begun)
        if owner.custody or owner.status == 4:
            return Unknown("CBC.99000086", begun, is_unmanageable=True)
        if value is None or fault is ReadFault.STALE:
            value = self._value(owner, instrument, is_stale=fault is ReadFault.STALE)
        return Ok(value, begun)

    def _value(self, owner: Owner, instrument: Instrument, *, is_stale: bool) -> Any:
        stage = self._stage
        stale_s = float(stage.book.semantics.stale_s)
        if is_stale:
            stale_s = max(stale_s, STALE_S)
        at_s = stage.now_s - stale_s
        if not READS_GO_BACK:
            at_s = max(at_s, self._served.get((owner.id, instrument), at_s))
            self._served[owner.id, instrument] = at_s
        at = stage.begins + timedelta(seconds=at_s)
        if instrument is Instrument.CASH:
            return from_minor(owner.cash.as_of(at))
        if instrument is Instrument.CREDIT:
            return tuple(
                CreditLedger(
                    expire_time=None,
                    expires_at=ledger.expire_time,
                    amount=from_minor(ledger.purse.as_of(at) + ledger.held),
                    available=from_minor(ledger.purse.as_of(at)),
                )
                for ledger in owner.ledgers.values()
            )
        return tuple(self._coupons(owner, at))

    def _coupons(self, owner: Owner, at: datetime) -> list[Coupon]:
        is_master = owner is self._stage.book.master
        return [
            Coupon(
                coupon_id=coupon.id if is_master else coupon.source_id or "",
                child_id=None if is_master else coupon.id,
                plan_name=coupon.plan_name,
                balance=from_minor(balance),
                effective_at=coupon.effective_time,
                expires_at=coupon.expire_time,
            )
            for coupon in owner.coupons.values()
            if (balance := coupon.purse.as_of(at)) > 0
            and coupon.effective_time <= self._stage.now() < coupon.expire_time
        ]

    async def _call(self, what: str) -> ReadFault | None:
        """The time and the fate of one read. Raises where a whole list is not to be had."""
        stage = self._stage
        if self.client.is_refused:
            raise AuthenticationFailed("GET", code="APIGW.0301", message="was refused before")
        number = stage.reads
        stage.reads += 1
        await wait(stage.script.latency_s)
        fault = None if stage.is_healed else stage.script.reads.get(number)
        if fault is not None:
            stage.coverage.note("faults", fault)
        if fault is ReadFault.FAILED:
            if what:
                raise Unreachable("GET", code="TRANSPORT.RESET", message=f"{what} did not come")
            return fault
        self.client.note_clock()
        return fault


_FIELDS = {Instrument.CASH: "cash", Instrument.CREDIT: "credit", Instrument.COUPON: "coupons"}

_KEPT = {
    Instrument.CASH: Kept.CASH,
    Instrument.CREDIT: Kept.CREDIT,
    Instrument.COUPON: Kept.COUPON,
}
_WAYS = {
    "BEADJUST": Direction.ALLOCATE,
    "COUPONADJUST": Direction.ALLOCATE,
    "BERETRIEVE": Direction.RECLAIM,
    "COUPONCANCEL": Direction.RECLAIM,
}


def _account(owner: Owner) -> Account:
    return Account(
        id=owner.id,
        name=owner.name,
        display_name=owner.display_name or "",
        status=STATUSES[owner.status],
        organization=UNITS.get(owner.org_id),
    )
