"""Beside cycles a daemon thins what is kept and finds burns, a step at a call."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from budgetd.config.schema import Config
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.forecasts import UNITS_A_STEP, burns
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger
from budgetd.service.tending import Tending

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


def config() -> Config:
    keys = {"access_key": "file:ak", "secret_key": "file:sk"}
    return Config.model_validate(
        {
            "enterprise": "acme",
            "provider": {"endpoint": "http://127.0.0.1:1", "credentials": keys},
            "policies": "policies/",
            "state": "sqlite:///state.db",
        },
        context={"folder": Path("/")},
    )


def test_every_burn_is_found_a_few_at_a_step_and_then_it_rests(ledger: Ledger) -> None:
    names = [f"a{number}" for number in range(UNITS_A_STEP + 1)]
    now = AT + timedelta(seconds=1)
    for hour in range(100):
        sample = Sample(AT - HOUR * (99 - hour), Decimal(500 - hour))
        units = [Unit(account_id=name, instrument=Instrument.CASH) for name in names]
        keep_readings(ledger, [(unit, sample) for unit in units])
    tending = Tending(ledger=ledger, clock=lambda: now)
    given = config()
    counts = []
    for _ in range(3):
        tending.step(given)
        counts.append(len(burns(ledger, now, ZONE)))
    assert counts == [UNITS_A_STEP, UNITS_A_STEP + 1, UNITS_A_STEP + 1]
    sample = Sample(AT + HOUR, Decimal(1))
    keep_readings(ledger, [(Unit(account_id="late", instrument=Instrument.CASH), sample)])
    before = ledger.connection.total_changes()
    tending.step(given)
    assert ledger.connection.total_changes() == before
