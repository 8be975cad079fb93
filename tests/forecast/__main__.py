"""`python -m tests.forecast`: the long form, figures by kind. `--seeds FIRST COUNT`."""

import argparse

from .fleets import KINDS
from .judging import HORIZONS, judged


def main() -> None:
    """Prints one line a kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs=2, default=(100_000, 400))
    first, count = parser.parse_args().seeds
    for kind in KINDS:
        score = judged(kind, range(first, first + count))
        parts = [f"{kind:8} band {score.coverage():6.1%}"]
        for days in HORIZONS:
            error = f" error {score.error(days):5.1%}" if score.errors[days] else ""
            parts.append(f"{days}d {score.coverage(days):6.1%}{error}")
        print("   ".join(parts), f"  unknown {score.unknown}")


if __name__ == "__main__":
    main()
