"""A reading that rises by more than our own moves explain: money from elsewhere."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from budgetd.core.intent import Direction, Instrument, Move, State, Unit
from budgetd.core.observation import Sample
from budgetd.core.rises import unexplained_rises

START = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
CASH = ("a", Instrument.CASH)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def reads(*values: str) -> dict[tuple[str, Instrument], tuple[Sample, ...]]:
    """A reading every hour."""
    return {CASH: tuple(Sample(minute(60 * n), Decimal(v)) for n, v in enumerate(values))}


def move(sent: int, amount: str = "500.00", **changes: object) -> Move:
    given: dict[str, object] = {
        "id": f"m{sent}",
        "rule": "p/up",
        "unit": Unit(account_id="a", instrument=Instrument.CASH),
        "direction": Direction.ALLOCATE,
        "amount": Decimal(amount),
        "state": State.SETTLED,
        "made_at": minute(sent),
        "sent_at": minute(sent),
        "ended_at": minute(sent + 1),
    }
    return Move(**{**given, **changes})  # type: ignore[arg-type]  # any field may be changed


def rises(values: tuple[str, ...], *moves: Move) -> list[tuple[int, Decimal]]:
    """Which readings rose unexplained, by how much."""
    found = unexplained_rises(reads(*values), moves)
    return [((one.ends - START) // timedelta(hours=1), one.amount) for one in found]


def test_a_rise_without_a_move_of_ours_is_from_elsewhere() -> None:
    assert rises(("10.00", "510.00")) == [(1, Decimal("500.00"))]
    assert rises(("10.00", "10.00", "5.00", "6.00")) == [(3, Decimal("1.00"))]


def test_our_own_move_explains_what_it_moved_and_no_more() -> None:
    assert rises(("10.00", "510.00"), move(30)) == []
    assert rises(("10.00", "600.00"), move(30)) == [(1, Decimal("90.00"))]


def test_a_move_in_doubt_may_explain_a_rise_and_one_that_never_moved_does_not() -> None:
    doubt = move(30, state=State.IN_DOUBT, ended_at=None)
    assert rises(("10.00", "10.00", "10.00", "510.00"), doubt) == []
    for state in (State.VOID, State.REFUSED, State.CANCELLED):
        assert rises(("10.00", "510.00"), move(30, state=state)) == [(1, Decimal("500.00"))]


@pytest.mark.parametrize(("ended", "is_explained"), [(59, True), (41, True), (39, False)])
def test_a_reading_may_lag_behind_a_move_by_twenty_minutes(ended: int, is_explained: bool) -> None:
    late = move(30, ended_at=minute(ended))
    assert (rises(("10.00", "10.00", "510.00"), late) == []) is is_explained


def test_a_reading_that_falls_back_to_before_a_reclaim_is_no_money_from_elsewhere() -> None:
    home = move(59, direction=Direction.RECLAIM)
    assert rises(("510.00", "10.00", "510.00"), home) == []


def test_a_move_of_another_account_instrument_or_time_explains_nothing() -> None:
    other = move(30, unit=Unit(account_id="b", instrument=Instrument.CASH))
    coupon = move(30, unit=Unit(account_id="a", instrument=Instrument.COUPON, part="c"))
    later = move(90)
    assert rises(("10.00", "510.00"), other, coupon, later) == [(1, Decimal("500.00"))]
