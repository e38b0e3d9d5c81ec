"""Replicas share the work: one is asked to stop and drains, one joins, while frames flow. Nothing is lost, nothing twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.camera import Camera
from tests.e2e.checks import check_nothing_lost_nothing_twice
from tests.e2e.world import World, cluster_world, deliver_to
from tests.hosts.forgetful import Storage, forgetful_host
from tests.servers import Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

FPS = 8.0
PARTITIONS = 4
SHARED = ("inference", "sampler")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[str, Storage]]:
    with forgetful_host(tmp_path / "host") as opened:
        yield opened


@pytest.fixture
def world(servers: Servers, tmp_path: Path, host: tuple[str, Storage]) -> Iterator[World]:
    world = cluster_world(tmp_path / "world", servers, PARTITIONS)
    deliver_to(world, host[0])
    yield world
    world.close()


@pytest.mark.timeout(240)
def test_one_leaves_and_one_joins_while_frames_flow(world: World, host: tuple[str, Storage]) -> None:
    world.start("uploader")
    for service in SHARED:
        for number in (1, 2):
            world.start(service, name=f"{service}-{number}")
    camera = Camera(world, FPS)
    with camera.filming():
        for service in SHARED:
            await_work(world, f"{service}-1", f"{service}-2")
        for service in SHARED:
            assert world.stop(f"{service}-1") == 0, world.said()
            world.start(service, name=f"{service}-3")
        for service in SHARED:
            await_work(world, f"{service}-2", f"{service}-3")
    world.drain()
    check_nothing_lost_nothing_twice(world, host[1], camera.frames)
    designs = [one.sample_id for one in world.records("samples")]
    assert Counter(designs).most_common(1)[0][1] == 1, "who drains hands over what is committed: nothing is done twice"


def await_work(world: World, *replicas: str) -> None:
    """Waits until each of these has partitions and has committed some of them."""
    for replica in replicas:
        (log,) = world.folder.glob(f"*-{replica}.log")
        world.wait(
            lambda log=log: "partitions.assigned" in log.read_text(errors="replace"),  # type: ignore[misc]
            f"{replica} has its share",
        )
