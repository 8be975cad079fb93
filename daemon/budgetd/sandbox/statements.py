"""The caller's own statements: balances (mac_00001), change records (mac_00003), coupons, cards.

It may not change anything, nor show one account the statement of another.
"""

from datetime import date, timedelta

from budgetd.core.money import format_amount, from_minor
from budgetd.sandbox.funds import BALANCE_TYPES, CURRENCY, MEASURE_YUAN, use_limit_row
from budgetd.sandbox.nouns import Account, ChangeRecord, Coupon, Instrument, Refusal
from budgetd.sandbox.wire import (
    Answer,
    Call,
    china_day,
    cycle_text,
    instant_text,
    parameter_error,
)

MONEY_TRADES = (
    "RECHARGE",
    "DEDEUCT",
    "REFUND",
    "RFROZEN",
    "TRANS",
    "ADJUST",
    "BEADJUST",
    "BERETRIEVE",
    "BEUNBIND",
    "EXPIRED",
    "BONUSCONVERT",
    "TRADE_MODE_TRANSFER",
    "DEPOSIT",
)
COUPON_TRADES = (
    "ADJUST",
    "DEDEUCT",
    "REFUND",
    "RFROZEN",
    "EXPIRED",
    "COUPONADJUST",
    "COUPONCANCEL",
)
WAYS = ("REVENUE", "EXPENSE")
YEAR = timedelta(days=366)


def _owner(call: Call) -> Account:
    book = call.book
    return book.master if call.caller == book.master.id else book.accounts[call.caller]


def show_balances(call: Call) -> Answer:
    """GET balances: the caller's own, and what it owes."""
    owner = _owner(call)
    cash = owner.cash.as_of(call.read_at) + owner.own_cash.as_of(call.read_at)
    rows = [_balance_row(owner, 1, cash, 0)]
    if owner.ledgers:
        ledgers = owner.ledgers.values()
        credit = sum(ledger.purse.as_of(call.read_at) + ledger.held for ledger in ledgers)
        rows.append(_balance_row(owner, 2, credit, sum(ledger.limit for ledger in ledgers)))
    content = {
        "account_balances": rows,
        "debt_amount": from_minor(owner.debt),
        "measure_id": MEASURE_YUAN,
        "currency": CURRENCY,
    }
    return Answer(content=content)


def _balance_row(owner: Account, account_type: int, amount: int, limit: int) -> dict[str, object]:
    return {
        "account_id": f"AT{owner.id[:12].upper()}{account_type:02d}",
        "account_type": account_type,
        "amount": from_minor(amount),
        "currency": CURRENCY,
        "designated_amount": from_minor(0),
        "credit_amount": from_minor(limit),
        "measure_id": MEASURE_YUAN,
    }


def list_money_records(call: Call) -> Answer:
    """GET account-change-records: the caller's own book of cash or credit, newest first."""
    fields = call.fields
    instrument = Instrument(fields.required_choice("balance_type", BALANCE_TYPES))
    fields.text("payment_channel_id", blank=True)
    fields.text("payment_channel_no", blank=True)
    chosen = _records(call, instrument, MONEY_TRADES)
    rows = [_money_row(record) for record in fields.page().of(chosen)]
    return Answer(content={"total_count": len(chosen), "currency": CURRENCY, "records": rows})


def _money_row(record: ChangeRecord) -> dict[str, object]:
    row = _record_row(record)
    return row | {
        "account_change_id": f"AC{record.serial:016d}",
        "payment_channel_id": "0",
        "payment_channel_no": None,
        "consume_time": None,
    }


def _record_row(record: ChangeRecord) -> dict[str, object]:
    return {
        "trade_detail_type": record.trade_detail_type,
        "trade_time": instant_text(record.at),
        "trade_id": _trade_id(record),
        "change_amount": format_amount(from_minor(record.amount)),
        "balance_after_change": format_amount(from_minor(record.balance_after)),
        "revenue_expense_type": _way(record),
        "bill_cycle": cycle_text(record.at),
        "account_name": record.account_name,
        "cloud_service_type_name": None,
        "resource_type_name": None,
    }


def _trade_id(record: ChangeRecord) -> str:
    return f"TR{record.at:%y%m%d}{record.serial:012d}"


def _way(record: ChangeRecord) -> str:
    return "EXPENSE" if record.amount < 0 else "REVENUE"


def _records(call: Call, instrument: Instrument, trades: tuple[str, ...]) -> list[ChangeRecord]:
    fields = call.fields
    way = fields.choice("revenue_expense_type", WAYS)
    trade_type = fields.choice("trade_type", trades)
    trade_id = fields.text("trade_id", longest=128)
    begin, end = _span(call)
    return [
        record
        for record in call.book.visible_records(call.caller, call.now)
        if record.instrument is instrument
        and way in (None, _way(record))
        and trade_type in (None, record.trade_type)
        and trade_id in (None, _trade_id(record))
        and begin <= china_day(record.at) <= end
    ]


def _span(call: Call) -> tuple[date, date]:
    end = call.fields.day("trade_time_end") or china_day(call.now)
    begin = call.fields.day("trade_time_begin") or end - YEAR
    if begin > end or end - begin > YEAR:
        raise parameter_error("trade_time_begin", "must be at most one year before the end")
    return begin, end


def list_coupon_records(call: Call) -> Answer:
    """GET benefits/account-change-records: what happened to the caller's coupons."""
    fields = call.fields
    fields.required_choice("balance_type", (Instrument.COUPON.value,))
    coupon_id = fields.text("coupon_id")
    chosen = _records(call, Instrument.COUPON, COUPON_TRADES)
    chosen = [record for record in chosen if coupon_id in (None, record.coupon_id)]
    rows = [
        {"coupon_id": record.coupon_id} | _record_row(record) for record in fields.page().of(chosen)
    ]
    return Answer(content={"total_count": len(chosen), "currency": CURRENCY, "records": rows})


def list_coupons(call: Call) -> Answer:
    """GET benefits/coupons: the caller's own; the only list whose total is called `count`."""
    fields = call.fields
    status = fields.whole("status", 1, 5)
    coupon_type = fields.whole("coupon_type", 1, 4)
    coupon_id = fields.text("coupon_id")
    plan_id = fields.text("promotion_plan_id")
    source_id = fields.text("source_id", longest=255)
    fields.text("order_id")
    fields.instant("active_start_time")
    fields.instant("active_end_time")
    if fields.text("indirect_partner_id") is not None:
        raise Refusal(403, "CBC.0151", "Access denied.")
    owner = _owner(call)
    chosen = [
        coupon
        for coupon in owner.coupons.values()
        if coupon_id in (None, coupon.id)
        and plan_id in (None, coupon.plan_id)
        and source_id in (None, coupon.source_id)
        and coupon_type in (None, 1)
        and status in (None, _coupon_status(coupon, call))
    ]
    rows = [_own_coupon_row(coupon, owner, call) for coupon in fields.page().of(chosen)]
    return Answer(content={"count": len(chosen), "user_coupons": rows})


def _coupon_status(coupon: Coupon, call: Call) -> int:
    if coupon.reclaimed:
        return 5
    if coupon.expire_time <= call.now:
        return 4
    if coupon.purse.as_of(call.read_at) == 0:
        return 3
    return 2 if coupon.effective_time <= call.now else 1


def _own_coupon_row(coupon: Coupon, owner: Account, call: Call) -> dict[str, object]:
    return {
        "coupon_id": coupon.id,
        "coupon_code": f"SB-{coupon.id}",
        "status": _coupon_status(coupon, call),
        "customer_id": owner.id,
        "coupon_type": 1,
        "measure_id": MEASURE_YUAN,
        "face_value": from_minor(coupon.face_value),
        "valid_time": instant_text(coupon.effective_time),
        "expire_time": instant_text(coupon.expire_time),
        "order_id": None,
        "promotion_plan_id": coupon.plan_id,
        "plan_name": coupon.plan_name,
        "plan_desc": None,
        "media_type": 1,
        "fetch_method": 2,
        "use_limits": [use_limit_row(limit, coupon.plan_id) for limit in coupon.use_limits],
        "active_time": instant_text(coupon.created_at),
        "reserve_time": None,
        "promotion_id": None,
        "create_time": instant_text(coupon.created_at),
        "coupon_version": 2,
        "balance": from_minor(coupon.purse.as_of(call.read_at)),
        "lock_order_id": None,
        "coupon_usage": None,
        "is_frozen": "0",
        "currency": CURRENCY,
        "extend_param1": None,
        "source_id": coupon.source_id,
    }


def list_stored_value_cards(call: Call) -> Answer:
    """GET stored-value-cards: 1 usable, 2 used up; only the master has any here."""
    fields = call.fields
    status = fields.whole("status", 1, 2)
    if status is None:
        raise parameter_error("status", "is required")
    card_id = fields.text("card_id")
    cards = call.book.cards if call.caller == call.book.master.id else ()
    chosen = [
        card
        for card in cards
        if status == (1 if card.balance else 2) and card_id in (None, card.id)
    ]
    rows = [
        {
            "card_id": card.id,
            "card_name": card.name,
            "status": status,
            "face_value": format_amount(from_minor(card.face_value)),
            "balance": format_amount(from_minor(card.balance)),
            "effective_time": instant_text(card.effective_time),
            "expire_time": instant_text(card.expire_time),
        }
        for card in fields.page().of(chosen)
    ]
    return Answer(content={"total_count": len(chosen), "stored_value_cards": rows})
