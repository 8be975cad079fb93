"""The cost query (v4): any grouping of the same charges, by day or by month, as texts.

It may not change anything.
"""

from datetime import date, timedelta

from budgetd.core.money import format_amount, from_minor
from budgetd.sandbox.bills import (
    LARGEST_PAGE,
    ON_DEMAND,
    PROJECT,
    REGION,
    SERVICES,
    Line,
    visible_lines,
)
from budgetd.sandbox.funds import CURRENCY
from budgetd.sandbox.nouns import Refusal
from budgetd.sandbox.wire import Answer, Call, china_day, fields_of, parameter_error

DAY, MONTH = 1, 2
LAST_OFFSET = 200_000
MEMBERS_AT_MOST = 1000
ACCOUNT = "ASSOCIATED_ACCOUNT"
DIMENSIONS = frozenset(
    {
        "CLOUD_SERVICE_TYPE",
        "RESOURCE_TYPE",
        ACCOUNT,
        "REGION_CODE",
        "AZ_CODE",
        "ENTERPRISE_PROJECT_ID",
        "RES_SPEC_CODE",
        "CHARGING_MODE",
        "USAGE_TYPE",
        "BILL_TYPE",
        "BE_ID",
        "PAYER_ACCOUNT_ID",
        "RESOURCE_ID",
    }
)
OF_ACCOUNT = frozenset({ACCOUNT, "PAYER_ACCOUNT_ID"})
Filter = tuple[bool, str, frozenset[str]]


def list_costs(call: Call) -> Answer:
    """POST v4 cost query; the value of ASSOCIATED_ACCOUNT is the customer id here."""
    fields = call.fields
    fields.required_choice("cost_type", ("ORIGINAL_COST", "AMORTIZED_COST"))
    fields.required_choice("amount_type", ("PAYMENT_AMOUNT", "NET_AMOUNT"))
    keys = _grouping(call)
    slots, size = _slots(call)
    filters = _filters(call)
    _refuse_too_many(call, filters)
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    of_accounts = [one for one in filters if one[1] in OF_ACCOUNT]
    of_lines = [one for one in filters if one[1] not in OF_ACCOUNT]
    known = frozenset(slots)
    # A query about some accounts costs the charges of these alone.
    for line in visible_lines(call, lambda account: _passes(account.id, of_accounts)):
        slot = str(line.charge.day)[:size]
        if slot in known and all(_is_in(_dimension(line, one[1]), one) for one in of_lines):
            group = groups.setdefault(
                tuple(_dimension(line, key) for key in keys), dict.fromkeys(slots, 0)
            )
            group[slot] += line.charge.total
    page = fields.page(smallest=0, largest=LARGEST_PAGE, last=LAST_OFFSET)
    measure = DAY if size == len("2026-01-01") else MONTH
    rows = [_row(keys, values, group, measure) for values, group in page.of(list(groups.items()))]
    content = {"currency": CURRENCY, "total_count": len(groups), "cost_data": rows}
    return Answer(content=content)


def _row(
    keys: list[str], values: tuple[str, ...], group: dict[str, int], measure: int
) -> dict[str, object]:
    costs = []
    for slot, minor in group.items():
        amount = format_amount(from_minor(minor))
        costs.append(
            {
                "time_dimension_value": slot,
                "time_measure_id": measure,
                "amount": amount,
                "official_amount": amount,
            }
        )
    total = format_amount(from_minor(sum(group.values())))
    return {
        "dimensions": [
            {"key": key, "value": value} for key, value in zip(keys, values, strict=True)
        ],
        "costs": costs,
        "amount_by_costs": total,
        "official_amount_by_costs": total,
    }


def _grouping(call: Call) -> list[str]:
    items = [fields_of(item, "groupby") for item in call.fields.items("groupby", 3, required=True)]
    keys = []
    for item in items:
        kind = item.required_choice("type", ("dimension", "tag", "cost_unit"))
        key = item.required_text("key")
        if kind == "dimension" and key not in DIMENSIONS:
            raise parameter_error("key", "is no dimension")
        keys.append(key)
    if not keys:
        raise parameter_error("groupby", "must have one to three items")
    return keys


def _slots(call: Call) -> tuple[list[str], int]:
    """The days or months asked for, up to yesterday, and how much of a date names one."""
    time = call.fields.part("time_condition")
    by_day = time.whole("time_measure_id", DAY, MONTH, 0) == DAY
    if by_day:
        begin, end = time.day("begin_time"), time.day("end_time")
    else:
        first, last = time.month("begin_time"), time.month("end_time")
        begin, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-28")
    if time.whole("time_measure_id", DAY, MONTH) is None or begin is None or end is None:
        raise parameter_error("time_condition", "is not complete")
    if begin > end or end - begin > timedelta(days=1100):
        raise parameter_error("time_condition", "must end after it begins, within three years")
    size = len("2026-01-01") if by_day else len("2026-01")
    newest = china_day(call.now) - timedelta(days=1)
    days = (begin + timedelta(days=n) for n in range((min(end, newest) - begin).days + 1))
    return list(dict.fromkeys(str(day)[:size] for day in days)), size


def _filters(call: Call) -> list[Filter]:
    found: list[Filter] = []
    for item in call.fields.items("filters", 1024):
        entry = fields_of(item, "filters")
        excludes = entry.whole("operator", 0, 1, 0) == 1
        factor = entry.part("filter_factor")
        values = factor.items("value", 100, required=True)
        found.append((excludes, factor.required_text("key"), frozenset(map(str, values))))
    return found


def _refuse_too_many(call: Call, filters: list[Filter]) -> None:
    independent = sum(1 for account in call.book.accounts.values() if not account.custody)
    names_accounts = any(key == ACCOUNT and not excludes for excludes, key, _ in filters)
    if call.caller == call.book.master.id and independent > MEMBERS_AT_MOST and not names_accounts:
        message = "Too many independent accounting members. Specify a member account for query."
        raise Refusal(400, "CBC.18000048", message)


def _is_in(value: str, one: Filter) -> bool:
    excludes, _, values = one
    return (value in values) != excludes


def _passes(account_id: str, filters: list[Filter]) -> bool:
    return all(_is_in(account_id, one) for one in filters)


def _dimension(line: Line, key: str) -> str:
    if key in OF_ACCOUNT:
        return line.account.id
    known = {
        "CLOUD_SERVICE_TYPE": line.charge.service,
        "RESOURCE_TYPE": SERVICES[line.charge.service].resource_type,
        "REGION_CODE": REGION[0],
        "ENTERPRISE_PROJECT_ID": PROJECT[0],
        "CHARGING_MODE": str(ON_DEMAND),
        "BILL_TYPE": "5",
        "RESOURCE_ID": f"res-{line.account.id[:8]}",
    }
    return known.get(key, "null")
