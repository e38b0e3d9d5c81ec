"""A running world per test file and mode: all services as processes, everything that is published is drawn."""

from collections.abc import Iterator

import pytest

from tests.e2e.world import World, cluster_world, embedded_world

MODES = [pytest.param("cluster", marks=pytest.mark.servers), "embedded"]


@pytest.fixture(scope="module", params=MODES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    if request.param == "embedded":
        world = embedded_world(folder)
    else:
        world = cluster_world(folder, request.getfixturevalue("servers"))
    world.values.update(getattr(request.module, "SETTINGS", {}))
    world.start_all()
    yield world
    world.close()
