"""The master's readings are kept like any other, and are nobody's spending."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from budgetd.core.decisions.deciding import MASTER
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.columns import columns
from budgetd.ledger.evidence import rising
from budgetd.ledger.forecasts import burns, refresh
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASH = Unit(account_id=MASTER.id, instrument=Instrument.CASH)
MEMBER = Unit(account_id="a", instrument=Instrument.CASH)


def test_it_has_no_burn_and_its_rises_are_not_asked_about(ledger: Ledger) -> None:
    days = [Sample(AT - HOUR * n, Decimal(1000 + n * 10)) for n in range(24 * 6)]
    rise = Sample(AT + HOUR, Decimal(9000))
    for unit in (CASH, MEMBER):
        keep_readings(ledger, [(unit, one) for one in [*days, rise]])
    while refresh(ledger, AT + HOUR * 2, ZoneInfo("UTC")):
        pass
    assert set(burns(ledger, AT + HOUR * 2, ZoneInfo("UTC"))) == {MEMBER}
    assert set(rising(ledger, AT - HOUR * 2)) == {("a", Instrument.CASH)}
    kept = {column.unit: len(column.at) for column in columns(ledger, AT - HOUR, AT + HOUR * 2)}
    assert kept == {CASH: 3, MEMBER: 3}
