"""Burns are found from kept readings a few units at a time, and come back as they were found."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.burn import Burn
from budgetd.core.forecast.estimating import burn_of
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.forecasts import FRESH_FOR, TRUSTED_FOR, burns, refresh
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def unit(name: str, part: str = "") -> Unit:
    kind = Instrument.COUPON if part else Instrument.CASH
    return Unit(account_id=name, instrument=kind, part=part)


def fall(days: int, by: int = 1) -> list[Sample]:
    """Readings every hour that fall by so much, the last one at AT."""
    hours = days * 24
    return [
        Sample(AT - HOUR * (hours - hour), Decimal(5000) - by * hour - hour % 5)
        for hour in range(hours + 1)
    ]


def keep(ledger: Ledger, about: Unit, samples: list[Sample]) -> None:
    keep_readings(ledger, [(about, sample) for sample in samples])


def test_a_burn_comes_back_as_it_was_found(ledger: Ledger) -> None:
    samples = fall(20)
    keep(ledger, unit("a"), samples)
    keep(ledger, unit("a", "c1"), fall(20, by=2))
    keep(ledger, unit("b"), fall(2))
    assert not refresh(ledger, AT + SECOND, ZONE)
    found = burns(ledger, AT + SECOND, ZONE)
    expected = burn_of(samples, (), ZONE)
    assert isinstance(expected, Burn)
    assert set(found) == {unit("a"), unit("a", "c1")}
    assert found[unit("a")] == expected
    assert found[unit("a", "c1")].level > expected.level
    assert unit("b") not in found


def test_a_burn_is_found_anew_once_it_is_old_and_there_are_newer_readings(
    ledger: Ledger,
) -> None:
    keep(ledger, unit("a"), fall(20))
    refresh(ledger, AT + SECOND, ZONE)
    keep(ledger, unit("a"), [Sample(AT + HOUR, Decimal(2000))])
    refresh(ledger, AT + HOUR, ZONE)
    assert burns(ledger, AT + HOUR, ZONE)[unit("a")].at == AT
    refresh(ledger, AT + FRESH_FOR + SECOND, ZONE)
    assert burns(ledger, AT + HOUR, ZONE)[unit("a")].at == AT + HOUR


def test_what_nobody_has_read_for_long_is_not_known_any_more(ledger: Ledger) -> None:
    keep(ledger, unit("a"), fall(20))
    refresh(ledger, AT + SECOND, ZONE)
    assert len(burns(ledger, AT + TRUSTED_FOR, ZONE)) == 1
    assert len(burns(ledger, AT + TRUSTED_FOR + SECOND, ZONE)) == 0


def test_days_of_another_zone_are_found_anew(ledger: Ledger) -> None:
    utc = ZoneInfo("UTC")
    keep(ledger, unit("a"), fall(20))
    refresh(ledger, AT + SECOND, ZONE)
    assert len(burns(ledger, AT + SECOND, utc)) == 0
    refresh(ledger, AT + SECOND, utc)
    assert len(burns(ledger, AT + SECOND, utc)) == 1


def test_a_step_takes_a_few_units_and_each_has_its_turn(ledger: Ledger) -> None:
    for name in "abcde":
        keep(ledger, unit(name), fall(4))
    assert refresh(ledger, AT + SECOND, ZONE, units=2)
    assert len(burns(ledger, AT + SECOND, ZONE)) == 2
    assert refresh(ledger, AT + SECOND, ZONE, units=2)
    assert not refresh(ledger, AT + SECOND, ZONE, units=2)
    assert len(burns(ledger, AT + SECOND, ZONE)) == 5
    assert not refresh(ledger, AT + SECOND, ZONE, units=2)
