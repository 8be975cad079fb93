"""Worlds for a test, ended with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .world import World, started


@pytest.fixture
def world_of(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Starts a world with options; stops it at the end."""
    worlds: list[World] = []

    def start(**options: Any) -> World:
        worlds.append(started(tmp_path, **options))
        return worlds[-1]

    yield start
    for world in worlds:
        world.running.stop()


@pytest.fixture
def world(world_of: Callable[..., World]) -> World:
    """A world of the default beliefs."""
    return world_of()
