"""The machine-readable plan, and the strict reading of a saved one."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from budgetd.core.approval import proposal_id
from budgetd.core.intent import Direction, Instrument, Unit
from budgetd.core.plans.plan import Plan
from budgetd.report.plan_json import plan_digest, plan_document, plan_json, read_plan
from budgetd.report.saved_plan import Fault, PlanProblem, SavedPlan

from .plans import (
    BUSY,
    HOSTILE,
    LOOSE,
    NOW,
    WEB,
    account,
    coupon,
    coupon_home,
    credit_out,
    plan_of,
    realistic_plan,
    transfer,
)

TOP_KEYS = [
    "format",
    "enterprise",
    "mode",
    "taken_at",
    "policy_digest",
    "plan_digest",
    "expires_at",
    "transfers",
    "held",
    "withheld",
    "preview",
    "unreadable",
    "alerts",
    "totals",
]
TRANSFER_KEYS = [
    "id",
    "rule",
    "action",
    "direction",
    "instrument",
    "account",
    "amount",
    "currency",
    "ledger",
    "coupon",
    "read_at",
    "reading",
    "target",
    "after",
    "reason",
    "steps",
    "needs_approval",
    "ask",
    "proposal",
]


def resealed(plan: Plan, **changes: object) -> str:
    """A document that was changed and given the digest that fits the change."""
    document = {**plan_document(plan), **changes}
    document["plan_digest"] = plan_digest(document)
    return json.dumps(document)


def saved(text: str) -> SavedPlan:
    read = read_plan(text)
    assert isinstance(read, SavedPlan), read
    return read


def fault_of(text: str) -> Fault:
    read = read_plan(text)
    assert isinstance(read, PlanProblem), read
    return read.fault


def test_the_keys_stand_in_the_order_of_the_contract() -> None:
    document = json.loads(plan_json(realistic_plan()))
    assert list(document) == [*TOP_KEYS, "observed"]
    assert [list(entry) for entry in document["transfers"]] == [TRANSFER_KEYS] * 8
    assert list(document["withheld"][0]) == [*TRANSFER_KEYS, "limit"]
    assert list(plan_document(plan_of())) == TOP_KEYS


def test_a_transfer_reads_as_the_contract_shows_it() -> None:
    entry = json.loads(plan_json(plan_of(transfer(WEB, "10.00", "2010.00"))))["transfers"][0]
    assert entry | {"id": ""} == {
        "id": "",
        "rule": "production/keep-alive",
        "action": "top_up",
        "direction": "allocate",
        "instrument": "cash",
        "account": {"id": f"{1:032x}", "name": "prod-web"},
        "amount": "2000.00",
        "currency": "CNY",
        "ledger": None,
        "coupon": None,
        "read_at": "2026-11-30T14:44:56Z",
        "reading": "10.00",
        "target": "2000.00",
        "after": "2010.00",
        "reason": "below_trigger",
        "steps": [{"step": "want", "amount": "2000.00", "note": "to 2000.00"}],
        "needs_approval": False,
        "ask": None,
        "proposal": None,
    }


def test_totals_are_of_what_moves_and_not_of_what_is_proposed() -> None:
    assert json.loads(plan_json(realistic_plan()))["totals"] == {
        "cash": {"allocate": "5180.00", "reclaim": "4800.00"},
        "credit": {"allocate": "800.00", "reclaim": "0.00"},
        "coupon": {"allocate": "0.00", "reclaim": "32.50"},
        "transfers": 6,
        "accounts_read": 39,
    }


def test_every_hold_is_listed_the_quiet_ones_included() -> None:
    document = json.loads(plan_json(realistic_plan()))
    assert len(document["held"]) == 32
    assert document["held"][0] == {
        "rule": "production/keep-alive",
        "account": {"id": f"{5:032x}", "name": "prod-api"},
        "reason": "cooldown",
        "until": "2026-11-30T15:10:00Z",
        "reading": "120.00",
        "instrument": "cash",
    }
    assert document["held"][2]["detail"] == "account_per_day leaves 0.00"


def test_a_withheld_transfer_names_the_limit_and_the_proposal_of_its_batch() -> None:
    withheld = json.loads(plan_json(realistic_plan()))["withheld"]
    assert {(entry["limit"], entry["proposal"]) for entry in withheld} == {
        ("per_cycle.amount", "p-1")
    }


def test_a_transfer_that_needs_a_person_names_its_own_proposal_and_why() -> None:
    plan = realistic_plan()
    entries = [
        one for one in json.loads(plan_json(plan))["transfers"] if one["proposal"] is not None
    ]
    assert [one["ask"] for one in entries] == ["approval_above", "burn_spike"]
    assert [one["proposal"] for one in entries] == [
        proposal_id(one.rule, one.direction, one.unit) for one in plan.proposals
    ]
    assert all(one["needs_approval"] for one in entries)


def test_no_amount_is_a_json_number() -> None:
    def only_counts(text: str) -> int:
        assert text in {"6", "39"}
        return int(text)

    def no_float(text: str) -> float:
        raise AssertionError(text)

    json.loads(plan_json(realistic_plan()), parse_int=only_counts, parse_float=no_float)


def test_names_from_outside_cannot_act_on_a_terminal() -> None:
    text = plan_json(plan_of(transfer(account(HOSTILE), "10.00", "20.00")))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["transfers"][0]["account"]["name"] == HOSTILE


def test_the_digest_is_of_the_meaning_and_not_of_the_layout() -> None:
    plan = realistic_plan()
    compact = json.dumps(plan_document(plan), separators=(",", ":"), sort_keys=True)
    assert saved(compact) == saved(plan_json(plan))


def test_a_saved_plan_is_read_back_with_all_it_takes_to_decide_again() -> None:
    read = saved(plan_json(realistic_plan()))
    assert (read.enterprise, read.mode, read.currency) == ("acme", "dry_run", "CNY")
    assert (read.taken_at, read.is_preview) == (NOW, False)
    assert len(read.transfers) == 8
    assert len(read.moves) == 6
    first = read.transfers[0]
    assert first.unit == Unit(account_id=WEB.id, instrument=Instrument.CASH)
    assert (first.direction, first.amount) == (Direction.ALLOCATE, Decimal("2000.00"))


def test_the_part_of_a_unit_survives_for_every_instrument() -> None:
    own = coupon(7, "10.00")
    grant = transfer(
        WEB,
        "0.00",
        "10.00",
        unit=Unit(account_id=WEB.id, instrument=Instrument.COUPON, part=own.coupon_id),
        coupon=replace(own, child_id=None),
    )
    wanted = (
        coupon_home(BUSY, "32.50"),
        grant,
        replace(credit_out(LOOSE, "0.00", "5.00", "2026-12-31T15:59:59Z"), id="c1"),
        replace(credit_out(LOOSE, "0.00", "5.00", ""), id="c2"),
    )
    read = saved(plan_json(plan_of(*wanted)))
    assert [item.unit for item in read.transfers] == [item.unit for item in wanted]


def test_an_empty_plan_and_a_preview_are_plans() -> None:
    assert saved(plan_json(plan_of())).currency == ""
    assert saved(plan_json(plan_of(is_preview=True))).is_preview


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"2000.00"', '"9000.00"'),
        ('"prod-web"', '"prod-wep"'),
        ('"preview": false', '"preview": true'),
        ("2026-11-30T15:15:00Z", "2026-12-30T15:15:00Z"),
        ('"format"', '"added": 1, "format"'),
    ],
)
def test_an_edited_plan_is_refused(before: str, after: str) -> None:
    text = plan_json(plan_of(transfer(WEB, "10.00", "2010.00")))
    assert before in text
    assert fault_of(text.replace(before, after)) is Fault.EDITED


def test_a_plan_cut_off_anywhere_is_refused() -> None:
    text = plan_json(plan_of(transfer(WEB, "10.00", "2010.00"))).rstrip()
    for length in range(0, len(text), 7):
        assert fault_of(text[:length]) is Fault.NOT_A_PLAN


def test_another_format_is_refused_by_its_name() -> None:
    assert fault_of(resealed(plan_of(), format="budgetd.plan/2")) is Fault.OTHER_FORMAT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 1}',
        '{"format": "budgetd.plan/1", "format": "budgetd.plan/1"}',
        '{"format": "budgetd.plan/1", "amount": 1.5}',
        '{"format": "budgetd.plan/1", "amount": NaN}',
        '{"format": "budgetd.plan/1", "amount": 12345678901234567890}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    assert fault_of(text) is Fault.NOT_A_PLAN


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("amount", "2000"),
        ("amount", "-1.00"),
        ("amount", "0.00"),
        ("amount", 2000),
        ("direction", "sideways"),
        ("instrument", "shares"),
        ("account", {"name": "prod-web"}),
        ("account", "prod-web"),
        ("id", ""),
        ("needs_approval", "false"),
    ],
)
def test_a_field_that_is_not_as_we_write_it_is_refused_even_under_a_fitting_digest(
    key: str, value: object
) -> None:
    plan = plan_of(transfer(WEB, "10.00", "2010.00"))
    entry = json.loads(plan_json(plan))["transfers"][0]
    assert fault_of(resealed(plan, transfers=[entry | {key: value}])) is Fault.NOT_A_PLAN


def test_two_transfers_never_share_an_id() -> None:
    entry = json.loads(plan_json(plan_of(transfer(WEB, "10.00", "2010.00"))))["transfers"][0]
    assert fault_of(resealed(plan_of(), transfers=[entry, entry])) is Fault.NOT_A_PLAN


def test_a_problem_says_where_it_is() -> None:
    read = read_plan(resealed(plan_of(), transfers=[{"account": {"id": "a", "name": "b"}}]))
    assert isinstance(read, PlanProblem)
    assert "transfers[0].direction" in read.message


def test_the_rule_that_was_asked_by_name_is_kept() -> None:
    plan = replace(plan_of(transfer(WEB, "10.00", "2010.00")), only="p/gift")
    assert saved(plan_json(plan)).only == "p/gift"
    assert saved(plan_json(plan_of())).only is None
    assert fault_of(resealed(plan_of(), only=7)) is Fault.NOT_A_PLAN
