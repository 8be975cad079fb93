"""What the provider's answers mean, as nouns, and the list of fields that each is read from.

Organizations, members, amounts and coupons become the nouns of the core; what only reports and
evidence need has its noun here. It may not call anything, nor fill a gap with a zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from budgetd.core.observation import Account, Coupon, CreditLedger, Organization, Status
from budgetd.provider.wire import (
    Entry,
    Place,
    Reader,
    amount,
    count,
    figure,
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

Row = TypeVar("Row")

STATUSES = {
    1: Status.NORMAL,
    2: Status.CREATING,
    3: Status.CLOSING,
    4: Status.CLOSED,
    101: Status.REGISTERING,
    102: Status.AWAITING_ACTIVATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list: its rows and how many rows the whole list has."""

    rows: tuple[Row, ...]
    total: int


def page(read: Reader[Row], rows_key: str, *, total_key: str = "total_count") -> Reader[Page[Row]]:
    """The reader of a page. A top-level currency must be ours where there is one."""

    def read_page(value: Any, place: Place) -> Page[Row]:
        members = mapping(value, place)
        total = Entry(count, total_key).of("total", members, place)
        maybe(our_currency, "currency").of("currency", members, place)
        found = Entry(rows(read), rows_key, () if total == 0 else None).of("rows", members, place)
        if found is None:
            raise place.at(rows_key).fail("missing")
        return Page(rows=found, total=total)

    return read_page


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationTree:
    """The units of the enterprise; `parents` holds the parent's id by a unit's id (None: top)."""

    organizations: tuple[Organization, ...]
    parents: Mapping[str, str | None]

    def by_id(self) -> dict[str, Organization]:
        """The units by id."""
        return {one.id: one for one in self.organizations}


def organization_tree(value: Any, place: Place) -> OrganizationTree:
    """ListEnterpriseOrganizations: the root (unless a start was asked for) and all below it."""
    members = mapping(value, place)
    found: dict[str, Organization] = {}
    parents: dict[str, str | None] = {}
    root_id = maybe(identifier, "root_id").of("root_id", members, place)
    if root_id is not None:
        name = maybe(text, "root_name", "").of("root_name", members, place)
        found[root_id] = Organization(id=root_id, name=name, path=())
        parents[root_id] = None
    waiting = [(members, place, root_id, tuple[str, ...]())]
    while waiting:
        node, here, parent_id, path = waiting.pop()
        children = maybe(rows(mapping), "child_nodes", ()).of("child_nodes", node, here)
        for index, child in enumerate(children):
            there = here.at("child_nodes").at(index)
            one_id = Entry(identifier).of("id", child, there)
            name = Entry(text).of("name", child, there)
            if one_id in found:
                raise there.at("id").fail(f"the organization {one_id} stands twice in the tree")
            found[one_id] = Organization(id=one_id, name=name, path=(*path, name))
            parents[one_id] = parent_id
            waiting.append((child, there, one_id, (*path, name)))
    return OrganizationTree(organizations=tuple(found.values()), parents=parents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A row of the list of members; `organization_id` is empty when the list does not say."""

    id: str
    name: str
    display_name: str
    status: Status
    organization_id: str

    def account(self, organizations: Mapping[str, Organization]) -> Account:
        """The account of the core, placed in the tree that was read."""
        return Account(
            id=self.id,
            name=self.name,
            display_name=self.display_name,
            status=self.status,
            organization=organizations.get(self.organization_id),
        )


def _status(value: Any, place: Place) -> Status:
    number = whole(value, place)
    if number not in STATUSES:
        raise place.fail(f"the status {number} is not documented")
    return STATUSES[number]


member = record(
    Member,
    {
        "id": Entry(identifier),
        "name": Entry(text),
        "display_name": maybe(text, default=""),
        "status": Entry(_status),
        "organization_id": maybe(label, "org_id", ""),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """What every amount says about itself; both are checked when they are read."""

    currency: str
    measure_id: int


_units = record(_Units, {"currency": Entry(our_currency), "measure_id": Entry(standard_measure)})


def cash(available_key: str) -> Reader[Decimal]:
    """The one amount of a DEBIT answer: what may be allocated, or reclaimed, now."""

    def read_cash(value: Any, place: Place) -> Decimal:
        found = page(mapping, "amount_infos")(value, place)
        if len(found.rows) != 1:
            raise place.at("amount_infos").fail(f"{len(found.rows)} rows, where 1 is documented")
        there = place.at("amount_infos").at(0)
        _units(found.rows[0], there)
        available: Decimal = Entry(amount, available_key).of("available", found.rows[0], there)
        return available

    return read_cash


def credit(available_key: str) -> Reader[Page[CreditLedger]]:
    """The ledgers of a CREDIT answer. `expire_time` is kept as it was written."""

    def read_ledger(value: Any, place: Place) -> CreditLedger:
        _units(value, place)
        members = mapping(value, place)
        return CreditLedger(
            expire_time=maybe(text, "expire_time").of("expire_time", members, place),
            expires_at=maybe(instant, "expire_time").of("expires_at", members, place),
            amount=maybe(amount, "amount").of("amount", members, place),
            available=Entry(amount, available_key).of("available", members, place),
        )

    return page(read_ledger, "amount_infos")


def _coupon(value: Any, place: Place, child: Entry) -> Coupon:
    members = mapping(value, place)
    limits = maybe(rows(mapping), "use_limits", ()).of("use_limits", members, place)
    return Coupon(
        coupon_id=Entry(identifier).of("coupon_id", members, place),
        child_id=child.of("child_id", members, place),
        plan_name=maybe(text, "plan_name", "").of("plan_name", members, place),
        balance=Entry(amount).of("balance", members, place),
        effective_at=maybe(instant, "effective_time").of("effective_at", members, place),
        expires_at=maybe(instant, "expire_time").of("expires_at", members, place),
        has_use_limits=bool(limits),
    )


def master_coupon(value: Any, place: Place) -> Coupon:
    """A row of ListMultiAccountTransferCoupons: what the master may still grant."""
    return _coupon(value, place, Entry(_nothing, "sub_coupon_id", None))


def member_coupon(value: Any, place: Place) -> Coupon:
    """A row of ListMultiAccountRetrieveCoupons: a child coupon that may be taken back."""
    return _coupon(value, place, Entry(identifier, "sub_coupon_id"))


def _nothing(value: Any, place: Place) -> None:  # noqa: ARG001 - a reader takes both
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One own account with the provider: 1 balance, 2 credit, 5 bonus, 7 deposit."""

    account_id: str
    account_type: int
    amount: Decimal
    designated_amount: Decimal | None
    credit_amount: Decimal | None
    currency: str
    measure_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """The caller's own balances and what it owes in all."""

    accounts: tuple[Balance, ...]
    debt: Decimal
    currency: str
    measure_id: int


balances = record(
    Balances,
    {
        "accounts": Entry(
            rows(
                record(
                    Balance,
                    {
                        "account_id": Entry(identifier),
                        "account_type": Entry(whole),
                        "amount": Entry(figure),
                        "designated_amount": maybe(figure),
                        "credit_amount": maybe(figure),
                        "currency": Entry(our_currency),
                        "measure_id": Entry(standard_measure),
                    },
                )
            ),
            "account_balances",
        ),
        "debt": Entry(figure, "debt_amount"),
        "currency": Entry(our_currency),
        "measure_id": Entry(standard_measure),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyChange:
    """One row of the caller's own ledger of cash or credit. `amount` is signed as it was told;
    no field names the other party, `account_name` may contradict but never proves."""

    id: str
    detail_type: str
    traded_at: datetime
    trade_id: str
    amount: Decimal
    balance_after: Decimal | None
    flow: str
    account_name: str
    bill_cycle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponChange:
    """One row of the caller's own ledger of coupons."""

    coupon_id: str
    detail_type: str
    traded_at: datetime
    trade_id: str
    amount: Decimal
    balance_after: Decimal | None
    flow: str
    account_name: str
    bill_cycle: str


_change = {
    "detail_type": maybe(text, "trade_detail_type", ""),
    "traded_at": Entry(instant, "trade_time"),
    "trade_id": maybe(text, default=""),
    "amount": Entry(figure, "change_amount"),
    "balance_after": maybe(figure, "balance_after_change"),
    "flow": maybe(text, "revenue_expense_type", ""),
    **texts("account_name", "bill_cycle"),
}
money_change = record(MoneyChange, {"id": Entry(identifier, "account_change_id"), **_change})
coupon_change = record(CouponChange, {"coupon_id": Entry(identifier), **_change})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCoupon:
    """What a grant of a coupon answers: the child that it made."""

    sub_coupon_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimedCoupon:
    """What a reclaim of a coupon answers: the amount that really came home (the provider's
    field is `real_retrieve_amout`)."""

    amount: Decimal


created_coupon = record(CreatedCoupon, {"sub_coupon_id": Entry(identifier)})
reclaimed_coupon = record(ReclaimedCoupon, {"amount": Entry(amount, "real_retrieve_amout")})
