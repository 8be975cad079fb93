"""What is billed makes the burn of an account known whose readings are too few."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.costs import ASKED_EVERY, cold, costs_of, keep_costs
from budgetd.ledger.forecasts import burns, refresh
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CASH = Unit(account_id="a", instrument=Instrument.CASH)
COUPONS = Unit(account_id="a", instrument=Instrument.COUPON)
BILLED = tuple(((AT - DAY * ago).date(), Decimal("120.004")) for ago in range(20, 1, -1))


def read(ledger: Ledger, at: datetime, value: str = "900.00") -> None:
    keep_readings(ledger, [(unit, Sample(at, Decimal(value))) for unit in (CASH, COUPONS)])


def test_an_account_of_a_day_has_a_burn_from_its_bills_and_its_coupons_have_none(
    ledger: Ledger,
) -> None:
    read(ledger, AT)
    assert cold(ledger, AT) == []
    refresh(ledger, AT + MINUTE, ZONE)
    assert cold(ledger, AT + MINUTE) == ["a"]
    keep_costs(ledger, ["a"], {"a": BILLED}, AT + MINUTE)
    assert costs_of(ledger, CASH)[0] == (BILLED[0][0], Decimal("120.00"))
    read(ledger, AT + 15 * MINUTE, "899.00")
    refresh(ledger, AT + 16 * MINUTE, ZONE)
    found = burns(ledger, AT + 16 * MINUTE, ZONE)
    assert set(found) == {CASH}
    burn = found[CASH]
    assert abs(burn.level - 120) < 1
    assert (burn.at, burn.value) == (AT + 15 * MINUTE, Decimal("899.00"))
    assert cold(ledger, AT + 16 * MINUTE + ASKED_EVERY) == []


def test_costs_are_asked_for_once_a_day_whatever_comes_of_it(ledger: Ledger) -> None:
    read(ledger, AT)
    refresh(ledger, AT, ZONE)
    keep_costs(ledger, ["a"], {}, AT)
    assert cold(ledger, AT + ASKED_EVERY - MINUTE) == []
    assert cold(ledger, AT + ASKED_EVERY) == ["a"]
    # A clock that was set back does not put it off for ever.
    assert cold(ledger, AT - DAY) == ["a"]
    refresh(ledger, AT + DAY, ZONE)
    assert CASH not in burns(ledger, AT + DAY, ZONE)


def test_a_refund_is_no_spend_and_too_few_days_make_no_burn(ledger: Ledger) -> None:
    read(ledger, AT)
    refresh(ledger, AT, ZONE)
    refunded = ((BILLED[0][0], Decimal("-5000.00")), *BILLED[-2:])
    keep_costs(ledger, ["a"], {"a": refunded}, AT)
    read(ledger, AT + MINUTE)
    refresh(ledger, AT + MINUTE, ZONE)
    assert CASH not in burns(ledger, AT + MINUTE, ZONE)
