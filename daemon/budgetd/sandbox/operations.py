"""The inventory: every operation the sandbox serves, its path, its handler and its quota.

It may not do anything; the server looks requests up here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from budgetd.sandbox import bills, enterprise, funds, statements
from budgetd.sandbox.costs import list_costs
from budgetd.sandbox.wire import Answer, Call

_FAMILY = "/v2/enterprises/multi-accounts"
_BILLS = "/v2/bills/customer-bills"
_BENEFITS = "/v2/promotions/benefits"
_ACCOUNTS = "/v2/accounts/customer-accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; `name` is what the official SDK calls it, `per_second` its quota."""

    name: str
    method: str
    path: str
    handle: Callable[[Call], Answer]
    per_second: int = 10


def _get(name: str, path: str, handle: Callable[[Call], Answer], limit: int = 10) -> Operation:
    return Operation(name=name, method="GET", path=path, handle=handle, per_second=limit)


def _post(name: str, path: str, handle: Callable[[Call], Answer]) -> Operation:
    return Operation(name=name, method="POST", path=path, handle=handle)


OPERATIONS = (
    _get(
        "ListEnterpriseOrganizations",
        f"{_FAMILY}/enterprise-organizations",
        enterprise.list_organizations,
    ),
    _get("ListEnterpriseSubCustomers", f"{_FAMILY}/sub-customers", enterprise.list_sub_customers),
    _post("CreateSubEnterpriseAccount", f"{_FAMILY}/sub-customers", enterprise.create_sub_customer),
    _post(
        "SendSmsVerificationCode",
        f"{_FAMILY}/sm-verification-code",
        enterprise.send_verification_code,
    ),
    _get(
        "ShowMultiAccountTransferAmount", f"{_FAMILY}/transfer-amount", funds.show_transfer_amount
    ),
    _get("ListEnterpriseMultiAccount", f"{_FAMILY}/retrieve-amount", funds.list_retrieve_amount),
    _post("UpdateSubEnterpriseAmount", f"{_FAMILY}/transfer-amount", funds.transfer_amount),
    _post("ReclaimSubEnterpriseAmount", f"{_FAMILY}/retrieve-amount", funds.retrieve_amount),
    _get(
        "ListMultiAccountTransferCoupons",
        f"{_FAMILY}/transfer-coupons",
        funds.list_transfer_coupons,
    ),
    _get(
        "ListMultiAccountRetrieveCoupons",
        f"{_FAMILY}/retrieve-coupons",
        funds.list_retrieve_coupons,
    ),
    _post("ClaimEnterpriseMultiAccountCoupon", f"{_FAMILY}/transfer-coupon", funds.transfer_coupon),
    _post(
        "ReclaimEnterpriseMultiAccountCoupon",
        f"{_FAMILY}/retrieve-coupon",
        funds.retrieve_coupon,
    ),
    _post(
        "CreateEnterpriseProjectAuth",
        "/v2/enterprises/enterprise-projects/authority",
        enterprise.open_enterprise_projects,
    ),
    _get("ShowCustomerAccountBalances", f"{_ACCOUNTS}/balances", statements.show_balances, 20),
    _get(
        "ListCustomerAccountChangeRecords",
        f"{_ACCOUNTS}/account-change-records",
        statements.list_money_records,
    ),
    _get(
        "ListCustomerCouponChangeRecords",
        f"{_BENEFITS}/account-change-records",
        statements.list_coupon_records,
    ),
    _get("ListSubCustomerCoupons", f"{_BENEFITS}/coupons", statements.list_coupons),
    _get(
        "ListStoredValueCards",
        f"{_BENEFITS}/stored-value-cards",
        statements.list_stored_value_cards,
        5,
    ),
    _get("ShowCustomerMonthlySum", f"{_BILLS}/monthly-sum", bills.show_monthly_sum),
    _get("ListCustomerBillsFeeRecords", f"{_BILLS}/fee-records", bills.list_fee_records),
    _get("ListCustomerselfResourceRecords", f"{_BILLS}/res-fee-records", bills.list_resource_fees),
    _post(
        "ListCustomerselfResourceRecordDetails",
        f"{_BILLS}/res-records/query",
        bills.query_resource_records,
    ),
    _get(
        "ListCustomerBillsMonthlyBreakDown",
        "/v2/costs/cost-analysed-bills/monthly-breakdown",
        bills.list_monthly_breakdown,
    ),
    _post("ListCosts", "/v4/costs/cost-analysed-bills/query", list_costs),
)
BY_PLACE = {(operation.method, operation.path): operation for operation in OPERATIONS}
QUOTAS = {place: operation.per_second for place, operation in BY_PLACE.items()}
