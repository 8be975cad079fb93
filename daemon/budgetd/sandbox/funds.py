"""Amounts and coupons: what can be moved, and moving it (pages ep_00016 to 19, ep_00024 to 27).

It may not change an account by itself; the book moves.
"""

from datetime import datetime

from budgetd.core.money import format_amount, from_minor
from budgetd.sandbox.nouns import Account, Coupon, Instrument, Kind, Move, UseLimit
from budgetd.sandbox.wire import Answer, Call, instant_text, parameter_error

BALANCE_TYPES = (Instrument.CASH.value, Instrument.CREDIT.value)
MEASURE_YUAN = 1
CURRENCY = "CNY"


def show_transfer_amount(call: Call) -> Answer:
    """GET transfer-amount: what the master may still allocate."""
    call.must_be_master()
    return _amounts(call, call.book.master, "avail_transfer_amount")


def list_retrieve_amount(call: Call) -> Answer:
    """GET retrieve-amount: what the master may take back from one member."""
    call.must_be_master()
    member_id = call.fields.required_text("sub_customer_id")
    call.fields.required_choice("balance_type", BALANCE_TYPES)
    return _amounts(call, call.book.associated(member_id), "avail_retrieve_amount")


def _amounts(call: Call, account: Account, name: str) -> Answer:
    balance_type = call.fields.required_choice("balance_type", BALANCE_TYPES)
    page = call.fields.page()
    rows: list[dict[str, object]]
    if balance_type == Instrument.CASH:
        minor = max(0, account.cash.as_of(call.read_at) - account.over_invoiced)
        rows = [_amount_row(name, minor)]
        return Answer(content={"total_count": 1, "amount_infos": rows})
    rows = []
    for ledger in account.ledgers.values():
        row = _amount_row(name, ledger.purse.as_of(call.read_at))
        row["amount"] = from_minor(ledger.purse.as_of(call.read_at) + ledger.held)
        row["credit_amount"] = from_minor(ledger.limit)
        row["expire_time"] = instant_text(ledger.expire_time)
        rows.append(row)
    return Answer(content={"total_count": len(rows), "amount_infos": page.of(rows)})


def _amount_row(name: str, minor: int) -> dict[str, object]:
    return {
        name: from_minor(minor),
        "measure_id": MEASURE_YUAN,
        "currency": CURRENCY,
        "amount": None,
        "credit_amount": None,
        "expire_time": None,
    }


def transfer_amount(call: Call) -> Answer:
    """POST transfer-amount: allocate; 204 with nothing in it."""
    return _move_amount(call, Kind.ALLOCATE)


def retrieve_amount(call: Call) -> Answer:
    """POST retrieve-amount: reclaim; 204 with nothing in it."""
    return _move_amount(call, Kind.RECLAIM)


def _move_amount(call: Call, kind: Kind) -> Answer:
    call.must_be_master()
    fields = call.fields
    customer_id = fields.required_text("customer_id")
    amount = fields.amount("amount", call.book.semantics.third_decimal)
    key = fields.text("trans_id", longest=32, blank=True)
    instrument = Instrument(fields.choice("balance_type", BALANCE_TYPES, BALANCE_TYPES[0]) or "")
    ledger = _ledger_of(call, kind, customer_id) if instrument is Instrument.CREDIT else None
    move = Move(
        kind=kind,
        customer_id=customer_id,
        instrument=instrument,
        amount=amount,
        key=key,
        ledger=ledger,
    )
    call.book.move(move, call.now)
    return Answer(status=204)


def _ledger_of(call: Call, kind: Kind, customer_id: str) -> datetime | None:
    """The ledger a CREDIT move names: an expiring one by its instant, "" is never right."""
    ledger = call.fields.instant("expire_time")
    member = call.book.accounts.get(customer_id)
    source = call.book.master if kind is Kind.ALLOCATE else member
    if ledger is None and source is not None and source.ledgers and None not in source.ledgers:
        raise parameter_error("expire_time", "is required for a ledger that expires")
    return ledger


def list_transfer_coupons(call: Call) -> Answer:
    """GET transfer-coupons: the master's coupons of which something can be granted."""
    call.must_be_master()
    page = call.fields.page()
    rows = [_coupon_row(c, call) for c in call.book.master.coupons.values() if _is_open(c, call)]
    return Answer(content={"total_count": len(rows), "avail_transfer_coupons": page.of(rows)})


def list_retrieve_coupons(call: Call) -> Answer:
    """GET retrieve-coupons: the child coupons that can be taken back from one member."""
    call.must_be_master()
    member = call.book.associated(call.fields.required_text("sub_customer_id"))
    page = call.fields.page()
    rows = []
    for coupon in member.coupons.values():
        if coupon.source_id is not None and _is_open(coupon, call):
            row = _coupon_row(coupon, call)
            rows.append(row | {"coupon_id": coupon.source_id, "sub_coupon_id": coupon.id})
    return Answer(content={"total_count": len(rows), "avail_retrieve_coupons": page.of(rows)})


def _is_open(coupon: Coupon, call: Call) -> bool:
    lives = coupon.effective_time <= call.now < coupon.expire_time
    return lives and coupon.purse.as_of(call.read_at) > 0


def _coupon_row(coupon: Coupon, call: Call) -> dict[str, object]:
    return {
        "coupon_id": coupon.id,
        "plan_name": coupon.plan_name,
        "balance": format_amount(from_minor(coupon.purse.as_of(call.read_at))),
        "effective_time": instant_text(coupon.effective_time),
        "expire_time": instant_text(coupon.expire_time),
        "use_limits": [use_limit_row(limit, coupon.plan_id) for limit in coupon.use_limits],
    }


def use_limit_row(limit: UseLimit, plan_id: str) -> dict[str, object]:
    """A condition of use; `use_limiti_info_id` is misspelt by the provider."""
    return {
        "use_limiti_info_id": limit.info_id,
        "limit_key": limit.limit_key,
        "value1": limit.value1,
        "value2": None,
        "value_unit": None,
        "limit_type": "=",
        "promotion_plan_id": plan_id,
    }


def transfer_coupon(call: Call) -> Answer:
    """POST transfer-coupon: grants a part of a coupon; names the child that this made."""
    call.must_be_master()
    fields = call.fields
    move = Move(
        kind=Kind.GRANT,
        customer_id=fields.required_text("customer_id"),
        instrument=Instrument.COUPON,
        coupon_id=fields.required_text("coupon_id"),
        amount=fields.amount("amount", call.book.semantics.third_decimal),
        key=fields.text("trans_id", longest=32, blank=True),
    )
    moved = call.book.move(move, call.now)
    return Answer(content={"sub_coupon_id": moved.sub_coupon_id})


def retrieve_coupon(call: Call) -> Answer:
    """POST retrieve-coupon: takes a child's whole remainder; `real_retrieve_amout` is theirs."""
    call.must_be_master()
    fields = call.fields
    move = Move(
        kind=Kind.TAKE_BACK,
        customer_id=fields.required_text("customer_id"),
        instrument=Instrument.COUPON,
        coupon_id=fields.required_text("coupon_id"),
        sub_coupon_id=fields.required_text("sub_coupon_id"),
        key=fields.text("trans_id", longest=32, blank=True),
    )
    moved = call.book.move(move, call.now)
    return Answer(content={"real_retrieve_amout": format_amount(from_minor(moved.amount))})
