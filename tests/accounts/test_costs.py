"""What is billed is asked of the provider, once a day an account, and makes burns known."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from budgetd.clock import now
from budgetd.config import load_config
from budgetd.core.intent import Instrument, Unit
from budgetd.core.observation import Sample
from budgetd.ledger.forecasts import burns, refresh
from budgetd.ledger.readings import keep_readings
from budgetd.ledger.store import Ledger
from budgetd.observe import CHINA
from budgetd.sandbox.faults import FaultKind, FaultOrder
from budgetd.sandbox.running import RunningSandbox
from budgetd.service.tending import BILLED_AFTER, STEP_EVERY, Tending
from budgetd.wiring import observer_of, open_client

COSTS_PATH = "/v4/costs/cost-analysed-bills/query"
DAYS = timedelta(days=28)


def asked_costs(running: RunningSandbox) -> int:
    return sum(seen.path == COSTS_PATH for seen in running.sandbox.seen)


def billed(running: RunningSandbox, account_id: str, first: datetime, last: datetime) -> Decimal:
    """What the sandbox charged in those days."""
    days = (first.astimezone(CHINA).date(), last.astimezone(CHINA).date())
    charges = running.sandbox.book.accounts[account_id].charges
    return sum(
        (Decimal(one.total) / 100 for one in charges if days[0] <= one.day <= days[1]), Decimal(0)
    )


async def ask(path: Path, ledger: Ledger, clock: Callable[[], datetime], times: int) -> None:
    config = load_config(path)
    tending = Tending(ledger=ledger, clock=clock)
    async with open_client(config, now, may_write=True) as client:
        for _ in range(times):
            await tending.ask_costs(observer_of(config, client, clock))


def test_costs_are_what_was_charged_and_are_asked_for_once(
    running: RunningSandbox, config: Path, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "budgetd.db", may_write=True)
    zone, at = load_config(config).timezone, now()
    accounts = sorted(running.sandbox.book.accounts)
    units = [Unit(account_id=one, instrument=Instrument.CASH) for one in accounts]
    keep_readings(ledger, [(unit, Sample(at, Decimal("500.00"))) for unit in units])
    while refresh(ledger, at, zone):
        pass
    ticks = iter(at + STEP_EVERY * number for number in range(100))
    asyncio.run(ask(config, ledger, lambda: next(ticks), 3))
    assert asked_costs(running) == 1
    last = at - BILLED_AFTER
    costs = dict.fromkeys(accounts, Decimal(0))
    for account_id, amount in ledger.connection.execute("SELECT account_id, amount FROM cost"):
        costs[str(account_id)] += Decimal(int(str(amount))) / 100
    assert costs == {one: billed(running, one, last - DAYS, last) for one in accounts}
    assert sum(cost > 0 for cost in costs.values()) > 3
    later = at + timedelta(minutes=15)
    keep_readings(ledger, [(unit, Sample(later, Decimal("499.00"))) for unit in units])
    while refresh(ledger, later, zone):
        pass
    assert {unit.account_id for unit in burns(ledger, later, zone)} == {
        one for one in accounts if costs[one]
    }


def test_costs_that_cannot_be_read_are_asked_for_a_day_later(
    running: RunningSandbox, config: Path, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "budgetd.db", may_write=True)
    zone, at = load_config(config).timezone, now()
    unit = Unit(account_id="0" * 32, instrument=Instrument.CASH)
    keep_readings(ledger, [(unit, Sample(at, Decimal("500.00")))])
    refresh(ledger, at, zone)
    order = FaultOrder(kind=FaultKind.ERROR_500_BEFORE, path=COSTS_PATH, times=100)
    running.sandbox.faults.order(order)
    ticks = iter(at + STEP_EVERY * number for number in range(100))
    asyncio.run(ask(config, ledger, lambda: next(ticks), 1))
    tries = asked_costs(running)
    assert tries > 0
    asyncio.run(ask(config, ledger, lambda: next(ticks), 2))
    assert asked_costs(running) == tries
    assert not ledger.connection.execute("SELECT count(*) FROM cost").get
