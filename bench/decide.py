"""CPU the decision takes: a large fleet, a hundred rules, an account in three of them.

Nothing is read: the observation is made up here. It may not touch a socket or a file.
"""

from datetime import UTC, datetime
from decimal import Decimal
from time import process_time

from bench.row import Row
from bench.rules import policies, settings_of
from bench.size import Size
from budgetd.core.observation import Account, Observation, Ok, Organization, Readings, Status
from budgetd.core.policies.policy import PolicySet
from budgetd.cycle import plan_of

NOW = datetime(2026, 11, 30, 14, tzinfo=UTC)
UNITS, NAMES, LISTS = 40, 30, 30
BOUND_S = 1.0
RUNS = 3


def measure(size: Size) -> list[Row]:
    """One row: the best of three, the plan included. One thread computes, so CPU is time."""
    observation = fleet(size.decide_accounts)
    settings = settings_of(hundred_rules(observation))
    best_s = float("inf")
    for _ in range(RUNS):
        begun_s = process_time()
        plan = plan_of(settings, observation)
        best_s = min(best_s, process_time() - begun_s)
    assert plan.transfers
    count = sum(1 for _ in settings.frame.policies.rules())
    return [
        Row(
            name="decide",
            value=f"{best_s:.2f} s of CPU, {size.decide_accounts} accounts, {count} rules",
            against=f"{BOUND_S:g} s",
            ratio=best_s / BOUND_S,
            most=1.0,
        )
    ]


def fleet(count: int) -> Observation:
    """A fleet whose cash goes round from nothing to plenty."""
    units = [Organization(id=f"{n}", name=f"U{n}", path=(f"U{n}",)) for n in range(UNITS)]
    accounts = tuple(
        Account(
            id=f"{n:032x}",
            name=f"acme_{n % NAMES}_{n}",
            display_name=f"account {n}",
            status=Status.NORMAL,
            organization=units[n % UNITS],
        )
        for n in range(count)
    )
    return Observation(
        taken_at=NOW,
        currency="CNY",
        accounts=accounts,
        readings={
            one.id: Readings(cash=Ok(Decimal(n * 37 % 9000), NOW)) for n, one in enumerate(accounts)
        },
        master=Readings(cash=Ok(Decimal("10000000.00"), NOW)),
    )


def hundred_rules(observation: Observation) -> PolicySet:
    """Top-ups by unit, alerts by name, reclaims by id: each account in one of each kind."""
    ids = [account.id for account in observation.accounts]
    lines = ["version: 1", "policy: bench", "rules:"]
    for unit in range(UNITS):
        lines.append(f'  - {{name: top-{unit}, accounts: {{org: "/U{unit}/**"}},')
        lines.append("     top_up: {when: {below: 500.00}, to: 2000.00}}")
    for number in range(NAMES):
        lines.append(f'  - {{name: low-{number}, accounts: {{name: "acme_{number}_*"}},')
        lines.append("     alert: {when: {below: 100.00}}}")
    for number in range(LISTS):
        chosen = ", ".join(f'"{one}"' for one in ids[number::LISTS])
        lines.append(f"  - {{name: home-{number}, accounts: {{id: [{chosen}]}},")
        lines.append("     reclaim: {when: {above: 5000.00}, keep: 3000.00}}")
    return policies("\n".join(lines))
