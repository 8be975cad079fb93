"""Readings are kept, grow coarser with age, and are found whatever form they have."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.readings import (
    first_after,
    histories,
    keep_readings,
    last_before,
    newest,
    samples,
)
from budgetd.ledger.schema import APPLICATION_ID, STEPS
from budgetd.ledger.store import Ledger
from budgetd.ledger.thinning import SERIES_A_STEP, SWEEP_EVERY, Retention, thin

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
CASH = Unit(account_id="a", instrument=Instrument.CASH)
COUPON = Unit(account_id="a", instrument=Instrument.COUPON, part="c1")
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
KEPT = Retention(every=2 * DAY, hourly=4 * DAY, daily=6 * DAY)


def sweep(ledger: Ledger, now: datetime) -> int:
    """A whole sweep; how many steps it took."""
    steps = 1
    while thin(ledger, now, KEPT):
        steps += 1
    return steps


def whole(ledger: Ledger, unit: Unit = CASH) -> list[Sample]:
    return list(dict(histories(ledger, AT - 100 * DAY))[unit])


def test_a_reading_is_kept_once_and_by_its_unit(ledger: Ledger) -> None:
    first, again, later = (
        Sample(AT, Decimal("1.00")),
        Sample(AT, Decimal("9.00")),
        Sample(AT + DAY, Decimal("2.00")),
    )
    keep_readings(ledger, [(CASH, first), (COUPON, again)])
    keep_readings(ledger, [(CASH, again)])
    keep_readings(ledger, [(CASH, later)])
    keep_readings(ledger, [(CASH, first)])
    key = ("a", Instrument.CASH)
    assert samples(ledger, AT, {}) == {key: (first, later)}
    assert samples(ledger, AT + DAY, {}) == {key: (later,)}
    assert samples(ledger, AT + DAY, {key: AT})[key] == (first, later)
    assert newest(ledger) == {CASH: later, COUPON: again}


def test_readings_grow_coarser_with_age_and_nothing_else_is_lost(ledger: Ledger) -> None:
    number = 8 * 96
    reads = [Sample(AT - QUARTER * index, Decimal(index) + 1) for index in range(number)][::-1]
    keep_readings(ledger, [(CASH, one) for one in reads])
    sweep(ledger, AT)
    found = whole(ledger)
    midnight = AT.replace(hour=0)
    for span, step in ((2, QUARTER), (4, timedelta(hours=1)), (6, DAY)):
        begins = midnight - (span * DAY)
        ends = midnight - ((span - 2) * DAY) if span > 2 else AT + QUARTER
        kept = [one for one in found if begins <= one.read_at < ends]
        # Of each span so long the last reading, as it was read.
        spans = {
            (one.read_at - begins) // step: one for one in reads if begins <= one.read_at < ends
        }
        assert kept == list(spans.values())
    assert found[0].read_at >= midnight - 6 * DAY
    # Recent ones stay rows; a sweep on what was swept changes nothing.
    rows = ledger.connection.execute("SELECT count(*) FROM reading").get
    assert rows == 24 + 1
    sweep(ledger, AT + SWEEP_EVERY)
    assert whole(ledger)[-100:] == found[-100:]


def test_a_reading_is_found_whatever_form_it_has(ledger: Ledger) -> None:
    reads = [Sample(AT - QUARTER * index, Decimal(index) + 1) for index in range(4 * 96)][::-1]
    keep_readings(ledger, [(CASH, one) for one in reads])
    before = {hours: samples(ledger, AT - timedelta(hours=hours), {}) for hours in (1, 7, 30)}
    sweep(ledger, AT)
    assert before == {
        hours: samples(ledger, AT - timedelta(hours=hours), {}) for hours in (1, 7, 30)
    }
    for index in (2, 30, 100):
        near = AT - QUARTER * index
        assert last_before(ledger, CASH, near + timedelta(seconds=1)) == reads[-1 - index]
        assert first_after(ledger, CASH, near - timedelta(seconds=1)) == reads[-1 - index]
    assert last_before(ledger, CASH, AT - 50 * DAY) is None
    assert first_after(ledger, CASH, AT + DAY) is None
    hourly = dict(histories(ledger, AT - DAY, [CASH], step=timedelta(hours=1)))[CASH]
    assert len(hourly) == 25
    assert all(one.read_at.minute == 45 for one in hourly[:-1])


def test_a_reading_of_long_ago_is_never_taken_for_a_later_one(ledger: Ledger) -> None:
    odd = Sample(AT - DAY + timedelta(microseconds=1_999), Decimal("5.00"))
    keep_readings(ledger, [(CASH, odd)])
    assert whole(ledger) == [odd]
    sweep(ledger, AT)
    assert whole(ledger) == [Sample(AT - DAY + timedelta(milliseconds=1), Decimal("5.00"))]


def test_a_sweep_goes_in_steps_survives_a_restart_and_waits_for_its_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "budgetd.db", may_write=True)
    units = [
        Unit(account_id=f"{index}", instrument=Instrument.CASH)
        for index in range(2 * SERIES_A_STEP + 1)
    ]
    keep_readings(ledger, [(unit, Sample(AT - DAY, Decimal("1.00"))) for unit in units])
    count = "SELECT count(*) FROM reading"
    assert thin(ledger, AT, KEPT)
    assert ledger.connection.execute(count).get == SERIES_A_STEP + 1
    ledger.close()
    ledger = Ledger(tmp_path / "budgetd.db", may_write=True)
    assert sweep(ledger, AT) == 2
    assert ledger.connection.execute(count).get == 0
    keep_readings(ledger, [(units[0], Sample(AT - DAY / 2, Decimal("1.00")))])
    assert not thin(ledger, AT + SWEEP_EVERY / 2, KEPT)
    assert ledger.connection.execute(count).get == 1
    assert sweep(ledger, AT + SWEEP_EVERY) == 3
    assert ledger.connection.execute(count).get == 0
    # A clock that was set back neither puts the next sweep off for ever nor hides what is packed.
    assert sweep(ledger, AT - 30 * DAY) == 3
    assert len(samples(ledger, AT - 2 * DAY, {})) == len(units)


def test_readings_of_an_older_file_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "budgetd.db"
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL")
    for version in (1, 2):
        connection.execute(STEPS[version])
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2")
    connection.execute(
        "INSERT INTO reading VALUES ('a', 'cash', '2026-11-30T14:00:00.000123Z', 4200),"
        "('a', 'cash', '2026-11-30T15:00:00.000000Z', 4100)"
    )
    connection.close()
    ledger = Ledger(path, may_write=True)
    later = Sample(AT + timedelta(hours=1), Decimal("41.00"))
    assert whole(ledger) == [Sample(AT + timedelta(microseconds=123), Decimal("42.00")), later]
    assert newest(ledger) == {CASH: later}


@pytest.mark.parametrize("value", ["0.00", "99999999999.99"])
def test_any_amount_survives_being_packed(ledger: Ledger, value: str) -> None:
    one = Sample(AT - DAY, Decimal(value))
    keep_readings(ledger, [(CASH, one)])
    sweep(ledger, AT)
    assert whole(ledger) == [one]
