"""Every operation of the provider that the product knows, in one typed table.

A row says how an API is called, what it may be asked, and what its answer means; the page of
the documentation stands with it. It may not call anything.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Generic, TypeVar

from budgetd.core.observation import Coupon, CreditLedger
from budgetd.provider import answers, bills, requests
from budgetd.provider.answers import Page
from budgetd.provider.fields import Field, validate
from budgetd.provider.signing import canonical_query
from budgetd.provider.wire import Reader

A = TypeVar("A")
Row = TypeVar("Row")


class Role(StrEnum):
    """What a call does to the world, and so how it may be called."""

    READ = "read"
    MOVE = "move"
    CREATE = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How a list is paged: by `offset` and `limit`, at most `largest` rows a page. `key` names
    a row (None: the provider gives its rows no name, so equal rows are not taken for one)."""

    largest: int
    key: Callable[[Any], Hashable] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[A]):
    """One API. `parse` is None where success has no body (204); `fixed` fields are sent with
    every call; `quota_factor` multiplies the configured quota (API notes, section 14)."""

    name: str
    method: str
    path: str
    role: Role
    page: str
    fields: tuple[Field, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    parse: Reader[A] | None = None
    paging: Paging | None = None
    quota_factor: Fraction = Fraction(1)

    @property
    def endpoint(self) -> str:
        """Method and path: the name of the API in messages, and what the quota counts."""
        return f"{self.method} {self.path}"

    @property
    def success_status(self) -> int:
        """200 with a body, or 204 without one."""
        return 204 if self.parse is None else 200

    def prepare(self, given: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], bytes]:
        """The decoded query and the exact body of one call; raises `InvalidRequest`."""
        values = validate(self.endpoint, self.fields, {**given, **self.fixed})
        if self.method == "POST":
            return (), compact_json(values) if self.fields else b""
        return tuple((name, _query_text(value)) for name, value in values.items()), b""

    def target(self, query: tuple[tuple[str, str], ...]) -> str:
        """Path and canonical query, as they are sent."""
        return f"{self.path}?{canonical_query(query)}" if query else self.path


def compact_json(values: Mapping[str, Any]) -> bytes:
    """JSON without blanks, in the order given, UTF-8."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id_of(name: str) -> Callable[[Any], Hashable]:
    def key(row: Any) -> Hashable:
        found: Hashable = getattr(row, name)
        return found

    return key


_HUNDRED = 100
_THOUSAND = 1000
_ACCOUNTS = "/v2/enterprises/multi-accounts"
_LEDGERS = Paging(largest=_HUNDRED, key=_id_of("expire_time"))
_NAMELESS = Paging(largest=_THOUSAND, key=None)

ORGANIZATIONS = Operation(
    name="ListEnterpriseOrganizations",
    method="GET",
    path=f"{_ACCOUNTS}/enterprise-organizations",
    role=Role.READ,
    page="ep_00020",
    fields=requests.ORGANIZATIONS,
    parse=answers.organization_tree,
)
MEMBERS: Operation[Page[answers.Member]] = Operation(
    name="ListEnterpriseSubCustomers",
    method="GET",
    path=f"{_ACCOUNTS}/sub-customers",
    role=Role.READ,
    page="ep_00021",
    fields=requests.MEMBERS,
    parse=answers.page(answers.member, "sub_customer_infos"),
    paging=Paging(largest=_HUNDRED, key=_id_of("id")),
)
CREATE_MEMBER: Operation[None] = Operation(
    name="CreateSubEnterpriseAccount",
    method="POST",
    path=f"{_ACCOUNTS}/sub-customers",
    role=Role.CREATE,
    page="ep_00023",
    fields=requests.CREATE_MEMBER,
)
SEND_CODE: Operation[None] = Operation(
    name="SendSmsVerificationCode",
    method="POST",
    path=f"{_ACCOUNTS}/sm-verification-code",
    role=Role.CREATE,
    page="sm-verification-code",
    fields=requests.SEND_CODE,
)


def _amount_read(
    name: str, parse: Reader[A], balance: str, paging: Paging | None = None
) -> Operation[A]:
    is_master = name == "ShowMultiAccountTransferAmount"
    return Operation(
        name=name,
        method="GET",
        path=f"{_ACCOUNTS}/{'transfer' if is_master else 'retrieve'}-amount",
        role=Role.READ,
        page="ep_00018" if is_master else "ep_00019",
        fields=requests.MASTER_AMOUNT if is_master else requests.MEMBER_AMOUNT,
        fixed={"balance_type": f"BALANCE_TYPE_{balance}"},
        parse=parse,
        paging=paging,
    )


MASTER_CASH: Operation[Decimal] = _amount_read(
    "ShowMultiAccountTransferAmount", answers.cash("avail_transfer_amount"), "DEBIT"
)
MASTER_CREDIT: Operation[Page[CreditLedger]] = _amount_read(
    "ShowMultiAccountTransferAmount",
    answers.credit("avail_transfer_amount"),
    "CREDIT",
    _LEDGERS,
)
MEMBER_CASH: Operation[Decimal] = _amount_read(
    "ListEnterpriseMultiAccount", answers.cash("avail_retrieve_amount"), "DEBIT"
)
MEMBER_CREDIT: Operation[Page[CreditLedger]] = _amount_read(
    "ListEnterpriseMultiAccount", answers.credit("avail_retrieve_amount"), "CREDIT", _LEDGERS
)
TRANSFER_AMOUNT: Operation[None] = Operation(
    name="UpdateSubEnterpriseAmount",
    method="POST",
    path=f"{_ACCOUNTS}/transfer-amount",
    role=Role.MOVE,
    page="ep_00016",
    fields=requests.MOVE_AMOUNT,
)
RETRIEVE_AMOUNT: Operation[None] = Operation(
    name="ReclaimSubEnterpriseAmount",
    method="POST",
    path=f"{_ACCOUNTS}/retrieve-amount",
    role=Role.MOVE,
    page="ep_00017",
    fields=requests.MOVE_AMOUNT,
)
MASTER_COUPONS: Operation[Page[Coupon]] = Operation(
    name="ListMultiAccountTransferCoupons",
    method="GET",
    path=f"{_ACCOUNTS}/transfer-coupons",
    role=Role.READ,
    page="ep_00024",
    fields=requests.PAGE,
    parse=answers.page(answers.master_coupon, "avail_transfer_coupons"),
    paging=Paging(largest=_HUNDRED, key=_id_of("coupon_id")),
)
MEMBER_COUPONS: Operation[Page[Coupon]] = Operation(
    name="ListMultiAccountRetrieveCoupons",
    method="GET",
    path=f"{_ACCOUNTS}/retrieve-coupons",
    role=Role.READ,
    page="ep_00025",
    fields=requests.MEMBER_COUPONS,
    parse=answers.page(answers.member_coupon, "avail_retrieve_coupons"),
    paging=Paging(largest=_HUNDRED, key=_id_of("child_id")),
)
TRANSFER_COUPON = Operation(
    name="ClaimEnterpriseMultiAccountCoupon",
    method="POST",
    path=f"{_ACCOUNTS}/transfer-coupon",
    role=Role.MOVE,
    page="ep_00026",
    fields=requests.GRANT_COUPON,
    parse=answers.created_coupon,
)
RETRIEVE_COUPON = Operation(
    name="ReclaimEnterpriseMultiAccountCoupon",
    method="POST",
    path=f"{_ACCOUNTS}/retrieve-coupon",
    role=Role.MOVE,
    page="ep_00027",
    fields=requests.RECLAIM_COUPON,
    parse=answers.reclaimed_coupon,
)
PROJECT_AUTHORITY: Operation[None] = Operation(
    name="CreateEnterpriseProjectAuth",
    method="POST",
    path="/v2/enterprises/enterprise-projects/authority",
    role=Role.CREATE,
    page="ep_00022",
)
BALANCES = Operation(
    name="ShowCustomerAccountBalances",
    method="GET",
    path="/v2/accounts/customer-accounts/balances",
    role=Role.READ,
    page="mac_00001",
    parse=answers.balances,
    quota_factor=Fraction(2),
)
MONEY_CHANGES: Operation[Page[answers.MoneyChange]] = Operation(
    name="ListCustomerAccountChangeRecords",
    method="GET",
    path="/v2/accounts/customer-accounts/account-change-records",
    role=Role.READ,
    page="mac_00003",
    fields=requests.MONEY_CHANGES,
    parse=answers.page(answers.money_change, "records"),
    paging=Paging(largest=_HUNDRED, key=_id_of("id")),
)
COUPON_CHANGES: Operation[Page[answers.CouponChange]] = Operation(
    name="ListCustomerCouponChangeRecords",
    method="GET",
    path="/v2/promotions/benefits/account-change-records",
    role=Role.READ,
    page="promotions/benefits/account-change-records",
    fields=requests.COUPON_CHANGES,
    fixed={"balance_type": "BALANCE_TYPE_COUPON"},
    parse=answers.page(answers.coupon_change, "records"),
    paging=Paging(largest=_HUNDRED, key=None),
)
OWN_COUPONS: Operation[Page[bills.OwnCoupon]] = Operation(
    name="ListSubCustomerCoupons",
    method="GET",
    path="/v2/promotions/benefits/coupons",
    role=Role.READ,
    page="promotions/benefits/coupons",
    fields=requests.OWN_COUPONS,
    parse=answers.page(bills.own_coupon, "user_coupons", total_key="count"),
    paging=Paging(largest=_HUNDRED, key=_id_of("coupon_id")),
)
STORED_VALUE_CARDS: Operation[Page[bills.StoredValueCard]] = Operation(
    name="ListStoredValueCards",
    method="GET",
    path="/v2/promotions/benefits/stored-value-cards",
    role=Role.READ,
    page="promotions/benefits/stored-value-cards",
    fields=requests.STORED_VALUE_CARDS,
    parse=answers.page(bills.stored_value_card, "stored_value_cards"),
    paging=Paging(largest=_HUNDRED, key=_id_of("card_id")),
    quota_factor=Fraction(1, 2),
)


def _bill_read(name: str, path: str, parse: Reader[A], fields: tuple[Field, ...]) -> Operation[A]:
    return Operation(
        name=name,
        method="GET" if "/query" not in path else "POST",
        path=path,
        role=Role.READ,
        page=path.removeprefix("/"),
        fields=fields,
        parse=parse,
        paging=_NAMELESS,
    )


_BILLS = "/v2/bills/customer-bills"
MONTHLY_SUM: Operation[Page[bills.MonthlySum]] = _bill_read(
    "ShowCustomerMonthlySum",
    f"{_BILLS}/monthly-sum",
    answers.page(bills.monthly_sum, "bill_sums"),
    requests.MONTHLY_SUM,
)
FEE_RECORDS: Operation[Page[bills.FeeRecord]] = _bill_read(
    "ListCustomerBillsFeeRecords",
    f"{_BILLS}/fee-records",
    answers.page(bills.fee_record, "records"),
    requests.FEE_RECORDS,
)
RESOURCE_FEE_RECORDS: Operation[Page[bills.ResourceRecord]] = _bill_read(
    "ListCustomerselfResourceRecords",
    f"{_BILLS}/res-fee-records",
    answers.page(bills.resource_fee_record, "fee_records"),
    requests.RESOURCE_FEE_RECORDS,
)
RESOURCE_DETAILS: Operation[Page[bills.ResourceRecord]] = _bill_read(
    "ListCustomerselfResourceRecordDetails",
    f"{_BILLS}/res-records/query",
    answers.page(bills.resource_detail, "monthly_records"),
    requests.RESOURCE_DETAILS,
)
MONTHLY_BREAKDOWN: Operation[Page[bills.MonthlyShare]] = _bill_read(
    "ListCustomerBillsMonthlyBreakDown",
    "/v2/costs/cost-analysed-bills/monthly-breakdown",
    answers.page(bills.monthly_share, "details"),
    requests.MONTHLY_BREAKDOWN,
)
COSTS: Operation[Page[bills.CostRow]] = _bill_read(
    "ListCosts",
    "/v4/costs/cost-analysed-bills/query",
    answers.page(bills.cost_row, "cost_data"),
    requests.COSTS,
)

OPERATIONS: tuple[Operation[Any], ...] = (
    ORGANIZATIONS,
    MEMBERS,
    CREATE_MEMBER,
    SEND_CODE,
    MASTER_CASH,
    MASTER_CREDIT,
    MEMBER_CASH,
    MEMBER_CREDIT,
    TRANSFER_AMOUNT,
    RETRIEVE_AMOUNT,
    MASTER_COUPONS,
    MEMBER_COUPONS,
    TRANSFER_COUPON,
    RETRIEVE_COUPON,
    PROJECT_AUTHORITY,
    BALANCES,
    MONEY_CHANGES,
    COUPON_CHANGES,
    OWN_COUPONS,
    STORED_VALUE_CARDS,
    MONTHLY_SUM,
    FEE_RECORDS,
    RESOURCE_FEE_RECORDS,
    RESOURCE_DETAILS,
    MONTHLY_BREAKDOWN,
    COSTS,
)
"""All 24 APIs; the two readings of amounts stand twice, once for cash and once for credit."""
