"""Every operation reads the documented example, and calls every surprise by its place."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetd.core.observation import Coupon, CreditLedger, Organization, Status
from budgetd.provider import operations as ops
from budgetd.provider.bills import Cost, CostRow
from budgetd.provider.errors import InvalidRequest, MalformedAnswer
from budgetd.provider.operations import OPERATIONS, Operation, Role
from budgetd.provider.wire import Place, parse


def read(operation: Operation[Any], body: str | bytes | dict[str, Any]) -> Any:
    if isinstance(body, dict):
        body = json.dumps(body)
    place = Place(operation.endpoint, "CNY")
    assert operation.parse is not None
    return operation.parse(parse(body.encode() if isinstance(body, str) else body, place), place)


def amount_infos(**changes: Any) -> dict[str, Any]:
    row = {
        "avail_retrieve_amount": 812.35,
        "measure_id": 1,
        "currency": "CNY",
        "amount": None,
        "credit_amount": None,
        "expire_time": None,
    }
    row |= changes
    row = {name: value for name, value in row.items() if value != "absent"}
    return {"total_count": 1, "amount_infos": [row]}


def test_all_24_apis_are_in_the_table_once() -> None:
    endpoints = [one.endpoint for one in OPERATIONS]
    assert len(set(endpoints)) == 24
    twice = {one for one in endpoints if endpoints.count(one) > 1}
    assert twice == {ops.MASTER_CASH.endpoint, ops.MEMBER_CASH.endpoint}
    assert [one.role for one in OPERATIONS].count(Role.MOVE) == 4
    assert [one.role for one in OPERATIONS].count(Role.CREATE) == 3


def test_the_tree_of_organizations_becomes_paths_and_parents() -> None:
    tree = read(
        ops.ORGANIZATIONS,
        """{"root_id":"5001","root_name":"Acme","child_nodes":[{"relation_id":"701","id":"5002",
        "name":"R&D","child_nodes":[{"relation_id":"702","id":"5003","name":"ML",
        "child_nodes":null}]}]}""",
    )
    assert tree.by_id() == {
        "5001": Organization(id="5001", name="Acme", path=()),
        "5002": Organization(id="5002", name="R&D", path=("R&D",)),
        "5003": Organization(id="5003", name="ML", path=("R&D", "ML")),
    }
    assert tree.parents == {"5001": None, "5002": "5001", "5003": "5002"}


def test_a_subtree_has_no_root_of_its_own() -> None:
    body = """{"root_id":null,"root_name":null,"child_nodes":[{"id":"1","name":"A"}]}"""
    tree = read(ops.ORGANIZATIONS, body)
    assert tree.organizations == (Organization(id="1", name="A", path=("A",)),)


def test_a_unit_that_stands_twice_in_the_tree_is_refused() -> None:
    body = {"root_id": "1", "root_name": "", "child_nodes": [{"id": "1", "name": "A"}]}
    with pytest.raises(MalformedAnswer, match="twice") as caught:
        read(ops.ORGANIZATIONS, body)
    assert caught.value.path == "$.child_nodes[0].id"


def test_members_become_accounts_of_the_tree() -> None:
    page = read(
        ops.MEMBERS,
        """{"total_count":2,"sub_customer_infos":[
        {"id":"a1b2c3d4e5f60718293a4b5c6d7e8f90","name":"acme_dev","display_name":"Dev",
         "status":1,"org_id":"5002","org_name":"R&D"},
        {"id":"b1b2c3d4e5f60718293a4b5c6d7e8f91","name":"acme_ml","display_name":null,
         "status":101,"org_id":"5001","org_name":null}]}""",
    )
    unit = Organization(id="5002", name="R&D", path=("R&D",))
    first, second = (one.account({"5002": unit}) for one in page.rows)
    assert page.total == 2
    assert (first.label, first.status) == ("R&D/acme_dev", Status.NORMAL)
    assert (second.organization, second.status) == (None, Status.REGISTERING)


def test_cash_is_an_exact_amount() -> None:
    found = read(ops.MEMBER_CASH, amount_infos())
    assert found == Decimal("812.35")
    master = """{"total_count":1,"amount_infos":[{"avail_transfer_amount":250000.00,
        "measure_id":1,"currency":"CNY"}]}"""
    assert str(read(ops.MASTER_CASH, master)) == "250000.00"


def test_credit_is_a_set_of_ledgers_by_expiry() -> None:
    page = read(
        ops.MASTER_CREDIT,
        """{"total_count":2,"amount_infos":[
        {"avail_transfer_amount":80000.00,"measure_id":1,"currency":"CNY","amount":90000.00,
         "credit_amount":100000.00,"expire_time":"2026-12-31T15:59:59Z"},
        {"avail_transfer_amount":5000.00,"measure_id":1,"currency":"CNY","amount":5000.00,
         "credit_amount":20000.00,"expire_time":null}]}""",
    )
    assert page.rows == (
        CreditLedger(
            expire_time="2026-12-31T15:59:59Z",
            expires_at=datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
            amount=Decimal("90000.00"),
            available=Decimal("80000.00"),
        ),
        CreditLedger(
            expire_time=None,
            expires_at=None,
            amount=Decimal("5000.00"),
            available=Decimal("5000.00"),
        ),
    )


def test_coupons_name_the_master_and_the_child() -> None:
    row = {
        "coupon_id": "CP25010108000000M1",
        "sub_coupon_id": "CP25060112000001A1",
        "plan_name": "Test",
        "balance": "18.40",
        "effective_time": "2026-01-01T00:00:00Z",
        "expire_time": "2026-12-31T15:59:59Z",
        "use_limits": [{"limit_key": "productId"}],
    }
    found = read(ops.MEMBER_COUPONS, {"total_count": 1, "avail_retrieve_coupons": [row]})
    assert found.rows == (
        Coupon(
            coupon_id="CP25010108000000M1",
            child_id="CP25060112000001A1",
            plan_name="Test",
            balance=Decimal("18.40"),
            effective_at=datetime(2026, 1, 1, tzinfo=UTC),
            expires_at=datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
            has_use_limits=True,
        ),
    )
    del row["sub_coupon_id"]
    found = read(ops.MASTER_COUPONS, {"total_count": 1, "avail_transfer_coupons": [row]})
    assert found.rows[0].child_id is None
    with pytest.raises(MalformedAnswer, match="sub_coupon_id"):
        read(ops.MEMBER_COUPONS, {"total_count": 1, "avail_retrieve_coupons": [row]})


def test_balances_are_read_as_numbers_of_the_page() -> None:
    found = read(
        ops.BALANCES,
        """{"account_balances":[{"account_id":"AT00000000000001","account_type":1,
        "amount":812.35,"currency":"CNY","designated_amount":0,"credit_amount":0,"measure_id":1},
        {"account_id":"AT00000000000002","account_type":2,"amount":3000.0,"currency":"CNY",
        "designated_amount":0,"credit_amount":5000.0,"measure_id":1}],
        "debt_amount":0.0,"measure_id":1,"currency":"CNY"}""",
    )
    assert [one.amount for one in found.accounts] == [Decimal("812.35"), Decimal(3000)]
    assert found.debt == 0


def test_changes_of_money_are_signed() -> None:
    row = {
        "account_change_id": "C1",
        "trade_detail_type": "SOURCE_OPERAIION_DEDEUCT",
        "trade_time": "2026-01-02T03:04:05Z",
        "trade_id": "T1",
        "change_amount": "-659.73",
        "balance_after_change": "10.00",
        "revenue_expense_type": "EXPENSE",
        "account_name": None,
    }
    page = {"total_count": 1, "currency": "CNY", "records": [row]}
    found = read(ops.MONEY_CHANGES, page).rows[0]
    assert (found.id, found.amount, found.account_name) == ("C1", Decimal("-659.73"), "")
    with pytest.raises(MalformedAnswer, match="USD"):
        read(ops.MONEY_CHANGES, {**page, "currency": "USD"})
    del row["account_change_id"]
    with pytest.raises(MalformedAnswer, match=r"records\[0\].account_change_id: missing"):
        read(ops.MONEY_CHANGES, page)
    row |= {"coupon_id": "CP1", "change_amount": -5}
    assert read(ops.COUPON_CHANGES, page).rows[0].amount == Decimal(-5)


def test_costs_are_rows_of_dimensions_and_periods() -> None:
    cost = {
        "time_dimension_value": "2026-01-10",
        "time_measure_id": 1,
        "amount": "1.23456789",
        "official_amount": "2",
    }
    row = {
        "dimensions": [{"key": "ASSOCIATED_ACCOUNT", "value": "acme_dev"}],
        "costs": [cost],
        "amount_by_costs": "1.23456789",
        "official_amount_by_costs": "2",
    }
    found = read(ops.COSTS, {"currency": "CNY", "total_count": 1, "cost_data": [row]}).rows[0]
    assert found == CostRow(
        dimensions=(("ASSOCIATED_ACCOUNT", "acme_dev"),),
        costs=(
            Cost(
                period="2026-01-10", amount=Decimal("1.23456789"), official_amount=Decimal("2.00")
            ),
        ),
        amount=Decimal("1.23456789"),
        official_amount=Decimal("2.00"),
    )
    assert found.dimension("ASSOCIATED_ACCOUNT") == "acme_dev"


@pytest.mark.parametrize(
    ("operation", "rows_key", "row"),
    [
        (
            ops.OWN_COUPONS,
            "user_coupons",
            {
                "coupon_id": "CP1",
                "status": "2",
                "face_value": "100",
                "balance": "",
                "is_frozen": "0",
            },
        ),
        (
            ops.STORED_VALUE_CARDS,
            "stored_value_cards",
            {"card_id": "K1", "status": 1, "face_value": "100.00", "balance": "1.50"},
        ),
        (ops.MONTHLY_SUM, "bill_sums", {"bill_cycle": "2026-01", "consume_amount": 1.234567}),
        (ops.FEE_RECORDS, "records", {"consume_amount": -3.5, "cash_amount": None, "status": 2}),
        (ops.RESOURCE_FEE_RECORDS, "fee_records", {"amount": 3, "resource_type": "vm"}),
        (
            ops.RESOURCE_DETAILS,
            "monthly_records",
            {"consume_amount": 3, "resource_Type_code": "vm", "measure_id": 1},
        ),
        (
            ops.MONTHLY_BREAKDOWN,
            "details",
            {"shared_month": "2026-01", "current_month_amortized_amount": 0.1},
        ),
    ],
    ids=lambda one: one.name if isinstance(one, Operation) else "",
)
def test_lists_for_reports_are_read_with_absent_fields_absent(
    operation: Operation[Any], rows_key: str, row: dict[str, Any]
) -> None:
    total = "count" if operation is ops.OWN_COUPONS else "total_count"
    page = read(operation, {total: 1, "currency": "CNY", rows_key: [row]})
    assert len(page.rows) == page.total == 1
    assert read(operation, {total: 0, rows_key: None}).rows == ()


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"avail_retrieve_amount": "absent"}, "avail_retrieve_amount", "missing"),
        ({"avail_retrieve_amount": None}, "avail_retrieve_amount", "null"),
        ({"avail_retrieve_amount": ""}, "avail_retrieve_amount", "empty"),
        ({"avail_retrieve_amount": -1}, "avail_retrieve_amount", "negative"),
        ({"avail_retrieve_amount": "NaN"}, "avail_retrieve_amount", "not a number"),
        ({"avail_retrieve_amount": "1e3"}, "avail_retrieve_amount", "not a number"),
        ({"avail_retrieve_amount": "１２"}, "avail_retrieve_amount", "not a number"),
        ({"avail_retrieve_amount": 1.005}, "avail_retrieve_amount", "two decimals"),
        ({"avail_retrieve_amount": 10**15}, "avail_retrieve_amount", "range"),
        ({"avail_retrieve_amount": True}, "avail_retrieve_amount", "a boolean"),
        ({"avail_retrieve_amount": [1]}, "avail_retrieve_amount", "a list"),
        ({"currency": "USD"}, "currency", "USD"),
        ({"currency": None}, "currency", "null"),
        ({"measure_id": 3}, "measure_id", "whole units"),
        ({"measure_id": "absent"}, "measure_id", "missing"),
    ],
)
def test_a_wrong_amount_is_an_error_with_its_place(
    change: dict[str, Any], place: str, why: str
) -> None:
    with pytest.raises(MalformedAnswer, match=why) as caught:
        read(ops.MEMBER_CASH, amount_infos(**change))
    assert caught.value.path == f"$.amount_infos[0].{place}"
    assert str(caught.value).startswith("GET /v2/enterprises/multi-accounts/retrieve-amount")


@pytest.mark.parametrize("total", [-1, "1", None, 1.0, True, "absent"])
def test_a_wrong_count_is_an_error(total: Any) -> None:
    body = {**amount_infos(), "total_count": total}
    if total == "absent":
        del body["total_count"]
    with pytest.raises(MalformedAnswer, match="total_count"):
        read(ops.MEMBER_CASH, body)


def test_cash_is_one_row_neither_none_nor_two() -> None:
    body = amount_infos()
    for rows in ([], body["amount_infos"] * 2):
        with pytest.raises(MalformedAnswer, match="where 1 is documented"):
            read(ops.MEMBER_CASH, {"total_count": len(rows), "amount_infos": rows})


@pytest.mark.parametrize("status", [0, 7, "1", None, True])
def test_an_undocumented_status_is_an_error(status: Any) -> None:
    row = {"id": "a", "name": "n", "status": status}
    with pytest.raises(MalformedAnswer, match=r"sub_customer_infos\[0\].status"):
        read(ops.MEMBERS, {"total_count": 1, "sub_customer_infos": [row]})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":1}{}', "not JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "'c' stands twice"),
        (b'{"a":"\\ud800"}', "half a character"),
        (b'{"\\udfff":1}', "half a character"),
        (b"[" * 33 + b"]" * 33, "deeper than 32"),
        (b"[" * 100_000, "deeper than 32"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a":1e9999999999999999999999}', "not JSON"),
        (b"<html>captive portal</html>", "not JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(MalformedAnswer, match=why):
        parse(body, Place("GET /x", "CNY"))


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["1.00", "", "CNY", "2026-12-31T15:59:59Z", "2026-13-31T15:59:59Z"])
)
_KEYS = st.sampled_from(
    [
        "total_count",
        "count",
        "amount_infos",
        "avail_retrieve_amount",
        "measure_id",
        "currency",
        "amount",
        "expire_time",
        "sub_customer_infos",
        "id",
        "name",
        "status",
        "child_nodes",
        "root_id",
        "records",
        "account_change_id",
        "trade_time",
        "change_amount",
        "coupon_id",
        "sub_coupon_id",
        "balance",
        "use_limits",
        "user_coupons",
        "cost_data",
        "dimensions",
        "key",
        "value",
        "costs",
        "amount_by_costs",
        "account_balances",
        "debt_amount",
        "real_retrieve_amout",
    ]
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(value=_ANYTHING)
def test_no_json_whatever_raises_anything_but_a_malformed_answer(value: Any) -> None:
    for operation in OPERATIONS:
        if operation.parse is not None:
            with contextlib.suppress(MalformedAnswer):
                operation.parse(value, Place(operation.endpoint, "CNY"))


@given(body=st.binary(max_size=60) | st.text('{}[]":,0123456789.eE+-\\u', max_size=40))
def test_no_bytes_whatever_raise_anything_but_a_malformed_answer(body: bytes | str) -> None:
    with contextlib.suppress(MalformedAnswer):
        parse(body if isinstance(body, bytes) else body.encode(), Place("GET /x", "CNY"))


def test_a_key_met_twice_is_told_with_its_place() -> None:
    with pytest.raises(MalformedAnswer) as caught:
        parse(b'{"a":[{},{"b":1,"b":1}]}', Place("GET /x", "CNY"))
    assert caught.value.path == "$.a[1]"


def test_32_levels_are_read() -> None:
    assert parse(b"[" * 32 + b"]" * 32, Place("GET /x", "CNY"))


@pytest.mark.parametrize(
    ("operation", "given", "why"),
    [
        (ops.MEMBER_CASH, {}, "sub_customer_id is missing"),
        (ops.MEMBER_CASH, {"sub_customer_id": ""}, "length 0"),
        (ops.MEMBER_CASH, {"sub_customer_id": "x" * 65}, "length 65"),
        (ops.MEMBER_CASH, {"sub_customer_id": "a\nb"}, "cannot be printed"),
        (ops.MEMBER_CASH, {"sub_customer_id": 12}, "must be a text"),
        (ops.MEMBERS, {"limit": 101}, "limit is 101, outside 1 to 100"),
        (ops.MEMBERS, {"offset": -1}, "offset is -1"),
        (ops.MEMBERS, {"offset": True}, "must be a whole number"),
        (ops.MEMBERS, {"nonsense": 1}, "not a documented field"),
        (ops.MEMBERS, {"fuzzy_query": 2}, "must be one of 0, 1"),
        (ops.ORGANIZATIONS, {"parent_id": "5a"}, "documented form"),
        (ops.MONTHLY_SUM, {"bill_cycle": "2026-1"}, "documented form"),
        (ops.SEND_CODE, {"mobile_phone": "1", "timeout": 0}, "timeout is 0"),
        (ops.COSTS, {"time_condition": {"time_measure_id": 3}}, "time_condition.time_measure_id"),
        (ops.STORED_VALUE_CARDS, {"status": 3}, "must be one of 1, 2"),
    ],
)
def test_what_the_documentation_refuses_is_not_sent(
    operation: Operation[Any], given: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidRequest, match=why):
        operation.prepare(given)


def test_a_query_of_costs_is_an_exact_body() -> None:
    query, body = ops.COSTS.prepare(
        {
            "time_condition": {
                "time_measure_id": 1,
                "begin_time": "2026-01-10",
                "end_time": "2026-01-16",
            },
            "groupby": [{"type": "dimension", "key": "ASSOCIATED_ACCOUNT"}],
            "cost_type": "ORIGINAL_COST",
            "amount_type": "NET_AMOUNT",
            "offset": 0,
            "limit": 1000,
        }
    )
    assert query == ()
    assert body == (
        b'{"time_condition":{"time_measure_id":1,"begin_time":"2026-01-10",'
        b'"end_time":"2026-01-16"},"groupby":[{"type":"dimension","key":"ASSOCIATED_ACCOUNT"}],'
        b'"cost_type":"ORIGINAL_COST","amount_type":"NET_AMOUNT","offset":0,"limit":1000}'
    )


def test_a_password_is_not_repeated_when_it_is_refused() -> None:
    given = {
        "party_id": "1",
        "sub_customer_association_type": 1,
        "new_sub_customer": {"customer_name": "n", "password": "hunter2"},
    }
    with pytest.raises(InvalidRequest, match=r"new_sub_customer\.password") as caught:
        ops.CREATE_MEMBER.prepare(given)
    assert "hunter2" not in str(caught.value) + repr(caught.value)
