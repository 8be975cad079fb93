"""What the provider's pages say of requests and answers, over a real socket."""

import json
from collections.abc import Callable

import httpx
import pytest
from huaweicloudsdkbss import v2 as sdk
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from budgetd.sandbox.auth import AccessKey
from budgetd.sandbox.fleet import MASTER_ID
from budgetd.sandbox.gateway import SANDBOX_AK, SANDBOX_SK, Sandbox, member_key
from budgetd.sandbox.operations import QUOTAS
from budgetd.sandbox.quota import Quota
from budgetd.sandbox.running import RunningSandbox

FAMILY = "/v2/enterprises/multi-accounts"
DEBIT = "BALANCE_TYPE_DEBIT"
Plain = Callable[[RunningSandbox], httpx.Client]
Start = Callable[..., RunningSandbox]
Untouched = tuple[RunningSandbox, httpx.Client]


def member_id(sandbox: Sandbox, name: str) -> str:
    return next(a.id for a in sandbox.book.accounts.values() if a.display_name == name)


def body(running: RunningSandbox, **changes: object) -> dict[str, object]:
    whole = {
        "customer_id": member_id(running.sandbox, "prod-web"),
        "amount": "1.00",
        "trans_id": "a" * 32,
    }
    return {name: value for name, value in (whole | changes).items() if value != "absent"}


BAD_MOVES = [
    {"amount": "0"},
    {"amount": "0.00"},
    {"amount": "-1.00"},
    {"amount": "1.001"},
    {"amount": "1e3"},
    {"amount": "1,000.00"},
    {"amount": 1.5},
    {"amount": 1},
    {"amount": ""},
    {"amount": None},
    {"amount": "absent"},
    {"amount": "0" * 29 + "1.00"},
    {"trans_id": "a" * 33},
    {"trans_id": 7},
    {"customer_id": "x" * 65},
    {"customer_id": ""},
    {"customer_id": "absent"},
    {"balance_type": ""},
    {"balance_type": "DEBIT"},
    {"balance_type": "BALANCE_TYPE_COUPON"},
    {"balance_type": "BALANCE_TYPE_CREDIT", "expire_time": ""},
    {"balance_type": "BALANCE_TYPE_CREDIT", "expire_time": "2026-12-31 15:59:59"},
]


@pytest.mark.parametrize("change", BAD_MOVES)
@pytest.mark.parametrize("path", ["transfer-amount", "retrieve-amount"])
def test_a_bad_parameter_moves_nothing(
    change: dict[str, object], path: str, untouched: Untouched
) -> None:
    running, plain = untouched
    answer = plain.post(f"{FAMILY}/{path}", json=body(running, **change))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")
    assert running.sandbox.book.moves == []


@pytest.mark.parametrize("key", ["", None, "absent"])
def test_without_a_key_every_try_moves(
    key: object, running: RunningSandbox, plain: httpx.Client
) -> None:
    for _ in range(2):
        answer = plain.post(f"{FAMILY}/transfer-amount", json=body(running, trans_id=key))
        assert answer.status_code == 204
    assert len(running.sandbox.book.moves) == 2


def test_a_move_answers_with_nothing_but_its_headers(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    answer = plain.post(f"{FAMILY}/transfer-amount", json=body(running, expire_time="2026"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert len(answer.headers["X-Request-Id"]) == 32
    assert "Date" in answer.headers


def test_amounts_are_numbers_with_two_decimals_and_nulls_are_there(untouched: Untouched) -> None:
    _, plain = untouched
    text = plain.get(f"{FAMILY}/transfer-amount", params={"balance_type": DEBIT}).text
    assert text == (
        '{"total_count":1,"amount_infos":[{"avail_transfer_amount":100000.00,"measure_id":1,'
        '"currency":"CNY","amount":null,"credit_amount":null,"expire_time":null}]}'
    )


BAD_READS = [
    ("transfer-amount", {}, "CBC.0100"),
    ("transfer-amount", {"balance_type": ""}, "CBC.0100"),
    ("transfer-amount", {"balance_type": DEBIT, "limit": "0"}, "CBC.0100"),
    ("transfer-amount", {"balance_type": DEBIT, "limit": "101"}, "CBC.0100"),
    ("transfer-amount", {"balance_type": DEBIT, "offset": "-1"}, "CBC.0100"),
    ("transfer-amount", {"balance_type": DEBIT, "offset": "2147483648"}, "CBC.0100"),
    ("retrieve-amount", {"balance_type": DEBIT}, "CBC.0100"),
    ("retrieve-amount", {"balance_type": DEBIT, "sub_customer_id": "f" * 32}, "CBC.99000047"),
    ("retrieve-coupons", {"sub_customer_id": "f" * 32}, "CBC.99000047"),
    ("retrieve-coupons", {"sub_customer_id": "f" * 65}, "CBC.0100"),
    ("transfer-coupons", {"limit": ""}, "CBC.0100"),
    ("sub-customers", {"fuzzy_query": "2"}, "CBC.0100"),
    ("sub-customers", {"org_id": "5" * 21}, "CBC.0100"),
    ("sub-customers", {"sub_customer_account_name": "x" * 65}, "CBC.0100"),
    ("enterprise-organizations", {"parent_id": "R&D"}, "CBC.0100"),
    ("enterprise-organizations", {"recursive_query": "2"}, "CBC.0100"),
]


@pytest.mark.parametrize(("path", "query", "code"), BAD_READS)
def test_a_bad_query_is_refused(
    path: str, query: dict[str, str], code: str, untouched: Untouched
) -> None:
    _, plain = untouched
    answer = plain.get(f"{FAMILY}/{path}", params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_a_custody_account_is_found_out_by_being_refused(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    query = {
        "balance_type": DEBIT,
        "sub_customer_id": member_id(running.sandbox, "billing-custody"),
    }
    answer = plain.get(f"{FAMILY}/retrieve-amount", params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99000086")


def test_an_empty_name_is_a_filter_and_an_absent_one_is_none(untouched: Untouched) -> None:
    _, plain = untouched
    for query, count in (({}, 40), ({"sub_customer_account_name": ""}, 0)):
        answer = plain.get(f"{FAMILY}/sub-customers", params=query)
        assert answer.json()["total_count"] == count


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(content: bytes, untouched: Untouched) -> None:
    _, plain = untouched
    answer = plain.post(f"{FAMILY}/transfer-amount", content=content)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")


def test_a_check_item_is_named_in_the_body(plain: httpx.Client) -> None:
    path = "/v2/enterprises/enterprise-projects/authority"
    assert plain.post(path).status_code == 204
    refused = plain.post(path)
    assert refused.status_code == 400
    assert refused.json()["error_code"] == "CBC.99007004"
    assert refused.json()["fail_check_items"] == ["NOT_OPEN_MULTI_PROJECT"]


def test_an_unknown_path_is_not_published(untouched: Untouched) -> None:
    _, plain = untouched
    for answer in (plain.get("/v2/nothing"), plain.put(f"{FAMILY}/transfer-amount")):
        assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_member_reads_its_own_and_moves_nothing(
    running: RunningSandbox, client_of: Callable[..., sdk.BssClient]
) -> None:
    member = running.sandbox.book.accounts[member_id(running.sandbox, "monitoring")]
    key = member_key(member.id)
    client = client_of(running, key.ak, key.sk)
    answer = client.show_customer_account_balances(sdk.ShowCustomerAccountBalancesRequest())
    assert answer.account_balances[0].amount * 100 == member.cash.amount + member.own_cash.amount
    with pytest.raises(ClientRequestException) as caught:
        client.list_enterprise_sub_customers(sdk.ListEnterpriseSubCustomersRequest())
    assert (caught.value.status_code, caught.value.error_code) == (403, "CBC.0151")


def test_the_eleventh_call_of_a_second_is_throttled(started: Start, plain_of: Plain) -> None:
    ticks = [0.0]
    plain = plain_of(started(quota=Quota(QUOTAS, ticks=lambda: ticks[0])))
    paths = {
        f"{FAMILY}/sub-customers": 10,
        "/v2/accounts/customer-accounts/balances": 20,
        "/v2/promotions/benefits/stored-value-cards?status=1": 5,
    }
    for path, limit in paths.items():
        codes = [plain.get(path).status_code for _ in range(limit + 1)]
        assert codes == [200] * limit + [429]
    refused = plain.get(f"{FAMILY}/sub-customers")
    assert refused.json()["error_code"] == "APIGW.0308"
    assert "limit:10,time:1 second" in refused.json()["error_msg"]
    ticks[0] = 1.0
    assert plain.get(f"{FAMILY}/sub-customers").status_code == 200


def test_too_many_independent_members_need_a_name(started: Start, plain_of: Plain) -> None:
    running = started()
    book = running.sandbox.book
    sample = next(iter(book.accounts.values()))
    book.accounts.update({f"{n:032d}": sample for n in range(1000)})
    asked = {
        "time_condition": {
            "time_measure_id": 2,
            "begin_time": "2026-01",
            "end_time": "2026-02",
        },
        "groupby": [{"type": "dimension", "key": "ASSOCIATED_ACCOUNT"}],
        "cost_type": "ORIGINAL_COST",
        "amount_type": "NET_AMOUNT",
    }
    plain = plain_of(running)
    answer = plain.post("/v4/costs/cost-analysed-bills/query", json=asked)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.18000048")
    factor = {"key": "ASSOCIATED_ACCOUNT", "value": [sample.id]}
    named = asked | {"filters": [{"operator": 0, "filter_factor": factor}]}
    assert plain.post("/v4/costs/cost-analysed-bills/query", json=named).status_code == 200


def test_a_new_account_with_a_bad_password_or_name_is_not_made(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    new = {"customer_name": "acme_x", "password": "abcdefg1", "use_pri_mobile_phone": "Y"}
    cases = [
        ({"password": "short1"}, "CBC.0100"),
        ({"password": "onlyletters"}, "CBC.99000036"),
        ({"customer_name": "acme_prod_web"}, "CBC.99000031"),
        ({"use_pri_mobile_phone": "N"}, "CBC.0100"),
        ({"mobile_phone": "13800000000", "verification_code": "999999"}, "CBC.99000026"),
    ]
    for change, code in cases:
        whole = {
            "party_id": "5001",
            "sub_customer_association_type": 1,
            "new_sub_customer": new | change,
        }
        answer = plain.post(f"{FAMILY}/sub-customers", json=whole)
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert len(running.sandbox.book.accounts) == 40


def test_no_secret_is_in_the_repr_of_a_key() -> None:
    key = AccessKey(ak=SANDBOX_AK, sk=SANDBOX_SK, account_id=MASTER_ID, security_token="tok")
    assert SANDBOX_SK not in repr(key)
    assert "tok" not in repr(key)


def test_what_reached_the_provider_can_be_asked(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    sent = body(running)
    plain.post(f"{FAMILY}/transfer-amount", json=sent)
    seen = running.sandbox.seen[-1]
    assert (seen.method, seen.path, seen.status) == ("POST", f"{FAMILY}/transfer-amount", 204)
    assert json.loads(seen.body) == sent


def test_passwords_are_not_kept_of_what_was_seen(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    new = {"customer_name": "acme_x", "password": "hush-hush-1", "use_pri_mobile_phone": "Y"}
    whole = {"party_id": "5001", "sub_customer_association_type": 1, "new_sub_customer": new}
    assert plain.post(f"{FAMILY}/sub-customers", json=whole).status_code == 204
    kept = "".join(seen.body for seen in running.sandbox.seen)
    assert "hush-hush-1" not in kept
    assert "sandbox-password" not in kept


def test_half_a_character_does_not_get_into_the_book(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    content = json.dumps(body(running, trans_id="\ud800")).encode()
    answer = plain.post(f"{FAMILY}/transfer-amount", content=content)
    assert answer.json()["error_code"] == "CBC.0100"


BILLS = "/v2/bills/customer-bills"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{BILLS}/monthly-sum", {}),
        (f"{BILLS}/monthly-sum", {"bill_cycle": "2026-13"}),
        (f"{BILLS}/monthly-sum", {"bill_cycle": "2026-10", "limit": "0"}),
        (f"{BILLS}/monthly-sum", {"bill_cycle": "2026-10", "limit": "1001"}),
        (f"{BILLS}/monthly-sum", {"bill_cycle": "2026-10", "method": "sub_customer"}),
        (f"{BILLS}/fee-records", {"bill_cycle": "2026-10", "bill_date_begin": "2026-10-01"}),
        (f"{BILLS}/res-fee-records", {"cycle": "2026-10", "statistic_type": "4"}),
        ("/v2/promotions/benefits/stored-value-cards", {}),
        ("/v2/promotions/benefits/coupons", {"status": "6"}),
        ("/v2/accounts/customer-accounts/account-change-records", {}),
        (
            "/v2/accounts/customer-accounts/account-change-records",
            {"balance_type": DEBIT, "trade_type": ""},
        ),
        (
            "/v2/accounts/customer-accounts/account-change-records",
            {"balance_type": DEBIT, "trade_time_begin": "2020-01-01"},
        ),
        (
            "/v2/promotions/benefits/account-change-records",
            {"balance_type": DEBIT},
        ),
    ],
)
def test_a_bad_question_about_bills_or_records_is_refused(
    path: str, query: dict[str, str], untouched: Untouched
) -> None:
    _, plain = untouched
    answer = plain.get(path, params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")


def test_a_member_that_does_not_show_its_bills_is_not_on_them(
    running: RunningSandbox, plain: httpx.Client
) -> None:
    book = running.sandbox.book
    member = book.accounts[member_id(running.sandbox, "prod-db")]
    cycle = f"{member.charges[0].day:%Y-%m}"
    query = {"bill_cycle": cycle, "method": "sub_customer", "sub_customer_id": member.id}
    assert plain.get(f"{BILLS}/monthly-sum", params=query).json()["total_count"] == 2
    elsewhere = query | {"enterprise_project_id": "-1"}
    assert plain.get(f"{BILLS}/monthly-sum", params=elsewhere).json()["total_count"] == 0
    member.shows_bills = False
    assert plain.get(f"{BILLS}/monthly-sum", params=query).json()["total_count"] == 0
