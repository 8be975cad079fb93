"""The enterprise itself: its tree (ep_00020), its members (ep_00021, 23), codes and authority.

It may not move money.
"""

import hashlib
import re

from budgetd.sandbox.nouns import Account, Organization, Refusal
from budgetd.sandbox.wire import Answer, Call, Fields, fields_of, parameter_error

PERMISSIONS = frozenset(
    {
        "READ_FINANCE_INFO",
        "READ_CONSUME_BILL",
        "SUBSTITUTE-OPEN-INVOICE",
        "TAKE-OVER-OPEN-INVOICE",
        "SHARE-CREDIT-TO-SUB",
        "SHARE-BIZ-DISCOUNT-TO-SUB",
    }
)
SANDBOX_CODE = "123456"
_PASSWORD = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9]).{8,32}", re.ASCII)
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


def list_organizations(call: Call) -> Answer:
    """GET enterprise-organizations: the direct children of a node, or its whole subtree."""
    call.must_be_master()
    recursive = call.fields.whole("recursive_query", 0, 1, 0) == 1
    parent_id = call.fields.text("parent_id", longest=20, blank=True)
    if parent_id and not parent_id.isdecimal():
        raise parameter_error("parent_id", "must be digits")
    root = next(o for o in call.book.organizations if o.parent_id is None)
    start = parent_id or root.id
    if start not in {o.id for o in call.book.organizations}:
        raise parameter_error("parent_id", "names no organization")
    content = {
        "root_id": None if parent_id else root.id,
        "root_name": None if parent_id else root.name,
        "child_nodes": _children(call.book.organizations, start, recursive),
    }
    return Answer(content=content)


def _children(
    organizations: tuple[Organization, ...], parent_id: str, recursive: bool
) -> list[dict[str, object]]:
    return [
        {
            "relation_id": o.relation_id,
            "id": o.id,
            "name": o.name,
            "child_nodes": _children(organizations, o.id, True) if recursive else [],
        }
        for o in organizations
        if o.parent_id == parent_id
    ]


def list_sub_customers(call: Call) -> Answer:
    """GET sub-customers: the members, by name, display name or organization."""
    call.must_be_master()
    fields = call.fields
    name = fields.text("sub_customer_account_name", blank=True)
    display = fields.text("sub_customer_display_name", blank=True)
    fuzzy = fields.whole("fuzzy_query", 0, 1, 0) == 1
    page = fields.page()
    org_id = fields.text("org_id", longest=20, blank=True)
    names = {o.id: o.name for o in call.book.organizations}
    rows = [
        {
            "id": account.id,
            "name": account.name,
            "display_name": account.display_name,
            "status": account.status,
            "org_id": account.org_id,
            "org_name": names.get(account.org_id),
        }
        for account in call.book.accounts.values()
        if _fits(account.name, name, fuzzy)
        and _fits(account.display_name or "", display, fuzzy)
        and org_id in (None, "", account.org_id)
    ]
    return Answer(content={"total_count": len(rows), "sub_customer_infos": page.of(rows)})


def _fits(value: str, asked: str | None, fuzzy: bool) -> bool:
    if asked is None:
        return True
    return asked in value if fuzzy else asked == value


def create_sub_customer(call: Call) -> Answer:
    """POST sub-customers: a new member; 204, its id is found by listing its name."""
    call.must_be_master()
    fields = call.fields
    party_id = fields.required_text("party_id", longest=20)
    if party_id not in {o.id for o in call.book.organizations}:
        raise parameter_error("party_id", "names no organization")
    if fields.whole("sub_customer_association_type", 1, 1) is None:
        raise parameter_error("sub_customer_association_type", "is required")
    permissions = fields.items("permission_ids", 6)
    if not PERMISSIONS.issuperset(str(item) for item in permissions):
        raise parameter_error("permission_ids", "has an unknown permission")
    custody = fields.whole("financial_custody", 0, 1, 0) == 1
    display_name = fields.text("display_name", blank=True)
    name = _new_customer(call, fields.part("new_sub_customer"))
    seed = f"{call.book.master.id}:{call.book.next_serial()}:{name}"
    account = Account(
        id=hashlib.sha256(seed.encode()).hexdigest()[:32],
        name=name,
        display_name=display_name,
        org_id=party_id,
        custody=custody,
        shows_bills=custody or "READ_CONSUME_BILL" in permissions,
        credit_check_items=(
            () if "SHARE-CREDIT-TO-SUB" in permissions else ("NO_SHARE_CREDIT_TO_SUB_PERMISSION",)
        ),
    )
    call.book.accounts[account.id] = account
    return Answer(status=204)


def _new_customer(call: Call, new: Fields) -> str:
    name = new.required_text("customer_name", longest=32)
    password = new.required_text("password", longest=32)
    own_phone = new.choice("use_pri_mobile_phone", ("Y", "N"), "N") == "Y"
    phone = new.text("mobile_phone", longest=20)
    code = new.text("verification_code", longest=6)
    if not own_phone and phone is None:
        raise parameter_error("mobile_phone", "is required")
    if len(password) < 8:
        raise parameter_error("password", "must have at least 8 characters")
    if not _PASSWORD.fullmatch(password):
        raise Refusal(400, "CBC.99000036", "The password format is invalid.")
    if not _LOGIN.fullmatch(name) or name in {a.name for a in call.book.everyone()}:
        raise Refusal(400, "CBC.99000031", "The DomainName is invalid.")
    if phone is not None and code is not None and code != SANDBOX_CODE:
        raise Refusal(400, "CBC.99000026", "The verification code is wrong.")
    return name


def send_verification_code(call: Call) -> Answer:
    """POST sm-verification-code: 204; no message leaves, the code is always `SANDBOX_CODE`."""
    if call.caller != call.book.master.id:
        member = call.book.accounts[call.caller]
        code = "CBC.70300009" if member.custody else "CBC.70300008"
        raise Refusal(400, code, "The customer may not send verification codes.")
    fields = call.fields
    fields.required_text("mobile_phone", longest=20)
    fields.whole("timeout", 0, 100, 10)
    fields.choice("language", ("zh-cn", "en-us"))
    for item in fields.items("sm_template_args", 6, required=True):
        argument = fields_of(item, "sm_template_args")
        if argument.required_text("key") != "sub_customer_name":
            raise parameter_error("key", "is not one of the allowed values")
        argument.required_text("value", longest=255)
    return Answer(status=204)


def open_enterprise_projects(call: Call) -> Answer:
    """POST enterprise-projects/authority: once; the second time the check item says why not."""
    if call.book.multi_project_open:
        message = "The service operation does not meet the service check item requirement."
        raise Refusal(400, "CBC.99007004", message, ("NOT_OPEN_MULTI_PROJECT",))
    call.book.multi_project_open = True
    return Answer(status=204)
