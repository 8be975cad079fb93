"""What members consumed, as five bill operations tell it; complete up to yesterday (UTC+8).

It may not change anything. Official amounts equal the consumed ones: no discounts here.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from budgetd.core.money import from_minor
from budgetd.sandbox.funds import CURRENCY, MEASURE_YUAN
from budgetd.sandbox.nouns import Account, Charge
from budgetd.sandbox.wire import Answer, Call, Fields, china_day, parameter_error

METHODS = ("oneself", "sub_customer", "all")
LARGEST_PAGE = 1000
REGION = ("cn-north-4", "CN North-Beijing4")
ON_DEMAND = 3
PROJECT = ("0", "default")
USAGE_BILL = 5
ONLY = {
    "region_code": REGION[0],
    "region": REGION[0],
    "charging_mode": str(ON_DEMAND),
    "charge_mode": str(ON_DEMAND),
    "bill_type": str(USAGE_BILL),
    "provider_type": "1",
    "enterprise_project_id": PROJECT[0],
}


class Service(NamedTuple):
    """What a service code stands for on a bill."""

    name: str
    resource_type: str
    resource_name: str


SERVICES = {
    "hws.service.type.ec2": Service("Elastic Cloud Server", "hws.resource.type.vm", "Cloud host"),
    "hws.service.type.obs": Service("Object Storage Service", "hws.resource.type.obs", "Storage"),
    "hws.service.type.rds": Service("Relational Database", "hws.resource.type.rds.vm", "Database"),
    "hws.service.type.mr": Service("MapReduce Service", "hws.resource.type.mr", "Cluster node"),
}


class Line(NamedTuple):
    """One charge and whose it is."""

    account: Account
    charge: Charge

    def cycle(self) -> str:
        """The month it is billed in."""
        return f"{self.charge.day:%Y-%m}"

    def serial(self) -> str:
        """An id that is the same whenever the line is read."""
        return f"{self.account.id[:8]}-{self.charge.day:%Y%m%d}-{self.charge.service[-3:]}"


def visible_lines(call: Call, is_chosen: Callable[[Account], bool]) -> list[Line]:
    """Every charge the caller may see, of the accounts chosen, up to yesterday."""
    today = china_day(call.now)
    master = call.book.master
    accounts = call.book.everyone() if call.caller == master.id else ()
    if not accounts:
        accounts = (call.book.accounts[call.caller],)
    return [
        Line(account, charge)
        for account in accounts
        if (account.shows_bills or account.id == call.caller) and is_chosen(account)
        for charge in account.charges
        if charge.day < today
    ]


def _chosen(call: Call, fields: Fields) -> Callable[[Account], bool]:
    method = fields.choice("method", METHODS, "all")
    member_id = fields.text("sub_customer_id")
    if method == "sub_customer" and member_id is None:
        raise parameter_error("sub_customer_id", "is required with method sub_customer")
    if method == "oneself":
        return lambda account: account.id == call.caller
    return lambda account: (
        (method == "all" or account.id != call.caller)
        and (member_id is None or account.id == member_id)
    )


def _lines(call: Call, cycle: str | None, service_field: str) -> list[Line]:
    fields = call.fields
    service = fields.text(service_field, blank=True) or None
    fields.text("enterprise_project_id", blank=True)
    if any(fields.is_other(name, only) for name, only in ONLY.items()):
        return []
    begin, end = fields.day("bill_date_begin"), fields.day("bill_date_end")
    if (begin is None) != (end is None):
        raise parameter_error("bill_date_begin", "and bill_date_end go together")
    if begin is not None and f"{begin:%Y-%m}" != cycle:
        raise parameter_error("bill_date_begin", "must be in the billing cycle")
    return [
        line
        for line in visible_lines(call, _chosen(call, fields))
        if line.cycle() == cycle
        and service in (None, line.charge.service)
        and (begin is None or end is None or begin <= line.charge.day <= end)
    ]


def _summed(lines: list[Line], key: Callable[[Line], object]) -> list[Line]:
    """The lines with one key made one, dated by the last of them."""
    sums: dict[object, Line] = {}
    for line in lines:
        had = sums.get(key(line))
        sums[key(line)] = line if had is None else Line(line.account, _add(had.charge, line.charge))
    return list(sums.values())


def _add(one: Charge, other: Charge) -> Charge:
    return Charge(
        max(one.day, other.day),
        one.service,
        one.cash + other.cash,
        one.credit + other.credit,
        one.coupon + other.coupon,
    )


def _by_month(line: Line) -> object:
    return (line.account.id, line.cycle(), line.charge.service)


def _paid(charge: Charge, stored: str, *others: str) -> dict[str, object]:
    """The means of payment; `stored` is what this page calls the stored-value card's part."""
    zero = from_minor(0)
    paid: dict[str, object] = {
        "cash_amount": from_minor(charge.cash),
        "credit_amount": from_minor(charge.credit),
        "coupon_amount": from_minor(charge.coupon),
        "flexipurchase_coupon_amount": zero,
        stored: zero,
        "debt_amount": zero,
    }
    paid.update(dict.fromkeys(others, zero))
    return paid


def show_monthly_sum(call: Call) -> Answer:
    """GET monthly-sum: by member, service and month; the totals are of the whole query."""
    cycle = call.fields.month("bill_cycle")
    rows = _summed(_lines(call, cycle, "service_type_code"), _by_month)
    whole = Charge(date.min, "", 0, 0, 0)
    for line in rows:
        whole = _add(whole, line.charge)
    totals = {
        "consume_amount": from_minor(whole.total),
        **_paid(whole, "stored_value_card_amount", "writeoff_amount"),
        "measure_id": MEASURE_YUAN,
        "currency": CURRENCY,
    }
    page = call.fields.page(largest=LARGEST_PAGE).of(rows)
    content = {"total_count": len(rows), "bill_sums": [_sum_row(line) for line in page]}
    return Answer(content=content | totals)


def _sum_row(line: Line) -> dict[str, object]:
    service = SERVICES[line.charge.service]
    return {
        "bill_cycle": line.cycle(),
        "bill_type": 1,
        "customer_id": line.account.id,
        "account_name": line.account.name,
        "resource_type_code": service.resource_type,
        "resource_type_name": service.resource_name,
        "service_type_code": line.charge.service,
        "service_type_name": service.name,
        "charging_mode": ON_DEMAND,
        "official_amount": from_minor(line.charge.total),
        "official_discount_amount": from_minor(0),
        "truncated_amount": from_minor(0),
        "consume_amount": from_minor(line.charge.total),
        **_paid(line.charge, "stored_value_card_amount", "writeoff_amount"),
        "measure_id": MEASURE_YUAN,
    }


def list_fee_records(call: Call) -> Answer:
    """GET fee-records: one line a charge."""
    fields = call.fields
    lines = _lines(call, fields.month("bill_cycle"), "service_type_code")
    if fields.whole("status", 1, 3) in (2, 3):
        lines = []
    rows = [_fee_row(line) for line in fields.page(largest=LARGEST_PAGE).of(lines)]
    return Answer(content={"total_count": len(lines), "records": rows, "currency": CURRENCY})


def _consume_time(day: date) -> str:
    return f"{day:%Y-%m-%d} 00:00:00-{day:%Y-%m-%d} 23:59:59"


def _fee_row(line: Line) -> dict[str, object]:
    service, day = SERVICES[line.charge.service], line.charge.day
    return {
        "bill_cycle": line.cycle(),
        "customer_id": line.account.id,
        "service_type_code": line.charge.service,
        "resource_type_code": service.resource_type,
        "service_type_name": service.name,
        "resource_type_name": service.resource_name,
        "region_code": REGION[0],
        "region_name": REGION[1],
        "enterprise_project_id": PROJECT[0],
        "enterprise_project_name": PROJECT[1],
        "charging_mode": ON_DEMAND,
        "consume_time": _consume_time(day),
        "trade_time": f"{day:%Y-%m-%d}T15:59:59Z",
        "provider_type": 1,
        "trade_id": f"TR-{line.serial()}",
        "id": line.serial(),
        "bill_type": USAGE_BILL,
        "status": 1,
        "official_amount": from_minor(line.charge.total),
        "official_discount_amount": from_minor(0),
        "erase_amount": from_minor(0),
        "consume_amount": from_minor(line.charge.total),
        **_paid(line.charge, "stored_value_card_amount", "bonus_amount", "writeoff_amount"),
        "account_name": line.account.name,
    }


def list_resource_fees(call: Call) -> Answer:
    """GET res-fee-records: by cycle, by day, or in detail."""
    fields = call.fields
    lines = _lines(call, fields.month("cycle"), "cloud_service_type")
    if fields.whole("statistic_type", 1, 3, 3) == 1:
        lines = _summed(lines, _by_month)
    rows = [_resource_row(line) for line in fields.page(largest=LARGEST_PAGE).of(lines)]
    return Answer(content={"fee_records": rows, "total_count": len(lines), "currency": CURRENCY})


def _resource_row(line: Line) -> dict[str, object]:
    service, day = SERVICES[line.charge.service], line.charge.day
    return {
        "bill_date": f"{day:%Y-%m-%d}",
        "bill_type": USAGE_BILL,
        "customer_id": line.account.id,
        "region": REGION[0],
        "region_name": REGION[1],
        "cloud_service_type": line.charge.service,
        "resource_type": service.resource_type,
        "cloud_service_type_name": service.name,
        "resource_type_name": service.resource_name,
        "effective_time": f"{day:%Y-%m-%d}T00:00:00Z",
        "expire_time": f"{day:%Y-%m-%d}T23:59:59Z",
        "resource_id": f"res-{line.account.id[:8]}",
        "resource_name": line.account.name,
        "trade_id": f"TR-{line.serial()}",
        "id": line.serial(),
        "trade_time": f"{day:%Y-%m-%d}T15:59:59Z",
        "enterprise_project_id": PROJECT[0],
        "enterprise_project_name": PROJECT[1],
        "charge_mode": str(ON_DEMAND),
        "official_amount": from_minor(line.charge.total),
        "discount_amount": from_minor(0),
        "amount": from_minor(line.charge.total),
        **_paid(line.charge, "stored_card_amount", "bonus_amount", "adjustment_amount"),
        "measure_id": MEASURE_YUAN,
        "consume_time": _consume_time(day),
        "account_name": line.account.name,
    }


def query_resource_records(call: Call) -> Answer:
    """POST res-records/query: a cycle, or days between two; `resource_Type_code` is theirs."""
    fields = call.fields
    daily = fields.choice("query_type", ("BILLCYCLE", "DAILY"), "BILLCYCLE") == "DAILY"
    lines = _queried(call, daily)
    if (fields.whole("statistic_type", 1, 3, 1)) == 1:
        lines = _summed(lines, _by_month)
    page = fields.page(largest=LARGEST_PAGE).of(lines)
    content = {
        "monthly_records": [_record_row(line) for line in page],
        "total_count": len(lines),
        "currency": CURRENCY,
    }
    return Answer(content=content)


def _queried(call: Call, daily: bool) -> list[Line]:
    fields = call.fields
    payer = fields.text("payer_account_id")
    if any(fields.is_other(name, only) for name, only in ONLY.items()):
        return []
    cycle = fields.month("cycle", required=not daily)
    begin, end = fields.day("bill_cycle_begin"), fields.day("bill_cycle_end")
    if daily and (begin is None or end is None):
        raise parameter_error("bill_cycle_begin", "and bill_cycle_end are required with DAILY")
    service = fields.text("cloud_service_type", blank=True) or None
    return [
        line
        for line in visible_lines(call, _chosen(call, fields))
        if (cycle is None or line.cycle() == cycle)
        and (begin is None or end is None or begin <= line.charge.day <= end)
        and service in (None, line.charge.service)
        and payer in (None, line.account.id)
    ]


def _record_row(line: Line) -> dict[str, object]:
    service, day = SERVICES[line.charge.service], line.charge.day
    return {
        "cycle": line.cycle(),
        "bill_date": f"{day:%Y-%m-%d}",
        "bill_type": USAGE_BILL,
        "customer_id": line.account.id,
        "region": REGION[0],
        "region_name": REGION[1],
        "cloud_service_type": line.charge.service,
        "resource_Type_code": service.resource_type,
        "cloud_service_type_name": service.name,
        "resource_type_name": service.resource_name,
        "res_instance_id": f"res-{line.account.id[:8]}",
        "resource_name": line.account.name,
        "enterprise_project_id": PROJECT[0],
        "enterprise_project_name": PROJECT[1],
        "charge_mode": ON_DEMAND,
        "consume_amount": from_minor(line.charge.total),
        **_paid(line.charge, "stored_card_amount", "bonus_amount", "adjustment_amount"),
        "official_amount": from_minor(line.charge.total),
        "discount_amount": from_minor(0),
        "measure_id": MEASURE_YUAN,
        "trade_id": f"TR-{line.serial()}",
        "id": line.serial(),
        "payer_account_id": line.account.id,
        "consume_time": _consume_time(day),
        "account_name": line.account.name,
    }


def list_monthly_breakdown(call: Call) -> Answer:
    """GET monthly-breakdown: amortized; on-demand charges belong to their month whole."""
    fields = call.fields
    lines = _summed(_lines(call, fields.month("shared_month"), "service_type_code"), _by_month)
    rows = [_breakdown_row(line) for line in fields.page(largest=LARGEST_PAGE).of(lines)]
    return Answer(content={"currency": CURRENCY, "total_count": len(lines), "details": rows})


def _breakdown_row(line: Line) -> dict[str, object]:
    service, zero = SERVICES[line.charge.service], from_minor(0)
    return {
        "shared_month": line.cycle(),
        "bill_cycle": line.cycle(),
        "bill_type": USAGE_BILL,
        "customer_id": line.account.id,
        "region_code": REGION[0],
        "region_name": REGION[1],
        "service_type_code": line.charge.service,
        "resource_type_code": service.resource_type,
        "service_type_name": service.name,
        "resource_type_name": service.resource_name,
        "resource_id": f"res-{line.account.id[:8]}",
        "resource_name": line.account.name,
        "enterprise_project_id": PROJECT[0],
        "enterprise_project_name": PROJECT[1],
        "charging_mode": ON_DEMAND,
        "consume_amount": from_minor(line.charge.total),
        "past_months_amortized_amount": zero,
        "current_month_amortized_amount": from_minor(line.charge.total),
        "future_months_amortized_amount": zero,
        "amortized_cash_amount": from_minor(line.charge.cash),
        "amortized_credit_amount": from_minor(line.charge.credit),
        "amortized_coupon_amount": from_minor(line.charge.coupon),
        "amortized_flexipurchase_coupon_amount": zero,
        "amortized_stored_value_card_amount": zero,
        "amortized_bonus_amount": zero,
    }
