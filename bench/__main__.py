"""`python -m bench`: every measure, one table, exit 1 if a bound is missed.

Flags: `--quick` for a smaller fleet, `--smallest` to try every measure without judging, and the
names of measures to take only those. What needs an environment of its own is taken by name alone.
"""

import argparse
import sys
from importlib import import_module

from bench.row import Row, table
from bench.size import FULL, QUICK, SMALLEST

MEASURES = {
    "sweep": "bench.sweep",
    "cpu": "bench.cpu",
    "decide": "bench.decide",
    "help": "bench.help_time",
    "check": "bench.check",
    "memory": "bench.memory",
}
BY_NAME = {"custodian": "bench.custodian"}


def main() -> int:
    """Takes the measures that were asked for and prints them; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smallest", action="store_true")
    parser.add_argument("measures", nargs="*", metavar="MEASURE")
    given = parser.parse_args()
    known = MEASURES | BY_NAME
    unknown = set(given.measures) - set(known)
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    size = SMALLEST if given.smallest else QUICK if given.quick else FULL
    rows: list[Row] = []
    for name in given.measures or MEASURES:
        sys.stderr.write(f"{name} ...\n")
        rows += import_module(known[name]).measure(size)
    sys.stdout.write(table(rows) + "\n")
    return 1 if size.is_judged and not all(row.is_kept for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
