"""What may still be spent: the master's money, by source.

It is consumed as a plan is drawn up, and given back when a batch is withheld: a plan in the
making works on copies. It may not decide who goes first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from budgetd.core.decisions.decision import Wish
from budgetd.core.decisions.history import History
from budgetd.core.decisions.holdings import end_of, fits, lives
from budgetd.core.decisions.limits import Limits
from budgetd.core.intent import Direction, Instrument
from budgetd.core.money import ZERO, round_down, total
from budgetd.core.observation import Coupon, CreditLedger, Observation, Ok
from budgetd.core.policies.policy import GrantCoupons, Lift, TopUp


@dataclass(frozen=True, slots=True)
class Piece:
    """So much from one of the master's sources; `part` is the unit's part it makes."""

    part: str
    amount: Decimal
    coupon: Coupon | None = None


class Purse:
    """What the master can give of each instrument; None is a source that could not be read."""

    def __init__(self, observation: Observation, history: History, limits: Limits) -> None:
        self._now = observation.taken_at
        self._history = history
        master = observation.master
        self.cash: Decimal | None = None
        if isinstance(master.cash, Ok):
            out = history.pending_out(Instrument.CASH)
            self.cash = max(master.cash.value - out - limits.reserve, ZERO)
        self._credit_left: dict[str, Decimal] | None = None
        self._ledgers: tuple[CreditLedger, ...] = ()
        if isinstance(master.credit, Ok):
            self._ledgers = master.credit.value
            self._credit_left = {
                ledger.expire_time or "": (ledger.available or ZERO)
                - history.pending_out(Instrument.CREDIT, ledger.expire_time or "")
                for ledger in self._ledgers
            }
        self._coupon_left: dict[str, Decimal] | None = None
        self._coupons: tuple[Coupon, ...] = ()
        if isinstance(master.coupons, Ok):
            self._coupons = tuple(
                sorted(master.coupons.value, key=lambda coupon: (end_of(coupon), coupon.coupon_id))
            )
            self._coupon_left = {
                coupon.coupon_id: coupon.balance
                - history.pending_out(Instrument.COUPON, coupon.coupon_id)
                for coupon in self._coupons
            }

    def copy(self) -> Self:
        """A purse of its own with the same money in it."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._credit_left = dict(self._credit_left) if self._credit_left is not None else None
        twin._coupon_left = dict(self._coupon_left) if self._coupon_left is not None else None
        return twin

    def is_known(self, instrument: Instrument) -> bool:
        """Whether the master's side of an instrument was read."""
        match instrument:
            case Instrument.CASH:
                return self.cash is not None
            case Instrument.CREDIT:
                return self._credit_left is not None
            case Instrument.COUPON:
                return self._coupon_left is not None

    def take(
        self, wish: Wish, amount: Decimal, grain: Decimal, first: Sequence[Piece] = ()
    ) -> list[Piece]:
        """Takes up to `amount` out, in pieces of one source each; may be less, or nothing.

        What is less than `amount` is whole `grain`s and at least the action's `min`, so that
        nobody sits on money that cannot be moved. `first` is what the wish has got already.
        """
        action = wish.named.action
        assert isinstance(action, Lift)
        least = ZERO if first else action.min
        match action:
            case TopUp() if action.instrument is Instrument.CREDIT:
                return self._take_credit(action, amount, grain, first)
            case TopUp():
                assert self.cash is not None
                given = _usable(self.cash, amount, grain, least)
                self.cash -= given
                return [Piece("", given)]
            case GrantCoupons():
                return self._take_coupons(wish, amount, grain, first)
        raise AssertionError("only allocations take from the master")

    def put_back(self, instrument: Instrument, piece: Piece) -> None:
        """Gives back what rounding or a refusal left over."""
        if instrument is Instrument.CASH:
            assert self.cash is not None
            self.cash += piece.amount
        elif instrument is Instrument.CREDIT:
            assert self._credit_left is not None
            self._credit_left[piece.part] += piece.amount
        else:
            assert self._coupon_left is not None
            self._coupon_left[piece.part] += piece.amount

    def left(self, wish: Wish, had: Sequence[Piece]) -> Decimal:
        """What is left of the sources that a wish may take from, beside what it `had` of them; of
        credit in one ledger, since a top-up is of one."""
        action = wish.named.action
        match action:
            case GrantCoupons():
                assert self._coupon_left is not None
                fitting = self._fitting(wish, action)
                return total(max(self._coupon_left[one.coupon_id], ZERO) for one in fitting)
            case TopUp() if action.instrument is Instrument.CREDIT:
                assert self._credit_left is not None
                chosen = {piece.part for piece in had if piece.amount > ZERO}
                ledgers = _in_order(self._ledgers, action, self._now)
                parts = chosen or {ledger.expire_time or "" for ledger in ledgers}
                return max((ZERO, *(self._credit_left[part] for part in parts)))
        assert self.cash is not None
        return self.cash

    def _fitting(self, wish: Wish, action: GrantCoupons) -> Iterator[Coupon]:
        """The master's coupons that a grant may take from, the soonest-expiring first."""
        way = (wish.account.id, Instrument.COUPON, Direction.ALLOCATE)
        busy = {move.unit.part for move in (*self._history.pending(*way), *wish.served)}
        busy |= self._history.parts_of_plan(*way)
        for coupon in self._coupons:
            if coupon.coupon_id not in busy and fits(action, coupon, self._now):
                yield coupon

    def _take_credit(
        self, action: TopUp, amount: Decimal, grain: Decimal, first: Sequence[Piece]
    ) -> list[Piece]:
        assert self._credit_left is not None
        chosen = {piece.part for piece in first}
        least = ZERO if first else action.min
        for ledger in _in_order(self._ledgers, action, self._now):
            part = ledger.expire_time or ""
            if chosen and part not in chosen:
                continue
            given = _usable(self._credit_left[part], amount, grain, least)
            if given > ZERO:
                self._credit_left[part] -= given
                return [Piece(part, given)]
        return []

    def _take_coupons(
        self, wish: Wish, amount: Decimal, grain: Decimal, first: Sequence[Piece]
    ) -> list[Piece]:
        assert self._coupon_left is not None
        action = wish.named.action
        assert isinstance(action, GrantCoupons)
        begun = {piece.part for piece in first}
        pieces = []
        for coupon in self._fitting(wish, action):
            if amount <= ZERO:
                break
            left = self._coupon_left[coupon.coupon_id]
            least = ZERO if coupon.coupon_id in begun else action.min
            given = _usable(left, amount, grain, least)
            if given > ZERO:
                self._coupon_left[coupon.coupon_id] -= given
                amount -= given
                pieces.append(Piece(coupon.coupon_id, given, coupon))
        return pieces


def _usable(available: Decimal, amount: Decimal, grain: Decimal, least: Decimal) -> Decimal:
    if available >= amount:
        return amount
    given = round_down(max(available, ZERO), grain)
    return given if given >= least else ZERO


def _in_order(
    ledgers: tuple[CreditLedger, ...], action: TopUp, now: datetime
) -> Iterable[CreditLedger]:
    """The master's ledgers a credit top-up may name, the chosen kind first."""
    living = [item for item in ledgers if lives(item.expires_at, action.lives_at_least, now)]
    if action.ledger == "permanent":
        return [item for item in living if item.expire_time is None]
    return sorted(living, key=end_of, reverse=action.ledger != "soonest")
