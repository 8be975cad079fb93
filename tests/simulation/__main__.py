"""The campaign as a command: `python -m tests.simulation --schedules N [--seed S] [--workers W]`.

Prints what was played, what was reached and what broke, with failing scripts made small.
"""

import argparse
import os
import sys
import time
from random import SystemRandom

from .campaign import Result, broken_by, run_many, told
from .coverage import missing, table_lines
from .script import schedule_of
from .shrinking import shrink

COMPLETE = 20_000
MOST_SHRUNK = 3


def main() -> int:
    """Runs the campaign; 1 where an invariant broke or something was never reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=COMPLETE)
    parser.add_argument("--seed", type=int, help="the first seed; chosen freshly if left out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tell", type=int, metavar="SEED", help="tell one schedule's story")
    options = parser.parse_args()
    if options.tell is not None:
        script = schedule_of(options.tell)
        print("\n".join([*script.lines(), "", *told(script)]))
        return 0
    # Seeds below a million are the suite's own.
    first = (
        options.seed if options.seed is not None else 1_000_000 + SystemRandom().randrange(10**9)
    )
    begun = time.perf_counter()
    result = Result()
    for part in run_many(first, options.schedules, options.workers):
        result.add(part)
        _show_progress(result, begun)
    return _report(result, first, time.perf_counter() - begun)


def _show_progress(result: Result, begun: float) -> None:
    if sys.stderr.isatty():
        rate = result.schedules / (time.perf_counter() - begun)
        done = f"{result.schedules:,} schedules, {rate:.0f} a second, {len(result.failed)} failed"
        print(f"\r{done}", end="", file=sys.stderr)


def _report(result: Result, first: int, wall_s: float) -> int:
    last = first + result.schedules - 1
    spent = os.times()
    cpu_s = spent.user + spent.system + spent.children_user + spent.children_system
    print(f"{result.schedules:,} schedules, seeds {first} to {last}")
    print(f"{result.schedules / wall_s:.0f} a second, {wall_s:.0f} s, {cpu_s:.0f} s of CPU")
    print("\n".join(table_lines(result.coverage)))
    print(f"{len(result.failed)} schedules broke an invariant")
    for seed, violations in sorted(result.failed.items())[:20]:
        print(f"  seed {seed}: {'; '.join(violations)[:200]}")
    for seed in sorted(result.failed)[:MOST_SHRUNK]:
        small = shrink(schedule_of(seed), broken_by)
        print("\n".join(["", f"seed {seed}, made small:", *small.lines(), "", *told(small)]))
    unreached = missing(result.coverage) if result.schedules >= COMPLETE else []
    if unreached:
        print("never reached: " + ", ".join(unreached))
    return 1 if result.failed or unreached else 0


if __name__ == "__main__":
    sys.exit(main())
