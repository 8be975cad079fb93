"""Change records as evidence: two that are alike are two."""

from datetime import UTC, datetime
from decimal import Decimal

from budgetd.core.intent import Direction, Instrument
from budgetd.core.reconciliation import Change
from budgetd.observe import told_apart


def test_records_that_are_alike_to_the_letter_have_names_of_their_own() -> None:
    one = Change(
        id="|CP1|2026-11-30|5.00",
        at=datetime(2026, 11, 30, tzinfo=UTC),
        instrument=Instrument.COUPON,
        direction=Direction.ALLOCATE,
        amount=Decimal("5.00"),
        coupon_id="CP1",
    )
    found = told_apart([one, one, one])
    assert [change.id for change in found] == [one.id, f"{one.id}#2", f"{one.id}#3"]
    assert {change.amount for change in found} == {one.amount}
