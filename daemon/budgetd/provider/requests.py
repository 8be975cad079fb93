"""What each API may be asked: the documented fields with their ranges, one tuple per API.

Tables alone. It may not know how a call is made, nor what comes back.
"""

from budgetd.provider.fields import (
    DAY,
    DAY_OR_MONTH,
    DIGITS,
    INSTANT,
    KEY,
    MONTH,
    Field,
    Kind,
)

_LARGEST_OFFSET = 2**31 - 1


def _text(name: str, highest: int = 64, *, pattern: str = "", lowest: int = 1) -> Field:
    return Field(name=name, highest=highest, lowest=lowest, pattern=pattern)


def _need(name: str, highest: int = 64, *, pattern: str = "") -> Field:
    return Field(name=name, highest=highest, pattern=pattern, is_required=True)


def _choice(name: str, *allowed: str | int, is_required: bool = False) -> Field:
    if isinstance(allowed[0], int):
        return _number(name, allowed=allowed, is_required=is_required)
    return Field(name=name, allowed=allowed, is_required=is_required)


def _number(
    name: str,
    highest: int = _LARGEST_OFFSET,
    *,
    lowest: int = 0,
    allowed: tuple[str | int, ...] = (),
    is_required: bool = False,
) -> Field:
    return Field(
        name=name,
        kind=Kind.INTEGER,
        lowest=lowest,
        highest=highest,
        allowed=allowed,
        is_required=is_required,
    )


def _page(largest: int, furthest: int = _LARGEST_OFFSET) -> tuple[Field, ...]:
    return (_number("offset", furthest), _number("limit", largest, lowest=1))


def _boolean(name: str) -> Field:
    return Field(name=name, kind=Kind.BOOLEAN)


PAGE = _page(100)
_BALANCE = _choice("balance_type", "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT", is_required=True)
_FLOW = _choice("revenue_expense_type", "REVENUE", "EXPENSE")
_DAYS = (_text("trade_time_begin", 10, pattern=DAY), _text("trade_time_end", 10, pattern=DAY))
_WHOSE = (_choice("method", "oneself", "sub_customer", "all"), _text("sub_customer_id"))

ORGANIZATIONS = (
    _choice("recursive_query", 0, 1),
    _text("parent_id", 20, pattern=DIGITS),
)
MEMBERS = (
    _text("sub_customer_account_name", lowest=0),
    _text("sub_customer_display_name", lowest=0),
    _choice("fuzzy_query", 0, 1),
    *PAGE,
    _text("org_id", 20),
)
CREATE_MEMBER = (
    _need("party_id", 20),
    _text("display_name", lowest=0),
    _choice("sub_customer_association_type", 1, is_required=True),
    Field(
        name="permission_ids",
        kind=Kind.TEXTS,
        lowest=0,
        highest=6,
        allowed=(
            "READ_FINANCE_INFO",
            "READ_CONSUME_BILL",
            "SUBSTITUTE-OPEN-INVOICE",
            "TAKE-OVER-OPEN-INVOICE",
            "SHARE-CREDIT-TO-SUB",
            "SHARE-BIZ-DISCOUNT-TO-SUB",
        ),
    ),
    _choice("financial_custody", 0, 1),
    Field(
        name="new_sub_customer",
        kind=Kind.OBJECT,
        is_required=True,
        fields=(
            _need("customer_name", 32),
            Field(name="password", lowest=8, highest=32, is_required=True, is_secret=True),
            _text("mobile_phone", 20),
            _choice("use_pri_mobile_phone", "Y", "N"),
            Field(name="verification_code", highest=6, is_secret=True),
        ),
    ),
)
SEND_CODE = (
    _need("mobile_phone", 20),
    _number("timeout", 100, lowest=1),
    _choice("language", "zh-cn", "en-us"),
    Field(
        name="sm_template_args",
        kind=Kind.OBJECTS,
        lowest=0,
        highest=6,
        is_required=True,
        fields=(_choice("key", "sub_customer_name", is_required=True), _need("value", 255)),
    ),
)
MASTER_AMOUNT = (_BALANCE, *PAGE)
MEMBER_AMOUNT = (_need("sub_customer_id"), _BALANCE, *PAGE)
MOVE_AMOUNT = (
    _need("customer_id"),
    Field(name="amount", kind=Kind.AMOUNT, is_required=True),
    _need("trans_id", 32, pattern=KEY),
    _BALANCE,
    _text("expire_time", 20, pattern=INSTANT),
)
MEMBER_COUPONS = (_need("sub_customer_id"), *PAGE)
GRANT_COUPON = (
    _need("customer_id"),
    _need("coupon_id"),
    Field(name="amount", kind=Kind.AMOUNT, is_required=True),
    _need("trans_id", 32, pattern=KEY),
)
RECLAIM_COUPON = (
    _need("customer_id"),
    _need("coupon_id"),
    _need("sub_coupon_id"),
    _need("trans_id", 32, pattern=KEY),
)
MONEY_CHANGES = (
    _BALANCE,
    _FLOW,
    _choice(
        "trade_type",
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
    ),
    *_DAYS,
    _text("trade_id", 128),
    _text("payment_channel_id"),
    _text("payment_channel_no"),
    *PAGE,
)
COUPON_CHANGES = (
    _choice("balance_type", "BALANCE_TYPE_COUPON", is_required=True),
    _FLOW,
    _choice(
        "trade_type",
        "ADJUST",
        "DEDEUCT",
        "REFUND",
        "RFROZEN",
        "EXPIRED",
        "COUPONADJUST",
        "COUPONCANCEL",
    ),
    _text("trade_id", 128),
    *_DAYS,
    _text("coupon_id"),
    *PAGE,
)
OWN_COUPONS = (
    _text("coupon_id"),
    _text("order_id"),
    _text("promotion_plan_id"),
    _choice("coupon_type", 1, 2, 3, 4),
    _choice("status", 1, 2, 3, 4, 5),
    _text("active_start_time", 20, pattern=INSTANT),
    _text("active_end_time", 20, pattern=INSTANT),
    *PAGE,
    _text("source_id", 255),
    _text("indirect_partner_id"),
)
STORED_VALUE_CARDS = (_choice("status", 1, 2, is_required=True), _text("card_id"), *PAGE)
MONTHLY_SUM = (
    _need("bill_cycle", 8, pattern=MONTH),
    _text("service_type_code"),
    _text("enterprise_project_id"),
    *_page(1000),
    *_WHOSE,
)
FEE_RECORDS = (
    _need("bill_cycle", 8, pattern=MONTH),
    _choice("provider_type", 1, 2),
    _text("service_type_code"),
    _text("resource_type_code"),
    _text("region_code"),
    _choice("charging_mode", 1, 3, 10, 11),
    _number("bill_type", 200),
    _text("trade_id", 128),
    _text("enterprise_project_id"),
    _boolean("include_zero_record"),
    _choice("status", 1, 2, 3),
    *_WHOSE,
    *_page(1000),
    _text("bill_date_begin", 10, pattern=DAY),
    _text("bill_date_end", 10, pattern=DAY),
)
RESOURCE_FEE_RECORDS = (
    _need("cycle", 8, pattern=MONTH),
    _text("cloud_service_type"),
    _text("region"),
    _text("charge_mode"),
    _number("bill_type", 200),
    *_page(1000),
    _text("resource_id", 128),
    _text("enterprise_project_id"),
    _boolean("include_zero_record"),
    *_WHOSE,
    _text("trade_id", 128),
    _text("bill_date_begin", 10, pattern=DAY),
    _text("bill_date_end", 10, pattern=DAY),
    _choice("statistic_type", 1, 2, 3),
)
RESOURCE_DETAILS = (
    _need("cycle", 8, pattern=MONTH),
    _text("cloud_service_type"),
    _text("resource_type"),
    _text("region"),
    _text("res_instance_id", 128),
    _number("charge_mode", 200),
    _number("bill_type", 200),
    _text("enterprise_project_id"),
    _boolean("include_zero_record"),
    *_page(1000),
    *_WHOSE,
    _choice("statistic_type", 1, 2, 3),
    _choice("query_type", "BILLCYCLE", "DAILY"),
    _text("bill_cycle_begin", 10, pattern=DAY_OR_MONTH),
    _text("bill_cycle_end", 10, pattern=DAY_OR_MONTH),
    _text("payer_account_id"),
)
MONTHLY_BREAKDOWN = (
    _need("shared_month", 8, pattern=MONTH),
    _text("service_type_code"),
    _text("resource_type_code"),
    _text("region_code"),
    _number("charging_mode", 200),
    _number("bill_type", 200),
    *_page(1000),
    _text("resource_id", 128),
    _text("resource_name", 256),
    _text("enterprise_project_id"),
    *_WHOSE,
)
COSTS = (
    Field(
        name="time_condition",
        kind=Kind.OBJECT,
        is_required=True,
        fields=(
            _choice("time_measure_id", 1, 2, is_required=True),
            _need("begin_time", 10, pattern=DAY_OR_MONTH),
            _need("end_time", 10, pattern=DAY_OR_MONTH),
        ),
    ),
    Field(
        name="groupby",
        kind=Kind.OBJECTS,
        lowest=1,
        highest=3,
        is_required=True,
        fields=(
            _choice("type", "dimension", "tag", "cost_unit", is_required=True),
            _need("key", 128),
        ),
    ),
    _choice("cost_type", "ORIGINAL_COST", "AMORTIZED_COST", is_required=True),
    _choice("amount_type", "PAYMENT_AMOUNT", "NET_AMOUNT", is_required=True),
    *_page(1000, 200_000),
    Field(
        name="filters",
        kind=Kind.OBJECTS,
        lowest=0,
        highest=1024,
        fields=(
            _choice("operator", 0, 1, is_required=True),
            Field(
                name="filter_factor",
                kind=Kind.OBJECT,
                is_required=True,
                fields=(
                    _need("key", 128),
                    Field(name="value", kind=Kind.TEXTS, lowest=1, highest=100, is_required=True),
                ),
            ),
        ),
    ),
)
