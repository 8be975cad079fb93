"""The official client drives every operation of the inventory and finds the book's values."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import huaweicloudsdkbss.v2 as sdk
import pytest

from budgetd.sandbox.gateway import Sandbox
from budgetd.sandbox.nouns import Account
from budgetd.sandbox.operations import OPERATIONS
from budgetd.sandbox.running import RunningSandbox
from budgetd.sandbox.wire import china_day, cycle_text, instant_text

CASH, CREDIT = "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT"
Drive = Callable[[sdk.BssClient, Sandbox], None]
DRIVES: dict[str, Drive] = {}


def drives(name: str) -> Callable[[Drive], Drive]:
    """Registers what drives one operation of the inventory."""

    def keep(drive: Drive) -> Drive:
        DRIVES[name] = drive
        return drive

    return keep


def yuan(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def named(sandbox: Sandbox, name: str) -> Account:
    return next(a for a in sandbox.book.accounts.values() if a.display_name == name)


@drives("ListEnterpriseOrganizations")
def organizations(client: sdk.BssClient, sandbox: Sandbox) -> None:
    whole = client.list_enterprise_organizations(
        sdk.ListEnterpriseOrganizationsRequest(recursive_query=1)
    )
    assert (whole.root_id, whole.root_name) == ("5000", "Acme")
    assert [node.name for node in whole.child_nodes] == [
        "R&D",
        "Projects",
        "Data",
        "Shared Services",
    ]
    assert whole.child_nodes[0].child_nodes[0].name == "Platform"
    part = client.list_enterprise_organizations(
        sdk.ListEnterpriseOrganizationsRequest(parent_id="5001")
    )
    assert part.root_id is None
    assert [node.id for node in part.child_nodes] == ["5002"]


@drives("ListEnterpriseSubCustomers")
def sub_customers(client: sdk.BssClient, sandbox: Sandbox) -> None:
    request = sdk.ListEnterpriseSubCustomersRequest(offset=1, limit=3)
    page = client.list_enterprise_sub_customers(request)
    members = list(sandbox.book.accounts.values())
    assert page.total_count == len(members) == 40
    assert [info.id for info in page.sub_customer_infos] == [m.id for m in members[1:4]]
    fuzzy = sdk.ListEnterpriseSubCustomersRequest(sub_customer_display_name="prod-", fuzzy_query=1)
    found = client.list_enterprise_sub_customers(fuzzy).sub_customer_infos
    assert found
    assert all("prod-" in info.display_name for info in found)
    exact = sdk.ListEnterpriseSubCustomersRequest(sub_customer_account_name="acme_prod_db")
    info = client.list_enterprise_sub_customers(exact).sub_customer_infos[0]
    assert (info.display_name, info.status, info.org_id, info.org_name) == (
        "prod-db",
        1,
        "5001",
        "R&D",
    )


@drives("CreateSubEnterpriseAccount")
def create_sub_account(client: sdk.BssClient, sandbox: Sandbox) -> None:
    new = sdk.NewCustomerV2(
        customer_name="acme_new_one", password="a-pass-word-1", use_pri_mobile_phone="Y"
    )
    body = sdk.CreateSubCustomerReqV2(
        party_id="5004",
        display_name="new-one",
        sub_customer_association_type=1,
        permission_ids=["READ_CONSUME_BILL", "SHARE-CREDIT-TO-SUB"],
        new_sub_customer=new,
        financial_custody=0,
    )
    answer = client.create_sub_enterprise_account(sdk.CreateSubEnterpriseAccountRequest(body))
    assert answer.status_code == 204
    created = named(sandbox, "new-one")
    assert (created.name, created.org_id, created.status) == ("acme_new_one", "5004", 1)
    assert created.credit_check_items == ()


@drives("SendSmsVerificationCode")
def verification_code(client: sdk.BssClient, sandbox: Sandbox) -> None:
    argument = sdk.TemplateArgs(key="sub_customer_name", value="new-one")
    body = sdk.SendSmVerificationCodeReq(
        mobile_phone="13800000000", timeout=10, language="en-us", sm_template_args=[argument]
    )
    answer = client.send_sms_verification_code(sdk.SendSmsVerificationCodeRequest(body))
    assert answer.status_code == 204


@drives("ShowMultiAccountTransferAmount")
def transferable(client: sdk.BssClient, sandbox: Sandbox) -> None:
    ask = sdk.ShowMultiAccountTransferAmountRequest
    cash = client.show_multi_account_transfer_amount(ask(balance_type=CASH))
    master = sandbox.book.master
    assert cash.total_count == 1
    info = cash.amount_infos[0]
    assert info.avail_transfer_amount == yuan(master.cash.amount - master.over_invoiced)
    assert (info.currency, info.measure_id, info.amount, info.expire_time) == ("CNY", 1, None, None)
    credit = client.show_multi_account_transfer_amount(ask(balance_type=CREDIT))
    assert [
        (i.avail_transfer_amount, i.amount, i.credit_amount, i.expire_time)
        for i in credit.amount_infos
    ] == [
        (
            yuan(ledger.purse.amount),
            yuan(ledger.purse.amount + ledger.held),
            yuan(ledger.limit),
            instant_text(ledger.expire_time),
        )
        for ledger in master.ledgers.values()
    ]


@drives("ListEnterpriseMultiAccount")
def retrievable(client: sdk.BssClient, sandbox: Sandbox) -> None:
    ask = sdk.ListEnterpriseMultiAccountRequest
    for name in ("prod-web", "prod-db", "prod-api", "idle"):
        member = named(sandbox, name)
        answer = client.list_enterprise_multi_account(ask(member.id, CASH))
        assert answer.amount_infos[0].avail_retrieve_amount == yuan(member.cash.amount)
    with_credit = named(sandbox, "prod-api")
    answer = client.list_enterprise_multi_account(ask(with_credit.id, CREDIT, limit=1))
    assert answer.total_count == len(with_credit.ledgers) == 2
    assert len(answer.amount_infos) == 1


def move_body(kind: type, member: Account, amount: str, key: str, **more: str) -> object:
    return kind(customer_id=member.id, amount=amount, trans_id=key, **more)


@drives("UpdateSubEnterpriseAmount")
def allocate(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, master = named(sandbox, "prod-web"), sandbox.book.master
    before = (master.cash.amount, member.cash.amount)
    body = move_body(sdk.TransferEnterpriseMultiAccountReq, member, "2000.00", "a" * 32)
    answer = client.update_sub_enterprise_amount(sdk.UpdateSubEnterpriseAmountRequest(body))
    assert answer.status_code == 204
    assert (master.cash.amount, member.cash.amount) == (before[0] - 200_000, before[1] + 200_000)
    with_credit = named(sandbox, "prod-api")
    ends, ledger = next(iter(with_credit.ledgers.items()))
    amount = ledger.purse.amount
    body = move_body(
        sdk.TransferEnterpriseMultiAccountReq,
        with_credit,
        "30.00",
        "b" * 32,
        balance_type=CREDIT,
        expire_time=instant_text(ends),
    )
    client.update_sub_enterprise_amount(sdk.UpdateSubEnterpriseAmountRequest(body))
    assert ledger.purse.amount == amount + 3000


@drives("ReclaimSubEnterpriseAmount")
def reclaim(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, master = named(sandbox, "idle"), sandbox.book.master
    before = master.cash.amount
    body = move_body(sdk.RetrieveEnterpriseMultiAccountReq, member, "4800.00", "c" * 32)
    answer = client.reclaim_sub_enterprise_amount(sdk.ReclaimSubEnterpriseAmountRequest(body))
    assert answer.status_code == 204
    assert (master.cash.amount, member.cash.amount) == (before + 480_000, 20_000)


@drives("ListMultiAccountTransferCoupons")
def transferable_coupons(client: sdk.BssClient, sandbox: Sandbox) -> None:
    answer = client.list_multi_account_transfer_coupons(
        sdk.ListMultiAccountTransferCouponsRequest()
    )
    coupons = list(sandbox.book.master.coupons.values())
    assert answer.total_count == len(coupons)
    assert [(c.coupon_id, c.balance, c.expire_time) for c in answer.avail_transfer_coupons] == [
        (c.id, f"{yuan(c.purse.amount):.2f}", instant_text(c.expire_time)) for c in coupons
    ]
    limit = answer.avail_transfer_coupons[0].use_limits[0]
    assert (limit.use_limiti_info_id, limit.limit_key) == ("UL1", "subscribeType")


@drives("ListMultiAccountRetrieveCoupons")
def retrievable_coupons(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member = named(sandbox, "busy")
    answer = client.list_multi_account_retrieve_coupons(
        sdk.ListMultiAccountRetrieveCouponsRequest(member.id)
    )
    assert [(c.coupon_id, c.sub_coupon_id, c.balance) for c in answer.avail_retrieve_coupons] == [
        (c.source_id, c.id, f"{yuan(c.purse.amount):.2f}") for c in member.coupons.values()
    ]


@drives("ClaimEnterpriseMultiAccountCoupon")
def grant(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member = named(sandbox, "prod-db")
    source = next(iter(sandbox.book.master.coupons.values()))
    before = source.purse.amount
    body = sdk.TransferEnterpriseMultiAccountCouponReq(member.id, source.id, "50.00", "d" * 32)
    answer = client.claim_enterprise_multi_account_coupon(
        sdk.ClaimEnterpriseMultiAccountCouponRequest(body)
    )
    child = member.coupons[answer.sub_coupon_id]
    assert (child.purse.amount, child.source_id) == (5000, source.id)
    assert source.purse.amount == before - 5000


@drives("ReclaimEnterpriseMultiAccountCoupon")
def take_back(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member = named(sandbox, "busy")
    child = next(iter(member.coupons.values()))
    body = sdk.RetrieveEnterpriseMultiAccountCouponReq(
        member.id, child.source_id, child.id, "e" * 32
    )
    answer = client.reclaim_enterprise_multi_account_coupon(
        sdk.ReclaimEnterpriseMultiAccountCouponRequest(body)
    )
    assert answer.real_retrieve_amout == "32.50"
    assert child.purse.amount == 0


@drives("CreateEnterpriseProjectAuth")
def project_authority(client: sdk.BssClient, sandbox: Sandbox) -> None:
    request = sdk.CreateEnterpriseProjectAuthRequest()
    assert client.create_enterprise_project_auth(request).status_code == 204
    assert sandbox.book.multi_project_open


@drives("ShowCustomerAccountBalances")
def balances(client: sdk.BssClient, sandbox: Sandbox) -> None:
    answer = client.show_customer_account_balances(sdk.ShowCustomerAccountBalancesRequest())
    cash, credit = answer.account_balances
    master = sandbox.book.master
    assert (cash.account_type, cash.amount) == (1, yuan(master.cash.amount))
    assert credit.account_type == 2
    assert credit.credit_amount == yuan(sum(x.limit for x in master.ledgers.values()))
    assert (answer.debt_amount, answer.currency) == (Decimal(0), "CNY")


@drives("ListCustomerAccountChangeRecords")
def money_records(client: sdk.BssClient, sandbox: Sandbox) -> None:
    allocate(client, sandbox)
    ask = sdk.ListCustomerAccountChangeRecordsRequest
    answer = client.list_customer_account_change_records(
        ask(balance_type=CASH, trade_type="BEADJUST")
    )
    assert (answer.total_count, answer.currency) == (1, "CNY")
    record = answer.records[0]
    assert (record.change_amount, record.revenue_expense_type) == ("-2000.00", "EXPENSE")
    assert record.balance_after_change == f"{yuan(sandbox.book.master.cash.amount):.2f}"
    credit = client.list_customer_account_change_records(ask(balance_type=CREDIT))
    assert [r.change_amount for r in credit.records] == ["-30.00"]


@drives("ListCustomerCouponChangeRecords")
def coupon_records(client: sdk.BssClient, sandbox: Sandbox) -> None:
    grant(client, sandbox)
    take_back(client, sandbox)
    answer = client.list_customer_coupon_change_records(
        sdk.ListCustomerCouponChangeRecordsRequest(balance_type="BALANCE_TYPE_COUPON")
    )
    assert [(r.change_amount, r.trade_detail_type) for r in answer.records] == [
        ("32.50", "SOURCE_OPERATION_RETRIEVE"),
        ("-50.00", "SOURCE_OPERATION_TRANSFER"),
    ]


@drives("ListSubCustomerCoupons")
def own_coupons(client: sdk.BssClient, sandbox: Sandbox) -> None:
    answer = client.list_sub_customer_coupons(
        sdk.ListSubCustomerCouponsRequest(status=2, offset=0, limit=100)
    )
    coupons = list(sandbox.book.master.coupons.values())
    assert answer.count == len(coupons)
    assert [(c.coupon_id, Decimal(str(c.balance))) for c in answer.user_coupons] == [
        (c.id, yuan(c.purse.amount)) for c in coupons
    ]


@drives("ListStoredValueCards")
def stored_value_cards(client: sdk.BssClient, sandbox: Sandbox) -> None:
    answer = client.list_stored_value_cards(sdk.ListStoredValueCardsRequest(status=1))
    assert [(c.card_id, c.balance) for c in answer.stored_value_cards] == [
        (c.id, f"{yuan(c.balance):.2f}") for c in sandbox.book.cards if c.balance
    ]


def spent_by(member: Account, cycle: str) -> Decimal:
    return yuan(sum(c.total for c in member.charges if f"{c.day:%Y-%m}" == cycle))


def last_month(sandbox: Sandbox) -> str:
    return cycle_text(sandbox.clock.now() - timedelta(days=35))


@drives("ShowCustomerMonthlySum")
def monthly_sum(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, cycle = named(sandbox, "prod-db"), last_month(sandbox)
    answer = client.show_customer_monthly_sum(
        sdk.ShowCustomerMonthlySumRequest(
            bill_cycle=cycle, method="sub_customer", sub_customer_id=member.id
        )
    )
    assert {bill.customer_id for bill in answer.bill_sums} == {member.id}
    assert answer.total_count == 2
    assert answer.consume_amount == answer.cash_amount == spent_by(member, cycle)


@drives("ListCustomerBillsFeeRecords")
def fee_records(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, cycle = named(sandbox, "prod-db"), last_month(sandbox)
    answer = client.list_customer_bills_fee_records(
        sdk.ListCustomerBillsFeeRecordsRequest(
            bill_cycle=cycle, method="sub_customer", sub_customer_id=member.id, limit=1000
        )
    )
    assert answer.total_count == len(answer.records)
    assert sum(r.cash_amount for r in answer.records) == spent_by(member, cycle)


@drives("ListCustomerselfResourceRecords")
def resource_fees(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, cycle = named(sandbox, "prod-db"), last_month(sandbox)
    answer = client.list_customerself_resource_records(
        sdk.ListCustomerselfResourceRecordsRequest(
            cycle=cycle,
            method="sub_customer",
            sub_customer_id=member.id,
            statistic_type=1,
            limit=1000,
        )
    )
    assert answer.total_count == 2
    assert sum(r.amount for r in answer.fee_records) == spent_by(member, cycle)


@drives("ListCustomerselfResourceRecordDetails")
def resource_records(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, cycle = named(sandbox, "prod-db"), last_month(sandbox)
    body = sdk.QueryResRecordsDetailReq(
        cycle=cycle, method="sub_customer", sub_customer_id=member.id, limit=1000
    )
    answer = client.list_customerself_resource_record_details(
        sdk.ListCustomerselfResourceRecordDetailsRequest(body=body)
    )
    assert answer.total_count == 2
    assert all(r.resource_type_code for r in answer.monthly_records)
    assert sum(r.consume_amount for r in answer.monthly_records) == spent_by(member, cycle)


@drives("ListCustomerBillsMonthlyBreakDown")
def monthly_breakdown(client: sdk.BssClient, sandbox: Sandbox) -> None:
    member, cycle = named(sandbox, "prod-db"), last_month(sandbox)
    answer = client.list_customer_bills_monthly_break_down(
        sdk.ListCustomerBillsMonthlyBreakDownRequest(
            shared_month=cycle, method="sub_customer", sub_customer_id=member.id, limit=1000
        )
    )
    amounts = [d.current_month_amortized_amount for d in answer.details]
    assert sum(amounts) == spent_by(member, cycle)


@drives("ListCosts")
def costs(client: sdk.BssClient, sandbox: Sandbox) -> None:
    today = china_day(sandbox.clock.now())
    begin, end = today - timedelta(days=7), today - timedelta(days=1)
    body = sdk.ListCostsReq(
        time_condition=sdk.TimeCondition(1, str(begin), str(end)),
        groupby=[sdk.GroupBy("dimension", "ASSOCIATED_ACCOUNT")],
        cost_type="ORIGINAL_COST",
        amount_type="NET_AMOUNT",
        offset=0,
        limit=1000,
    )
    answer = client.list_costs(sdk.ListCostsRequest(body=body))
    told = {row.dimensions[0].value: row.amount_by_costs for row in answer.cost_data}
    assert answer.total_count == len(told)
    assert all(len(row.costs) == 7 for row in answer.cost_data)
    assert told == {
        member.id: f"{yuan(sum(c.total for c in member.charges if begin <= c.day <= end)):.2f}"
        for member in sandbox.book.accounts.values()
        if member.charges
    }


def test_every_operation_of_the_inventory_is_driven() -> None:
    assert set(DRIVES) == {operation.name for operation in OPERATIONS}
    assert len(OPERATIONS) == 24


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
def test_the_official_client_understands(
    name: str,
    started: Callable[..., RunningSandbox],
    client_of: Callable[..., sdk.BssClient],
) -> None:
    running = started()
    DRIVES[name](client_of(running), running.sandbox)
    assert all(sums.holds for sums in running.sandbox.book.conservation())


def test_the_inventory_has_the_paths_of_the_official_client() -> None:
    for operation in OPERATIONS:
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation.name)
        describe = getattr(sdk.BssClient, f"{snake}_http_info")
        info = describe(getattr(sdk, f"{operation.name}Request")())
        assert (info["method"], info["resource_path"]) == (operation.method, operation.path)
