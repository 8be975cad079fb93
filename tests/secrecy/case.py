"""One case: a number that decides everything in it, and what it hands over to be searched.

It may not search.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .planting import Planted, chance, plant
from .telling import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a place is given: chance, secrets to plant, and a folder that it may fill."""

    rng: Random
    planted: Planted
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came out, and the secrets that may not be in it."""

    secrets: Mapping[str, str]
    outputs: list[Output]


def case_of(place: str, seed: int, number: int, folder: Path) -> Case:
    """The case of that number at that place: the same at any time, on any machine."""
    rng = chance(f"{place}/{seed}/{number}")
    return Case(rng=rng, planted=plant(rng), folder=folder)
