"""What differs between two plans of the same readings is found, and nothing else."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from budgetd.core.plans.comparing import Comparison, Standing, Sums, compare
from budgetd.core.reason import Ask, Hold
from budgetd.report.diff_text import diff_text
from budgetd.report.screen import Screen

from .plans import API, IDLE, NOW, WEB, held, plan_of, realistic_plan, transfer


def test_a_plan_does_not_differ_from_itself() -> None:
    assert compare(realistic_plan(), realistic_plan()) == Comparison()


def test_each_way_is_the_other_turned_round() -> None:
    old, new = realistic_plan(), plan_of(transfer(WEB, "10.00", "510.00"))
    there, back = compare(old, new), compare(new, old)
    assert there.differs
    assert back.differs
    turned = tuple(replace(one, old=one.new, new=one.old) for one in back.shifts)
    assert there.shifts == turned
    for lines in ("totals", "by_rule", "by_organization", "by_account"):
        assert getattr(there, lines) == tuple(
            replace(line, old=line.new, new=line.old) for line in getattr(back, lines)
        )


def test_a_changed_amount_is_told_by_rule_organization_and_account() -> None:
    same = transfer(IDLE, "5000.00", "200.00")
    found = compare(
        plan_of(transfer(WEB, "10.00", "2010.00"), same),
        plan_of(transfer(WEB, "10.00", "1510.00"), same),
    )
    (shift,) = found.shifts
    assert shift.old is not None
    assert shift.new is not None
    assert (shift.account, shift.old.amount, shift.new.amount) == (
        WEB,
        Decimal("2000.00"),
        Decimal("1500.00"),
    )
    (total,) = found.totals
    home = Decimal("4800.00")
    assert total.old == Sums(transfers=2, allocated=Decimal("2000.00"), reclaimed=home)
    assert total.new == Sums(transfers=2, allocated=Decimal("1500.00"), reclaimed=home)
    assert [line.name for line in found.by_rule] == ["production/keep-alive"]
    assert [line.name for line in found.by_organization] == ["/R&D"]
    assert [line.name for line in found.by_account] == [WEB.id]


def test_what_comes_to_wait_for_a_person_is_no_money_moved() -> None:
    moving = transfer(WEB, "10.00", "2010.00")
    waiting = replace(moving, ask=Ask.APPROVAL_ABOVE)
    found = compare(plan_of(moving), plan_of(waiting))
    (shift,) = found.shifts
    assert shift.new is not None
    assert shift.new.standing is Standing.WAITS
    assert found.totals[0].new == Sums(waiting=Decimal("2000.00"))


def test_holds_gained_lost_and_held_for_another_reason_are_told_apart() -> None:
    old = plan_of(held=(held(WEB, Hold.COOLDOWN), held(IDLE, Hold.CAP)))
    new = plan_of(held=(held(WEB, Hold.CAP), held(API, Hold.UNREAD)))
    shifts = {one.account: (one.old, one.new) for one in compare(old, new).holds}
    assert shifts == {
        WEB: (Hold.COOLDOWN, Hold.CAP),
        IDLE: (Hold.CAP, None),
        API: (None, Hold.UNREAD),
    }


def test_who_is_selected_no_longer_is_told_apart_from_who_is_held_no_longer() -> None:
    old = plan_of(held=(held(WEB, Hold.COOLDOWN), held(IDLE, Hold.NOT_TRIGGERED)))
    new = plan_of(transfer(WEB, "10.00", "2010.00"))
    shifts = {one.account: one for one in compare(old, new).holds}
    assert shifts[WEB].is_selected
    assert not shifts[IDLE].is_selected
    back = {one.account: one for one in compare(new, old).holds}
    assert back[WEB].was_selected
    assert not back[IDLE].was_selected
    text = diff_text(new, compare(old, new), Screen(width=120, zone=ZoneInfo("UTC")))
    assert "not_triggered → not selected" in text
    assert "cooldown → not held" in text


def test_plans_of_two_moments_are_not_compared() -> None:
    later = replace(plan_of(), taken_at=NOW.replace(hour=3))
    with pytest.raises(AssertionError, match="two moments"):
        compare(plan_of(), later)
