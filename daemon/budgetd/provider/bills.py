"""The answers that reports and burn rates need: bills, costs, own coupons and cards.

Figures here have any number of decimals and may be negative (refunds). It may not decide
anything; nothing that moves money rests on these.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from budgetd.provider.wire import (
    Entry,
    Place,
    amount,
    figure,
    figures,
    identifier,
    instant,
    label,
    mapping,
    maybe,
    our_currency,
    record,
    rows,
    standard_measure,
    text,
    texts,
    whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCoupon:
    """One of the caller's own coupons; `balance` is None for single-use ones. `status` is 1
    inactive, 2 usable, 3 used, 4 expired, 5 reclaimed."""

    coupon_id: str
    coupon_code: str
    status: int | None
    coupon_type: int | None
    plan_name: str
    face_value: Decimal | None
    balance: Decimal | None
    valid_at: datetime | None
    expires_at: datetime | None
    is_frozen: bool
    currency: str
    measure_id: int | None


def _lenient_whole(value: Any, place: Place) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
        return int(value)
    return whole(value, place)


def _lenient_figure(value: Any, place: Place) -> Decimal | None:
    return None if value == "" else figure(value, place)


def _lenient_instant(value: Any, place: Place) -> datetime | None:
    return None if value == "" else instant(value, place)


def _lenient_measure(value: Any, place: Place) -> int:
    return standard_measure(_lenient_whole(value, place), place)


def _is_one(value: Any, place: Place) -> bool:
    return label(value, place) == "1"


own_coupon = record(
    OwnCoupon,
    {
        "coupon_id": Entry(identifier),
        **texts("coupon_code", "plan_name"),
        "status": maybe(_lenient_whole),
        "coupon_type": maybe(_lenient_whole),
        "face_value": maybe(_lenient_figure),
        "balance": maybe(_lenient_figure),
        "valid_at": maybe(_lenient_instant, "valid_time"),
        "expires_at": maybe(_lenient_instant, "expire_time"),
        "is_frozen": maybe(_is_one, default=False),
        "currency": maybe(our_currency, default=""),
        "measure_id": maybe(_lenient_measure),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValueCard:
    """One of the caller's own stored-value cards: status 1 usable, 2 used up."""

    card_id: str
    card_name: str
    status: int
    face_value: Decimal
    balance: Decimal
    effective_at: datetime | None
    expires_at: datetime | None


stored_value_card = record(
    StoredValueCard,
    {
        "card_id": Entry(identifier),
        **texts("card_name"),
        "status": Entry(_lenient_whole),
        "face_value": Entry(amount),
        "balance": Entry(amount),
        "effective_at": maybe(_lenient_instant, "effective_time"),
        "expires_at": maybe(_lenient_instant, "expire_time"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlySum:
    """A month of one consumer by service, resource type and charging mode."""

    bill_cycle: str
    customer_id: str
    account_name: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    charging_mode: int | None
    bill_type: int | None
    consume_amount: Decimal
    cash_amount: Decimal | None
    credit_amount: Decimal | None
    coupon_amount: Decimal | None
    debt_amount: Decimal | None
    writeoff_amount: Decimal | None
    measure_id: int | None


_consumer = texts("customer_id", "account_name")
_payment = figures("cash_amount", "credit_amount", "coupon_amount", "debt_amount")
_measure = {"measure_id": maybe(standard_measure)}

monthly_sum = record(
    MonthlySum,
    {
        "bill_cycle": Entry(text),
        **_consumer,
        **texts("service_type_code", "service_type_name"),
        **texts("resource_type_code", "resource_type_name"),
        "charging_mode": maybe(whole),
        "bill_type": maybe(whole),
        "consume_amount": Entry(figure),
        **_payment,
        **figures("writeoff_amount"),
        **_measure,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRecord:
    """One charge. `cash_amount` is what drained allocated cash; status 1 paid, 2 unsettled,
    3 unbilled."""

    id: str
    bill_cycle: str
    customer_id: str
    account_name: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    region_code: str
    consume_time: str
    trade_time: str
    trade_id: str
    charging_mode: int | None
    bill_type: int | None
    status: int | None
    consume_amount: Decimal
    cash_amount: Decimal | None
    credit_amount: Decimal | None
    coupon_amount: Decimal | None
    debt_amount: Decimal | None
    writeoff_amount: Decimal | None


fee_record = record(
    FeeRecord,
    {
        **texts("id", "bill_cycle", "service_type_code", "service_type_name"),
        **texts("resource_type_code", "region_code", "consume_time", "trade_time", "trade_id"),
        **_consumer,
        "charging_mode": maybe(whole),
        "bill_type": maybe(whole),
        "status": maybe(whole),
        "consume_amount": Entry(figure),
        **_payment,
        **figures("writeoff_amount"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """What one resource cost in a cycle, a day, or one metering."""

    id: str
    bill_date: str
    customer_id: str
    account_name: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_id: str
    resource_name: str
    region: str
    consume_time: str
    trade_id: str
    consume_amount: Decimal
    cash_amount: Decimal | None
    credit_amount: Decimal | None
    coupon_amount: Decimal | None
    debt_amount: Decimal | None
    measure_id: int | None


_resource = {
    **texts("id", "bill_date", "resource_name", "region", "consume_time", "trade_id"),
    **_consumer,
    "service_type_code": maybe(label, "cloud_service_type", ""),
    "service_type_name": maybe(label, "cloud_service_type_name", ""),
    **_payment,
    **_measure,
}
resource_fee_record = record(
    ResourceRecord,
    {
        **_resource,
        "resource_type_code": maybe(label, "resource_type", ""),
        "resource_id": maybe(label, default=""),
        "consume_amount": Entry(figure, "amount"),
    },
)
resource_detail = record(
    ResourceRecord,
    {
        **_resource,
        "resource_type_code": maybe(label, "resource_Type_code", ""),
        "resource_id": maybe(label, "res_instance_id", ""),
        "consume_amount": Entry(figure),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyShare:
    """What one month bears of a charge that was spread over its term."""

    shared_month: str
    bill_cycle: str
    customer_id: str
    service_type_code: str
    resource_id: str
    resource_name: str
    consume_amount: Decimal | None
    current_month_amortized_amount: Decimal
    amortized_cash_amount: Decimal | None
    amortized_credit_amount: Decimal | None
    amortized_coupon_amount: Decimal | None


monthly_share = record(
    MonthlyShare,
    {
        "shared_month": Entry(text),
        **texts("bill_cycle", "customer_id", "service_type_code", "resource_id", "resource_name"),
        "current_month_amortized_amount": Entry(figure),
        **figures("consume_amount", "amortized_cash_amount"),
        **figures("amortized_credit_amount", "amortized_coupon_amount"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was spent in one day or month; `period` is `YYYY-MM-DD` or `YYYY-MM`."""

    period: str
    amount: Decimal
    official_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """The costs of one combination of dimensions, e.g. of one account."""

    dimensions: tuple[tuple[str, str], ...]
    costs: tuple[Cost, ...]
    amount: Decimal
    official_amount: Decimal | None

    def dimension(self, key: str) -> str:
        """The value of one dimension; empty when the row does not have it."""
        return dict(self.dimensions).get(key, "")


def _dimension(value: Any, place: Place) -> tuple[str, str]:
    members = mapping(value, place)
    found_value: str = maybe(label, "value", "").of("value", members, place)
    return Entry(text).of("key", members, place), found_value


cost_row = record(
    CostRow,
    {
        "dimensions": Entry(rows(_dimension)),
        "costs": maybe(
            rows(
                record(
                    Cost,
                    {
                        "period": Entry(text, "time_dimension_value"),
                        "amount": Entry(figure),
                        "official_amount": maybe(figure),
                    },
                )
            ),
            default=(),
        ),
        "amount": Entry(figure, "amount_by_costs"),
        "official_amount": maybe(figure, "official_amount_by_costs"),
    },
)
