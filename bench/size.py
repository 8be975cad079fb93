"""How large each measure is taken: in full, quickly, or so small that it is only tried.

Nouns alone; it may not measure anything.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is read, decided and run. `latency_s` is what each answer of the provider takes;
    `sweep_most` how far a sweep may be above its floor; only a judged run can fail."""

    sweep_accounts: int
    latency_s: float
    sweep_most: float
    peer_reads: int
    cpu_reads: int
    decide_accounts: int
    help_runs: int
    check_runs: int
    custodian_runs: int
    memory_accounts: int
    is_judged: bool = True


FULL = Size(
    sweep_accounts=1000,
    latency_s=1.0,
    sweep_most=1.08,
    peer_reads=30,
    cpu_reads=500,
    decide_accounts=10_000,
    help_runs=10,
    check_runs=15,
    custodian_runs=3,
    memory_accounts=10_000,
)
# The reading of the units and the start of the first call weigh five times as much.
QUICK = replace(FULL, sweep_accounts=200, sweep_most=1.12, peer_reads=10)
SMALLEST = Size(
    sweep_accounts=20,
    latency_s=0.2,
    sweep_most=1.08,
    peer_reads=2,
    cpu_reads=4,
    decide_accounts=200,
    help_runs=1,
    check_runs=1,
    custodian_runs=1,
    memory_accounts=30,
    is_judged=False,
)
