"""The campaign: so many cases at each place, the search through all that came out, the figures.

It may not know what happens at a place.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from . import (
    command_cases,
    credential_cases,
    cycle_cases,
    document_cases,
    library_cases,
    noun_cases,
    wire_cases,
)
from .case import Case, Found, case_of
from .scanner import Leak, Scanner

CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where secrets are planted: `share` is its part of the cases, of all shares together."""

    name: str
    share: int
    run: Callable[[Case], Awaitable[Found]]


PLACES = (
    Place(name="reads", share=240, run=wire_cases.read),
    Place(name="moves", share=200, run=wire_cases.move),
    Place(name="accounts", share=100, run=wire_cases.create),
    Place(name="tokens", share=120, run=wire_cases.token),
    Place(name="loop", share=20, run=wire_cases.unobserved),
    Place(name="nouns", share=40, run=noun_cases.shown),
    Place(name="configs", share=120, run=document_cases.config),
    Place(name="policies", share=60, run=document_cases.policy),
    Place(name="credentials", share=60, run=credential_cases.read),
    Place(name="sockets", share=20, run=library_cases.socket),
    Place(name="cycles", share=2, run=cycle_cases.cycle),
    Place(name="commands", share=4, run=command_cases.command),
    Place(name="processes", share=2, run=command_cases.process),
)
BY_NAME = {place.name: place for place in PLACES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A leak, and the case that shows it again."""

    place: str
    seed: int
    number: int
    output: str
    leak: Leak

    def __str__(self) -> str:
        return (
            f"{self.place} {self.number} (seed {self.seed}): {self.leak.secret} as "
            f"{self.leak.form} in {self.output}: {self.leak.around!r}"
        )


@dataclass(slots=True)
class Figures:
    """What was done, by place, and what was found."""

    cases: Counter[str] = field(default_factory=Counter)
    outputs: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    sightings: list[Sighting] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Adds what somebody else did."""
        self.cases += other.cases
        self.outputs += other.outputs
        self.characters += other.characters
        self.sightings += other.sightings


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some cases of one place, by their numbers."""

    place: str
    seed: int
    numbers: range


def chunks(cases: int, seed: int, only: str | None = None) -> Iterator[Chunk]:
    """So many cases, each place its share of them and one at least, in pieces."""
    places = [BY_NAME[only]] if only else list(PLACES)
    shares = sum(place.share for place in places)
    counts = {place: max(1, cases * place.share // shares) for place in places}
    counts[places[0]] += max(0, cases - sum(counts.values()))
    for place, count in counts.items():
        # Places with a small share are the slow ones: their pieces are small, too.
        size = min(CHUNK, 20 * place.share)
        for first in range(0, count, size):
            numbers = range(first, min(first + size, count))
            yield Chunk(place=place.name, seed=seed, numbers=numbers)


def run(chunk: Chunk) -> Figures:
    """Runs some cases in this process."""
    figures = Figures()
    place = BY_NAME[chunk.place]
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        for number in chunk.numbers:
            case = case_of(place.name, chunk.seed, number, Path(folder))
            found = runner.run(_found(place, case))
            figures.cases[place.name] += 1
            scanner = Scanner(found.secrets)
            for output, text in found.outputs:
                figures.outputs[place.name] += 1
                figures.characters[place.name] += len(text)
                figures.sightings += [
                    Sighting(
                        place=place.name, seed=chunk.seed, number=number, output=output, leak=leak
                    )
                    for leak in scanner.leaks(text)
                ]
    return figures


async def _found(place: Place, case: Case) -> Found:
    return await place.run(case)


def campaign(cases: int, seed: int, *, workers: int = 1, only: str | None = None) -> Figures:
    """Runs them all; with more than one worker in processes of their own."""
    figures = Figures()
    waiting = list(chunks(cases, seed, only))
    if workers == 1:
        for chunk in waiting:
            figures.add(run(chunk))
        return figures
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in pool.map(run, waiting):
            figures.add(done)
    return figures
