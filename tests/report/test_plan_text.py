"""The plan on a terminal: whole rows at any width, and names that stay names."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from budgetd.core.approval import Approved, proposal_id
from budgetd.core.plans.plan import MasterLine
from budgetd.core.reason import Ask, Hold
from budgetd.report.plan_text import plan_text
from budgetd.report.screen import Screen

from .golden import golden
from .plans import (
    API,
    HOSTILE,
    NOW,
    SHANGHAI,
    WEB,
    account,
    held,
    plan_of,
    realistic_plan,
    transfer,
)


def screen(width: int, *, has_colour: bool = False) -> Screen:
    return Screen(width=width, zone=SHANGHAI, has_colour=has_colour)


@pytest.mark.parametrize("width", [80, 200])
def test_a_realistic_plan_reads_as_the_golden_file_does(width: int) -> None:
    text = plan_text(realistic_plan(), screen(width), read_in=timedelta(seconds=4, milliseconds=90))
    assert text == golden(f"plan_{width}.txt")


@pytest.mark.parametrize("width", [60, 79, 80, 81, 100, 120, 160, 200, 400])
def test_no_line_is_wider_than_the_screen_and_no_row_wraps(width: int) -> None:
    plan = realistic_plan()
    text = plan_text(plan, screen(width))
    assert max(cell_len(line) for line in text.splitlines()) <= width
    rows = [line for line in text.splitlines() if line.startswith(("  + ", "  - "))]
    assert len(rows) == 6


@pytest.mark.parametrize("width", [80, 200])
def test_amounts_stand_under_each_other_behind_wide_names_too(width: int) -> None:
    text = plan_text(realistic_plan(), screen(width))
    rows = [line for line in text.splitlines() if line.startswith(("  + ", "  - "))]
    ends = set()
    for row, amount in zip(rows, ("2,000", "1,600", "1,580", "800", "4,800", "32.50"), strict=True):
        whole = f"{row[2]}{amount}" + ("" if "." in amount else ".00")
        ends.add(cell_len(row[: row.rindex(whole)] + whole))
    assert len(ends) == 1


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_hostile_name_is_shown_and_does_not_act(width: int) -> None:
    whom = account(HOSTILE, HOSTILE)
    text = plan_text(
        plan_of(transfer(whom, "1.00", "2.00"), enterprise=HOSTILE, held=(held(whom, Hold.CAP),)),
        screen(width),
    )
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]x" in text


def test_colour_is_there_only_where_it_is_asked_for() -> None:
    assert "\x1b[" not in plan_text(realistic_plan(), screen(100))
    assert "\x1b[32m" in plan_text(realistic_plan(), screen(100, has_colour=True))


def test_a_long_list_shows_two_hundred_rows_and_counts_the_rest() -> None:
    moves = [transfer(account(f"a{n}", number=n + 1), "1.00", "2.00") for n in range(230)]
    holds = tuple(held(account(f"b{n}", number=n + 900), Hold.COOLDOWN) for n in range(1070))
    text = plan_text(plan_of(*moves, held=holds), screen(100))
    assert text.count("  + top up") == 200
    assert "1,100 more rows (30 transfer, 1,070 held); `--format json` has all" in text
    assert any("1,070 held" in line for line in text.splitlines()[-3:])


def test_quiet_holds_are_counted_and_not_shown() -> None:
    text = plan_text(plan_of(held=(held(WEB, Hold.NOT_TRIGGERED),)), screen(80))
    assert "prod-web" not in text
    assert "1 fine" in text
    assert text.endswith("Nothing to move.\n")


def test_a_hold_that_ends_another_day_says_the_day() -> None:
    holds = (
        held(API, Hold.COOLDOWN, until=NOW + timedelta(minutes=25)),
        held(WEB, Hold.COOLDOWN, until=NOW + timedelta(hours=2)),
    )
    text = plan_text(plan_of(held=holds), screen(100))
    assert "cooldown until 23:10" in text
    assert "cooldown until 2026-12-01 00:45" in text


def test_an_unread_account_has_one_row_and_not_one_a_rule() -> None:
    text = plan_text(realistic_plan(), screen(120))
    assert text.count("prod-old") == 1


def test_what_holds_a_whole_account_has_one_row_and_not_one_a_rule() -> None:
    rules = ("a/one", "a/two", "a/three")
    holds = tuple(held(WEB, Hold.NOT_NORMAL, rule=rule) for rule in rules)
    text = plan_text(plan_of(held=holds), screen(120))
    assert text.count("prod-web") == 1
    assert "a/one +2  account not normal" in text
    assert "1 held" in text
    each = tuple(held(WEB, Hold.COOLDOWN, rule=rule) for rule in rules)
    assert plan_text(plan_of(held=each), screen(120)).count("prod-web") == 3


def test_the_last_line_says_what_can_be_done_with_the_plan() -> None:
    plan = plan_of(transfer(WEB, "1.00", "2.00"))
    assert "carry it out with `budgetd apply FILE`" in plan_text(plan, screen(100))
    assert "preview" in plan_text(replace(plan, is_preview=True), screen(100)).splitlines()[-1]
    dry = plan_text(replace(plan, mode="dry_run"), screen(100))
    assert "under `mode: dry_run` nothing will be" in dry
    asked = plan_text(plan, screen(100), closing="Carry it out?")
    assert asked.endswith("\nCarry it out?\n")


def test_a_command_is_never_broken_over_two_lines() -> None:
    plan = plan_of(transfer(WEB, "1.00", "2.00"))
    assert "`budgetd apply FILE`" in plan_text(plan, screen(60))


def test_a_plan_of_proposals_alone_says_that_a_person_decides() -> None:
    proposals = realistic_plan().proposals
    plan = plan_of(*proposals)
    text = plan_text(plan, screen(100))
    assert text.endswith("Nothing moves by itself: the rest waits for `budgetd approve`.\n")
    for other in (replace(plan, mode="dry_run"), replace(plan, is_preview=True)):
        assert "approve`" not in plan_text(other, screen(100)).splitlines()[-1]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_each_proposal_of_a_real_cycle_says_how_it_is_decided(width: int) -> None:
    plan = replace(realistic_plan(), mode="enforce")
    lines = [one for one in plan_text(plan, screen(width)).splitlines() if "waits: " in one]
    names = [proposal_id(one.rule, one.direction, one.unit) for one in plan.proposals]
    assert [line.split()[3] for line in lines] == [*names, "p-1"]
    if width == 200:
        assert lines[2] == "waits: budgetd approve p-1  month-end/cash-home, 2 transfers"
    said_no = plan_text(replace(plan, declined=frozenset({"p-1"})), screen(width))
    assert "approve p-1" not in said_no
    assert "waits: " not in plan_text(realistic_plan(), screen(width))
    assert "waits: " not in plan_text(replace(plan, is_preview=True), screen(width))


def test_many_proposals_are_counted_and_not_all_shown() -> None:
    asked = [
        replace(transfer(account(f"a{n}"), "1.00", "2.00"), ask=Ask.APPROVAL_ABOVE)
        for n in range(14)
    ]
    text = plan_text(replace(plan_of(*asked), mode="enforce"), screen(100))
    assert text.count("waits: ") == 10
    assert "4 more wait; `budgetd approve` lists them" in text


def test_a_transfer_that_was_approved_names_who_did() -> None:
    made = transfer(WEB, "1.00", "2.00")
    agreed = Approved(
        proposal="p-1",
        rule=made.rule,
        unit=made.unit,
        direction=made.direction,
        amount=made.amount,
        by="operator",
        expires_at=NOW,
    )
    text = plan_text(plan_of(replace(made, approved=agreed)), screen(200))
    assert "below 500.00, approved by operator" in text


def test_a_master_that_was_not_read_is_not_shown_as_zero() -> None:
    line = MasterLine(cash_before=None, cash_after=None, reserve=realistic_plan().master.reserve)
    text = plan_text(plan_of(master=line), screen(100))
    assert "Master cash not read, reserve 50,000.00" in text
