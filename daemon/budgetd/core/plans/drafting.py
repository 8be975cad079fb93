"""From one wish to its transfers or its hold: the pipeline, fed with what is left to spend.

It consumes a purse and a cap book as it goes; `planning` decides the order and hands in copies
where a batch may yet be withheld.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from budgetd.core.decisions.caps import CapBook
from budgetd.core.decisions.deciding import waiting_for
from budgetd.core.decisions.decision import Held, Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.trigger import written
from budgetd.core.intent import Direction, Instrument, Move, Unit
from budgetd.core.moment import format_duration
from budgetd.core.money import ZERO, format_amount, total
from budgetd.core.observation import Coupon, CreditLedger
from budgetd.core.plans import amount as pipeline
from budgetd.core.plans.amount import Draft
from budgetd.core.plans.funds import Piece, Purse
from budgetd.core.plans.plan import Step, Transfer
from budgetd.core.policies.policy import Lift, Reclaim, ReclaimCoupons
from budgetd.core.reason import Hold


@dataclass(frozen=True, slots=True)
class _End:
    """How a transfer ends: what will be read after it, how far short that is of the target, the
    coupon it is of, and what the unit itself read before, where that is not the whole reading."""

    after: Decimal
    short_by: Decimal = ZERO
    coupon: Coupon | None = None
    value: Decimal | None = None


@dataclass(slots=True)
class Drawer:
    """Draws up transfers against what is left."""

    history: History
    purse: Purse
    caps: CapBook
    currency: str

    def copy(self) -> "Drawer":
        """A drawer with its own purse and caps, for a draft that may be thrown away."""
        return Drawer(self.history, self.purse.copy(), self.caps.copy(), self.currency)

    def undo(self, wish: Wish, drawn: list[Transfer] | Held) -> None:
        """Gives back all that a proposal took: it consumes nothing until it is approved."""
        if isinstance(drawn, Held):
            return
        self.caps.book(wish, -total(transfer.amount for transfer in drawn))
        for transfer in drawn:
            if transfer.direction is Direction.ALLOCATE:
                piece = Piece(transfer.unit.part, transfer.amount, transfer.coupon)
                self.purse.put_back(transfer.instrument, piece)

    def want(self, wish: Wish) -> Draft | Held:
        """A lift's amount before the master's money is asked: want, max, at_most, caps."""
        action = wish.named.action
        assert isinstance(action, Lift)
        if not self.purse.is_known(wish.named.instrument):
            return wish.held(Hold.UNREAD, "the master's side could not be read")
        pending = ZERO
        if wish.named.instrument is Instrument.COUPON:
            # Grants that were made for this very wish: the reading is older than they are.
            pending = total(
                move.amount
                for move in self.history.pending(
                    wish.account.id, Instrument.COUPON, Direction.ALLOCATE
                )
                if move.made_at >= wish.read_at
            )
        draft = pipeline.lift(action, wish, pending)
        if wish.served:
            _clip_to_rest(wish, action, draft)
        self._clip_to_caps(wish, draft)
        hold = draft.hold(action.min)
        if hold:
            return wish.held(hold, draft.told())
        # Booked before the master is asked, so that the next wish of the rule finds less.
        self.caps.book(wish, draft.amount)
        return draft

    def _clip_to_caps(self, wish: Wish, draft: Draft) -> None:
        left = self.caps.left(wish)
        if left is not None:
            draft.clip("cap", left[0], Hold.CAP, f"{left[1]} leaves {format_amount(left[0])}")
        draft.round_down()

    def alone(self, wish: Wish, draft: Draft) -> list[Transfer] | Held:
        """The transfers of a lift that takes all it can get, whoever else wants something."""
        return self.settle(wish, draft, self.purse.take(wish, draft.amount, draft.grain))

    def settle(self, wish: Wish, draft: Draft, pieces: list[Piece]) -> list[Transfer] | Held:
        """The transfers of a lift whose pieces the master has given; the rest is put back."""
        action, instrument = wish.named.action, wish.named.instrument
        assert isinstance(action, Lift)
        booked, given = draft.amount, total(piece.amount for piece in pieces)
        self._clip_to_master(wish, draft, pieces, given)
        transfers: list[Transfer] = []
        for piece in pieces:
            part = Draft(
                piece.amount, grain=draft.grain, steps=list(draft.steps), target=draft.target
            )
            if len(pieces) > 1:
                part.steps.append(Step(step="piece", amount=piece.amount, note=piece.part))
            part.round_down()
            usable = part.hold(action.min) is None
            self.purse.put_back(
                instrument,
                Piece(piece.part, piece.amount - (part.amount if usable else ZERO), piece.coupon),
            )
            if usable:
                transfers.append(self._allocation(wish, draft, part, piece, transfers))
        self.caps.book(wish, total(transfer.amount for transfer in transfers) - booked)
        # Only the last piece can be short of the target: the others are followed by it.
        transfers[:-1] = [replace(transfer, short_by=ZERO) for transfer in transfers[:-1]]
        return transfers or self._not_given(wish, draft)

    def _clip_to_master(
        self, wish: Wish, draft: Draft, pieces: list[Piece], given: Decimal
    ) -> None:
        """What the master has for the wish, then what of that can be moved."""
        action = wish.named.action
        assert isinstance(action, Lift)
        if given == draft.amount:
            return
        there = given + self.purse.left(wish, pieces)
        draft.clip("exists", there, Hold.MASTER_SHORT, "what the master can give")
        draft.round_down()
        if draft.hold(action.min) is None:
            note = f"in parts of {format_amount(max(action.min, draft.grain))} at least"
            draft.clip("exists", given, Hold.MASTER_SHORT, note)

    def _not_given(self, wish: Wish, draft: Draft) -> Held:
        """The hold of a lift that got nothing: for its own grants that are under way, if any."""
        if wish.named.instrument is Instrument.COUPON:
            for move in self.history.pending(
                wish.account.id, Instrument.COUPON, Direction.ALLOCATE
            ):
                return waiting_for(move, wish, self.history)
        return wish.held(draft.clipped_by or Hold.BELOW_MIN, draft.told())

    def _allocation(
        self, wish: Wish, draft: Draft, part: Draft, piece: Piece, before: list[Transfer]
    ) -> Transfer:
        start = before[-1].after if before else wish.reading
        after = start + part.amount
        short = max((draft.target or ZERO) - after, ZERO) if draft.target is not None else ZERO
        instrument = wish.named.instrument
        unit = Unit(account_id=wish.account.id, instrument=instrument, part=piece.part)
        is_credit = instrument is Instrument.CREDIT
        value = _amount_in(wish.ledgers, piece.part) if is_credit else None
        end = _End(after, short_by=short, coupon=piece.coupon, value=value)
        return self._transfer(wish, unit, part, end)

    def reclaim(self, wish: Wish) -> list[Transfer] | Held:
        """The transfers of a wish to take something home, or its hold."""
        action = wish.named.action
        if isinstance(action, ReclaimCoupons):
            return self._whole_coupon(wish)
        assert isinstance(action, Reclaim)
        if wish.named.instrument is Instrument.CREDIT:
            return self._from_ledgers(wish, action)
        draft = pipeline.reclaim(action, wish, self._off(wish))
        draft.clip("exists", wish.reading, Hold.RECLAIMABLE, "what is reclaimable")
        self._clip_reclaim(wish, action, draft)
        hold = draft.hold(action.min)
        if hold:
            return wish.held(hold, draft.told())
        self.caps.book(wish, draft.amount)
        unit = Unit(account_id=wish.account.id, instrument=Instrument.CASH)
        return [self._transfer(wish, unit, draft, _End(wish.reading - draft.amount))]

    def _off(self, wish: Wish) -> Decimal:
        """What a reclaim must leave beyond `keep`: allocations since its slot."""
        return total(move.amount for move in self._given_since(wish))

    def _given_since(self, wish: Wish) -> Iterator[Move]:
        """What was allocated since the slot of a reclaim, or may yet be."""
        since = wish.late_since
        if since is None:
            return
        way = (wish.account.id, wish.named.instrument, Direction.ALLOCATE)
        for move in self.history.moves(*way):
            if move.counts and (move.sent_at or move.made_at) >= since:
                yield move

    def _grant_since(self, wish: Wish, coupon: Coupon) -> Move | None:
        """What granted a child coupon since the slot, or may have: a grant of which nobody knows
        what it has made."""
        for move in self._given_since(wish):
            child, source = move.child_coupon_id, move.unit.part
            if child == coupon.child_id or (child is None and source == coupon.coupon_id):
                return move
        return None

    def _clip_reclaim(self, wish: Wish, action: Reclaim, draft: Draft) -> None:
        if action.max is not None:
            draft.clip("max", action.max, Hold.BELOW_MIN, f"max {format_amount(action.max)}")
        self._clip_to_caps(wish, draft)

    def _from_ledgers(self, wish: Wish, action: Reclaim) -> list[Transfer] | Held:
        """Ledger by ledger, soonest-expiring first; `keep` is of the sum of all."""
        way = (wish.account.id, Instrument.CREDIT, Direction.RECLAIM)
        going = self.history.pending(*way)
        busy = {move.unit.part for move in (*going, *wish.served)}
        busy |= self.history.parts_of_plan(*way)
        off = self._off(wish) + total(move.amount for move in going)
        left = pipeline.reclaim(action, wish, off)
        last = left
        transfers: list[Transfer] = []
        after = wish.reading
        for ledger in wish.ledgers:
            if (ledger.expire_time or "") in busy or left.amount <= ZERO:
                continue
            last = draft = Draft(
                left.amount, grain=left.grain, steps=list(left.steps), target=left.target
            )
            draft.clip("exists", _movable(ledger), Hold.RECLAIMABLE, "what the ledger holds")
            self._clip_reclaim(wish, action, draft)
            if draft.hold(action.min) is None:
                unit = Unit(
                    account_id=wish.account.id,
                    instrument=Instrument.CREDIT,
                    part=ledger.expire_time or "",
                )
                after -= draft.amount
                left.amount -= draft.amount
                self.caps.book(wish, draft.amount)
                end = _End(after, value=ledger.amount)
                transfers.append(self._transfer(wish, unit, draft, end))
        if transfers:
            return transfers
        if wish.served and last is left:
            return wish.held(Hold.NOT_DUE, "its ledgers were served before")
        return wish.held(last.hold(action.min) or Hold.RECLAIMABLE, last.told())

    def _whole_coupon(self, wish: Wish) -> list[Transfer] | Held:
        """The whole remainder of one child coupon, or nothing of it."""
        coupon = wish.coupon
        assert coupon is not None
        assert coupon.child_id is not None
        grant = self._grant_since(wish, coupon)
        if grant is not None:
            hold = Hold.OPEN_INTENT if grant.is_open else Hold.BELOW_MIN
            return wish.held(hold, "granted since the slot")
        left = self.caps.left(wish)
        if left is not None and left[0] < coupon.balance:
            return wish.held(Hold.CAP, f"{left[1]} leaves {format_amount(left[0])}")
        self.caps.book(wish, coupon.balance)
        unit = Unit(account_id=wish.account.id, instrument=Instrument.COUPON, part=coupon.child_id)
        step = Step(step="want", amount=coupon.balance, note="the whole coupon")
        draft = Draft(coupon.balance, steps=[step])
        return [self._transfer(wish, unit, draft, _End(ZERO, coupon=coupon))]

    def _transfer(self, wish: Wish, unit: Unit, draft: Draft, end: _End) -> Transfer:
        named = wish.named
        assert named.direction is not None
        return Transfer(
            id=_identity(self.history.now, wish, unit),
            rule=wish.named.name,
            action=named.action_name,
            direction=named.direction,
            unit=unit,
            account=wish.account,
            amount=draft.amount,
            currency=self.currency,
            reading=wish.reading,
            read_at=wish.read_at,
            target=draft.target,
            after=end.after,
            short_by=end.short_by,
            why=wish.why,
            steps=tuple(draft.steps),
            trigger=told(wish),
            ask=wish.ask,
            coupon=end.coupon,
            period=wish.period,
            unit_reading=wish.unit_reading if end.value is None else end.value,
        )


def _amount_in(ledgers: tuple[CreditLedger, ...], part: str) -> Decimal:
    """What the account's ledger of that expire time reads; one that is missing reads 0.00."""
    amounts = [ledger.amount for ledger in ledgers if (ledger.expire_time or "") == part]
    return next((amount for amount in amounts if amount is not None), ZERO)


def _clip_to_rest(wish: Wish, action: Lift, draft: Draft) -> None:
    """Leaves what a decision that was cut off wanted beyond what it has given; where nobody knows
    what it wanted, nothing."""
    first, given = wish.served[0].before, total(move.amount for move in wish.served)
    whole = given
    if first is not None:
        whole = pipeline.lift(action, replace(wish, reading=first), ZERO).amount
    note = f"{format_amount(given)} of {format_amount(whole)} were given before"
    draft.clip("served", whole - given, Hold.NOT_DUE, note)


def _movable(ledger: CreditLedger) -> Decimal:
    assert ledger.amount is not None
    assert ledger.available is not None
    return min(ledger.amount, ledger.available)


def _identity(at: datetime, wish: Wish, unit: Unit) -> str:
    text = "\n".join(
        (
            at.isoformat(timespec="microseconds"),
            wish.named.name,
            unit.account_id,
            unit.instrument,
            unit.part,
        )
    )
    return sha256(text.encode()).hexdigest()[:16]


_LENGTHS = ("runway_below", "runway_above", "idle_for")


def told(wish: Wish) -> str:
    """The trigger in words, as reports show it: `below 500.00`."""
    when = getattr(wish.named.action, "when", None)
    if wish.coupon is not None and wish.coupon.expires_at is not None:
        return f"expires {wish.coupon.expires_at:%Y-%m-%d}"
    if when is None:
        return f"scheduled {wish.period}".strip()
    return " and ".join(_words(when)) or "any"


def _words(when: object) -> Iterator[str]:
    for name, value in written(when):  # type: ignore[arg-type]  # any condition has parts
        if isinstance(value, Decimal):
            yield f"{name.replace('_', ' ')} {value:,.2f}"
        elif name in _LENGTHS and isinstance(value, timedelta):
            yield f"{name.replace('_', ' ')} {format_duration(value)}"
    for part in getattr(when, "any", None) or ():
        yield from _words(part)
