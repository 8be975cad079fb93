"""`python -m tests.secrecy`: the campaign on the command line, and its figures.

It may not run a case itself.
"""

import argparse
import sys
import time
from collections import Counter

from .campaign import BY_NAME, PLACES, Chunk, Figures, campaign, run

MOST_SHOWN = 40


def main() -> int:
    """Runs what is asked for; 1 where a secret was found."""
    asked = _asked()
    begun = time.monotonic()
    if asked.case is not None:
        numbers = range(asked.case, asked.case + 1)
        figures = run(Chunk(place=asked.only, seed=asked.seed, numbers=numbers))
    else:
        figures = campaign(asked.cases, asked.seed, workers=asked.workers, only=asked.only)
    _print(figures, time.monotonic() - begun)
    return 1 if figures.sightings else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.secrecy")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=sorted(BY_NAME), help="one place alone")
    parser.add_argument("--case", type=int, help="one case of that place again, by its number")
    asked = parser.parse_args()
    if asked.case is not None and asked.only is None:
        parser.error("--case needs --only")
    return asked


def _print(figures: Figures, took_s: float) -> None:
    by_place = Counter(sighting.place for sighting in figures.sightings)
    print(f"{'place':<14}{'cases':>9}{'outputs':>11}{'MB searched':>13}{'leaks':>7}")
    for place in PLACES:
        megabytes = figures.characters[place.name] / 1e6
        print(
            f"{place.name:<14}{figures.cases[place.name]:>9,}{figures.outputs[place.name]:>11,}"
            f"{megabytes:>13,.1f}{by_place[place.name]:>7,}"
        )
    whole = figures.cases.total()
    print(
        f"{'all':<14}{whole:>9,}{figures.outputs.total():>11,}"
        f"{figures.characters.total() / 1e6:>13,.1f}{len(figures.sightings):>7,}"
        f"   in {took_s:,.0f} s"
    )
    kinds = Counter((one.place, one.output, one.leak.secret) for one in figures.sightings)
    first = {(one.place, one.output, one.leak.secret): one for one in figures.sightings[::-1]}
    for kind, count in kinds.most_common(MOST_SHOWN):
        print(f"{count} x {first[kind]}")


if __name__ == "__main__":
    sys.exit(main())
