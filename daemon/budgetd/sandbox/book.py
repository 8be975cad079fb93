"""The provider's truth: who has what, every movement, every key seen. Pure and synchronous.

Time is passed in. It may not sleep, read a clock, open anything, or know of requests: the
server and the simulation drive it alike.
"""

from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import NamedTuple

from budgetd.sandbox.nouns import (
    Account,
    ChangeRecord,
    Charge,
    Conservation,
    Coupon,
    Instrument,
    Kind,
    Ledger,
    Move,
    Moved,
    Organization,
    Purse,
    Refusal,
    StoredCard,
)
from budgetd.sandbox.semantics import (
    CheckOrder,
    KeyMemory,
    RecordName,
    ReturnedCoupon,
    Semantics,
)

CHINA = timezone(timedelta(hours=8))
NORMAL = 1
CLOSED = 4
NO_RELATION = (
    "No normal master-member relation: same legal entity and an independent member needed."
)


class _Line(NamedTuple):
    """What a change record is made of."""

    owner: Account
    move: Move
    trade_type: str
    amount: int
    account_name: str | None


class Book:
    """Accounts, organizations and everything that happened between them."""

    def __init__(
        self,
        *,
        master: Account,
        organizations: tuple[Organization, ...],
        accounts: tuple[Account, ...],
        semantics: Semantics | None = None,
    ) -> None:
        self.semantics = semantics or Semantics()
        self.master = master
        self.organizations = organizations
        self.accounts = {account.id: account for account in accounts}
        self.cards: tuple[StoredCard, ...] = ()
        self.records: list[ChangeRecord] = []
        self.moves: list[Moved] = []
        self.keys: dict[str, datetime] = {}
        self.busy_until: datetime | None = None
        self.spent = dict.fromkeys(Instrument, 0)
        self.multi_project_open = False
        self.serial = 0
        self.funded = {kind: self._held(kind, self.everyone()) for kind in Instrument}

    def everyone(self) -> tuple[Account, ...]:
        """The master first, then every member."""
        return (self.master, *self.accounts.values())

    def move(self, move: Move, now: datetime) -> Moved:
        """Carries out one movement, whole or not at all.

        Raises `Refusal` with the documented code; a refused movement changed nothing but,
        where the semantics say so, the memory of its key.
        """
        key_first = self.semantics.order is CheckOrder.KEY_FIRST
        if key_first:
            self._refuse_known_key(move, now)
        if self.busy_until is not None and now < self.busy_until and not move.by_hand:
            raise Refusal(400, "CBC.99007461", "You have an unfinished allocation or reclaim task.")
        if self.semantics.keys is KeyMemory.ON_RECEIPT and key_first:
            self._remember(move, now)
        member = self.associated(move.customer_id)
        amount = self._checked(move, member, now)
        if not key_first:
            self._refuse_known_key(move, now)
        if self.semantics.keys is not KeyMemory.NEVER:
            self._remember(move, now)
        if self.semantics.busy_s and not move.by_hand:
            self.busy_until = now + timedelta(seconds=self.semantics.busy_s)
        return self._carry_out(move, member, amount, now)

    def associated(self, customer_id: str) -> Account:
        """The independent member of that id, as a movement or a query needs it."""
        account = self.accounts.get(customer_id)
        if account is None:
            raise Refusal(400, "CBC.99000047", "The account does not exist.")
        if account.custody or account.status == CLOSED:
            raise Refusal(400, "CBC.99000086", NO_RELATION)
        return account

    def spend(self, account_id: str, amount: int, now: datetime) -> int:
        """Consumption: drains a member's cash, then its own money; the rest becomes debt.

        Returns what was really paid.
        """
        account = self.accounts[account_id]
        from_cash = min(amount, account.cash.amount)
        from_own = min(amount - from_cash, account.own_cash.amount)
        account.cash.change(-from_cash, now)
        account.own_cash.change(-from_own, now)
        account.debt += amount - from_cash - from_own
        self.spent[Instrument.CASH] += from_cash + from_own
        day = now.astimezone(CHINA).date()
        account.charges.append(Charge(day, "hws.service.type.ec2", from_cash + from_own, 0, 0))
        return from_cash + from_own

    def fund(self, account_id: str, amount: int, now: datetime) -> None:
        """Fresh money from outside, paid in by the account itself (the master's too)."""
        if account_id == self.master.id:
            self.master.cash.change(amount, now)
            paid = Move(kind=Kind.ALLOCATE, customer_id=account_id, instrument=Instrument.CASH)
            self._record(_Line(self.master, paid, "RECHARGE", amount, self.master.name), now)
        else:
            self.accounts[account_id].own_cash.change(amount, now)
        self.funded[Instrument.CASH] += amount

    def hold_busy(self, until: datetime) -> None:
        """A movement is still being worked on until then: the next one is told to wait."""
        if self.busy_until is None or until > self.busy_until:
            self.busy_until = until

    def visible_records(self, owner_id: str, now: datetime) -> list[ChangeRecord]:
        """The owner's records that have appeared by now, newest first."""
        newest = now - timedelta(seconds=self.semantics.record_lag_s)
        return [r for r in reversed(self.records) if r.owner_id == owner_id and r.at <= newest]

    def next_serial(self) -> int:
        """A number never given before, for ids the provider makes."""
        self.serial += 1
        return self.serial

    def conservation(self) -> tuple[Conservation, ...]:
        """For each instrument: put in, held by whom, spent."""
        return tuple(
            Conservation(
                instrument=kind,
                funded=self.funded[kind],
                master=self._held(kind, (self.master,)),
                members=self._held(kind, tuple(self.accounts.values())),
                spent=self.spent[kind],
            )
            for kind in Instrument
        )

    @staticmethod
    def _held(kind: Instrument, accounts: tuple[Account, ...]) -> int:
        if kind is Instrument.CASH:
            return sum(a.cash.amount + a.own_cash.amount for a in accounts)
        if kind is Instrument.CREDIT:
            ledgers = chain.from_iterable(a.ledgers.values() for a in accounts)
            return sum(ledger.purse.amount for ledger in ledgers)
        coupons = chain.from_iterable(a.coupons.values() for a in accounts)
        return sum(coupon.purse.amount for coupon in coupons)

    def _key(self, move: Move) -> str | None:
        if not move.key:
            return None
        return move.key if self.semantics.keys_shared else f"{move.kind}:{move.key}"

    def _refuse_known_key(self, move: Move, now: datetime) -> None:
        seen_at = self.keys.get(self._key(move) or "")
        kept_s = self.semantics.keys_kept_s
        if seen_at is None or (kept_s is not None and now - seen_at >= timedelta(seconds=kept_s)):
            return
        raise Refusal(400, "CBC.99007009", "The transaction ID is duplicated.")

    def _remember(self, move: Move, now: datetime) -> None:
        key = self._key(move)
        if key is not None:
            self.keys[key] = now

    def _checked(self, move: Move, member: Account, now: datetime) -> int:
        """The amount that would move; raises `Refusal` where the business checks fail."""
        if member.status != NORMAL:
            raise Refusal(400, "CBC.99000043", "Allocation or reclaim failed.")
        if move.kind is Kind.TAKE_BACK:
            return self._child(move, member, now).purse.amount
        if move.amount is None or move.amount <= 0:
            raise Refusal(400, "CBC.0100", "Parameter error: amount.")
        if move.instrument is Instrument.CREDIT and member.credit_check_items:
            message = "The service operation does not meet the service check item requirement."
            raise Refusal(400, "CBC.99007004", message, member.credit_check_items)
        if move.amount > self._available(move, member, now):
            raise Refusal(400, "CBC.99005003", "Insufficient balance.")
        return move.amount

    def _available(self, move: Move, member: Account, now: datetime) -> int:
        source = member if move.kind is Kind.RECLAIM else self.master
        if move.kind is Kind.GRANT:
            return self._master_coupon(move, now).purse.amount
        if move.instrument is Instrument.CASH:
            return max(0, source.cash.amount - source.over_invoiced)
        ledger = source.ledgers.get(move.ledger)
        if ledger is None:
            raise Refusal(400, "CBC.0100", "Parameter error: expire_time names no ledger.")
        if ledger.expire_time is not None and ledger.expire_time <= now:
            raise Refusal(400, "CBC.99007181", "The validity period of the credit has expired.")
        return ledger.purse.amount

    def _master_coupon(self, move: Move, now: datetime) -> Coupon:
        coupon = self.master.coupons.get(move.coupon_id or "")
        if coupon is None or not coupon.effective_time <= now < coupon.expire_time:
            raise Refusal(400, "CBC.99000043", "Allocation or reclaim failed.")
        return coupon

    @staticmethod
    def _child(move: Move, member: Account, now: datetime) -> Coupon:
        coupon = member.coupons.get(move.sub_coupon_id or "")
        if coupon is None or coupon.source_id is None or coupon.source_id != move.coupon_id:
            raise Refusal(400, "CBC.99000043", "Allocation or reclaim failed.")
        if coupon.purse.amount == 0 or coupon.expire_time <= now:
            raise Refusal(400, "CBC.99005003", "Insufficient balance.")
        return coupon

    def _carry_out(self, move: Move, member: Account, amount: int, now: datetime) -> Moved:
        sub_coupon_id = None
        if move.kind is Kind.GRANT:
            sub_coupon_id = self._grant(move, member, amount, now)
        elif move.kind is Kind.TAKE_BACK:
            self._take_back(move, member, now)
        elif move.instrument is Instrument.CASH:
            self._move_cash(move, member, amount, now)
        else:
            self._move_credit(move, member, amount, now)
        moved = Moved(
            serial=self.next_serial(),
            move=move,
            amount=amount,
            at=now,
            sub_coupon_id=sub_coupon_id,
        )
        self.moves.append(moved)
        return moved

    def _move_cash(self, move: Move, member: Account, amount: int, now: datetime) -> None:
        out = amount if move.kind is Kind.ALLOCATE else -amount
        self.master.cash.change(-out, now)
        member.cash.change(out, now)
        self._record_both(move, member, out, now)
        settled = min(member.debt, member.cash.amount) if out > 0 else 0
        if settled:
            # Money that reaches an account in arrears pays them first, so a reading may not rise.
            member.debt -= settled
            member.cash.change(-settled, now)
            self.spent[Instrument.CASH] += settled

    def _move_credit(self, move: Move, member: Account, amount: int, now: datetime) -> None:
        out = amount if move.kind is Kind.ALLOCATE else -amount
        theirs = member.ledgers.get(move.ledger)
        if theirs is None:
            theirs = Ledger(expire_time=move.ledger, limit=0, purse=Purse())
            member.ledgers[move.ledger] = theirs
        ours = self.master.ledgers.get(move.ledger)
        if ours is None:
            ours = Ledger(expire_time=move.ledger, limit=0, purse=Purse())
            self.master.ledgers[move.ledger] = ours
        ours.purse.change(-out, now)
        theirs.purse.change(out, now)
        theirs.limit = max(0, theirs.limit + out)
        self._record_both(move, member, out, now)

    def _grant(self, move: Move, member: Account, amount: int, now: datetime) -> str:
        coupon = self._master_coupon(move, now)
        child_id = f"CP{now:%y%m%d}{self.next_serial():08d}A1"
        coupon.purse.change(-amount, now)
        child = Coupon(
            id=child_id,
            plan_name=coupon.plan_name,
            plan_id=coupon.plan_id,
            face_value=amount,
            purse=Purse(),
            effective_time=coupon.effective_time,
            expire_time=coupon.expire_time,
            source_id=coupon.id,
            use_limits=coupon.use_limits,
            created_at=now,
        )
        child.purse.change(amount, now)
        member.coupons[child_id] = child
        self._record_both(move, member, amount, now)
        return child_id

    def _take_back(self, move: Move, member: Account, now: datetime) -> None:
        child = self._child(move, member, now)
        amount = child.purse.amount
        child.purse.change(-amount, now)
        child.reclaimed = True
        source = self.master.coupons.get(child.source_id or "")
        if source is None or self.semantics.returned_coupon is ReturnedCoupon.NEW:
            source = Coupon(
                id=f"CP{now:%y%m%d}{self.next_serial():08d}M1",
                plan_name=child.plan_name,
                plan_id=child.plan_id,
                face_value=amount,
                purse=Purse(),
                effective_time=child.effective_time,
                expire_time=child.expire_time,
                use_limits=child.use_limits,
                created_at=now,
            )
            self.master.coupons[source.id] = source
        source.purse.change(amount, now)
        self._record_both(move, member, -amount, now)

    def _record_both(self, move: Move, member: Account, out: int, now: datetime) -> None:
        """Two lines for one movement: the master's and the member's own."""
        if move.instrument is Instrument.COUPON:
            trade = "COUPONADJUST" if out > 0 else "COUPONCANCEL"
        else:
            trade = "BEADJUST" if out > 0 else "BERETRIEVE"
        names = {
            RecordName.NOBODY: None,
            RecordName.MASTER: self.master.name,
            RecordName.MEMBER: member.name,
        }
        name = names[self.semantics.record_name]
        self._record(_Line(self.master, move, trade, -out, name), now)
        self._record(_Line(member, move, trade, out, member.name), now)

    def _record(self, line: _Line, now: datetime) -> None:
        outgoing = line.amount < 0 if line.owner is self.master else line.amount > 0
        detail = "SOURCE_OPERATION_TRANSFER" if outgoing else "SOURCE_OPERATION_RETRIEVE"
        if line.trade_type == "RECHARGE":
            detail = "SOURCE_OPERATION_RECHARGE"
        serial = self.next_serial()
        record = ChangeRecord(
            serial=serial,
            owner_id=line.owner.id,
            instrument=line.move.instrument,
            trade_type=line.trade_type,
            trade_detail_type=detail,
            at=now,
            amount=line.amount,
            balance_after=_balance(line.owner, line.move),
            account_name=line.account_name,
            coupon_id=line.move.coupon_id,
        )
        self.records.append(record)


def _balance(owner: Account, move: Move) -> int:
    if move.instrument is Instrument.CASH:
        return owner.cash.amount + owner.own_cash.amount
    if move.instrument is Instrument.CREDIT:
        ledger = owner.ledgers.get(move.ledger)
        return ledger.purse.amount if ledger else 0
    coupon = owner.coupons.get(move.coupon_id or "")
    children = [c for c in owner.coupons.values() if c.source_id == move.coupon_id]
    return coupon.purse.amount if coupon else sum(c.purse.amount for c in children)
