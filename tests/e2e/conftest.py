"""End-to-end tests run first, so that their minutes pass beside those of everything else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules to the front; the order within each is kept."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE))


MakeWorld = Callable[..., World]


@pytest.fixture(scope="module")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWorld]:
    """Makes worlds, and takes every one of them down at the end of the module."""
    made: list[World] = []

    def make(name: str, third: int, libs: Iterable[str] = ()) -> World:
        world = World(tmp_path_factory.mktemp(name), f"e2e-{name}-{os.getpid()}", third, libs)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
        assert world.remains() == []
