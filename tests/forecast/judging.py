"""How well forecasts foretell: by kind, how often the band held, how far off the middle was."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from budgetd.core.burn import FOREVER
from budgetd.core.forecast.estimating import burn_of

from .fleets import ZONE, Life, life

HORIZONS = (1, 3, 7, 14)
DAY = timedelta(days=1)


@dataclass(slots=True)
class Score:
    """Of one kind: per horizon, whether the band held what happened, and the middle's error."""

    held: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    unknown: int = 0

    def coverage(self, *horizons: int) -> float:
        """The share of cases that the band held, of all horizons or of some."""
        found = [one for days in horizons or HORIZONS for one in self.held[days]]
        return sum(found) / len(found)

    def error(self, days: int) -> float:
        """The median error of the runway, as a share of the true one."""
        return median(self.errors[days])


def judged(kind: str, seeds: Iterable[int]) -> Score:
    """Forecasts of fresh accounts against what they went on to spend."""
    score = Score()
    for seed in seeds:
        _judge(life(kind, seed), score)
    return score


def _judge(made: Life, score: Score) -> None:
    burn = burn_of(made.read, made.moves, ZONE)
    if burn is None:
        score.unknown += 1
        return
    for days in HORIZONS:
        truth = days * DAY
        value = made.spent(made.now, made.now + truth)
        if made.kind == "idle":
            runway = burn.runway(made.read[-1].value, made.now, ZONE)
            score.held[days].append(runway.low == FOREVER)
            continue
        runway = burn.runway(value, made.now, ZONE)
        score.held[days].append(runway.low <= truth <= runway.high)
        score.errors[days].append(abs(runway.middle - truth) / truth)
