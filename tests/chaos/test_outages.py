"""Redis, MinIO and Kafka away for a while in mid-run, or frozen: the dataset at the end is that of an undisturbed run.

Compared are sample ids, image bytes and annotations; what may differ is said in `tests/e2e/checks.py`. No process may end.
GLEANER_TEST_OUTAGE_S: how long an outage is (12 s by default: no call to Kafka waits longer). A freeze lasts a quarter of it.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.cli.kept import Kept
from shared.bootstrap import OpenBackend
from shared.streams.groups import READS
from tests.chaos.camera import Camera
from tests.e2e.checks import check_designs_follow_their_plans, check_tidy, coco_of, dataset_of, drawn
from tests.e2e.world import World, cluster_world
from tests.servers import Controlled, Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

OUTAGE_S = float(os.environ.get("GLEANER_TEST_OUTAGE_S", "12"))
FROZEN_S = OUTAGE_S / 4
CALM_S = 2.0
"""How long frames flow undisturbed before each outage."""
STARTING_S, STARTING_WITHOUT_KAFKA_S = 6.0, 12.0
"""Long enough for a process to come up, look for its servers, and find none (a Kafka client tries for ten seconds)."""
RESUMED_WITHIN_S = 60.0
FPS, BUDGETED_FPS = 3.0, 6.0
BUDGET: dict[str, Any] = {
    "strategies": [{"type": "random", "share": 0.6}, {"type": "uncertain", "share": 0.4}],
    "review": "7200/hour",
    "sampler": {"declared_fps": BUDGETED_FPS},
}
"""A third of the frames: so many that half of an outage in which none is kept is no accident."""


@pytest.mark.timeout(420)
def test_servers_stopped_in_mid_run_change_nothing(own_servers: Servers, tmp_path: Path) -> None:
    servers: list[tuple[str, Controlled]] = [
        ("redis", own_servers.redis),
        ("minio", own_servers.minio),
        ("kafka", own_servers.kafka),
    ]
    with _closing(cluster_world(tmp_path / "disturbed", own_servers)) as world:
        frames = _film(world, [partial(_stopped, world, name, server) for name, server in servers])
        with _closing(_undisturbed(tmp_path / "undisturbed", own_servers, frames)) as calm:
            _check_same(world, calm, frames)


@pytest.mark.timeout(240)
def test_a_frozen_redis_changes_nothing(own_servers: Servers, tmp_path: Path) -> None:
    """Connections stay open and nothing is answered: what was asked may have been done or not."""
    with _closing(cluster_world(tmp_path / "disturbed", own_servers)) as world:
        frames = _film(world, [partial(_frozen, world, own_servers.redis)] * 3)
        with _closing(_undisturbed(tmp_path / "undisturbed", own_servers, frames)) as calm:
            _check_same(world, calm, frames)


@pytest.mark.timeout(300)
def test_without_redis_a_sampler_on_a_budget_makes_no_plan_of_its_own(own_servers: Servers, tmp_path: Path) -> None:
    """It pauses while frames flow on, then catches up: nothing is lost, and each draw follows the one plan of its epoch."""
    with _closing(cluster_world(tmp_path / "world", own_servers)) as world:
        world.values.update(BUDGET)
        frames = _film(world, [partial(_stopped, world, "redis", own_servers.redis)], BUDGETED_FPS)
        found = world.kept()
        assert found.frames >= frames
        assert set(found.with_image) == drawn(world)
        check_designs_follow_their_plans(world)
        check_tidy(world, found.with_image)
        _check_kept_of_every_part(found)


def _check_kept_of_every_part(found: Kept) -> None:
    """Frames of the outage were kept as those around it."""
    times_ms = sorted(found.samples[one][0].prediction.frame.time_ms for one in found.with_image)
    longest_ms = max(later - earlier for earlier, later in pairwise(times_ms))
    assert longest_ms < OUTAGE_S * 1000 / 2, "expected draws of what came while it was away"


@pytest.mark.timeout(400)
def test_services_stop_and_start_while_a_server_is_away(own_servers: Servers, tmp_path: Path) -> None:
    """SIGTERM ends each in time, whatever it waits for; started without the server, each waits for it."""
    with _closing(cluster_world(tmp_path / "world", own_servers)) as world:
        world.start_all()
        away: list[tuple[Controlled, float]] = [
            (own_servers.redis, STARTING_S),
            (own_servers.minio, STARTING_S),
            (own_servers.kafka, STARTING_WITHOUT_KAFKA_S),
        ]
        for number, (server, starting_s) in enumerate(away):
            world.publish(range(number * 10, number * 10 + 5))
            world.wait_until_up()
            server.stop()
            _pass_time(world, CALM_S)
            ended = {name: world.stop(name) for name in list(world.processes)}
            assert ended == dict.fromkeys(world.services, 0), world.said()
            world.start_all()
            _pass_time(world, starting_s)
            server.start()
            world.publish(range(number * 10 + 5, number * 10 + 10))
        world.drain()
        found = world.kept()
        assert found.frames >= 30
        assert set(found.with_image) == drawn(world)
        check_tidy(world, found.with_image)


def _film(world: World, disturbances: Sequence[Callable[[], None]], fps: float = FPS) -> int:
    """Frames flow through running services while one thing after the other happens. Returns how many were published."""
    world.start_all()
    camera = Camera(world, fps)
    with camera.filming():
        _caught_up(world, "the first frames")
        for disturb in disturbances:
            disturb()
    world.drain(RESUMED_WITHIN_S)
    return camera.frames


def _stopped(world: World, name: str, server: Controlled) -> None:
    _pass_time(world, CALM_S)
    server.stop()
    _pass_time(world, OUTAGE_S)
    server.start()
    print(f"{name} back after {OUTAGE_S:g} s: everything flows again {_caught_up(world, name):.1f} s later")


def _frozen(world: World, server: Controlled) -> None:
    _pass_time(world, CALM_S)
    server.freeze()
    _pass_time(world, FROZEN_S)
    server.thaw()
    print(f"thawed after {FROZEN_S:g} s: everything flows again {_caught_up(world, 'redis'):.1f} s later")


def _pass_time(world: World, seconds: float) -> None:
    """The outage's own length; all processes must live through it."""
    over = threading.Event()
    threading.Timer(seconds, over.set).start()
    world.wait(over.is_set, "the end of the outage", seconds + 30)


def _caught_up(world: World, since: str) -> float:
    """Waits until what is in `frames` now has gone through every service; returns after how long."""
    with world.backend() as backend:
        return sum(
            _gone_through(world, backend, group, stream, since)
            for group, streams in READS.items()
            for stream in streams
        )


def _gone_through(world: World, backend: OpenBackend, group: str, stream: str, since: str) -> float:
    ends: dict[int, int] = {}

    def reached() -> bool:
        ends.update(ends or {number: bounds.end for number, bounds in backend.log.bounds(stream).items()})
        committed = backend.log.committed(group, stream)
        return all(committed.get(number, 0) >= end for number, end in ends.items())

    return world.wait(reached, f"{group} through {stream} after {since}", RESUMED_WITHIN_S)


def _undisturbed(folder: Path, servers: Servers, frames: int) -> World:
    """The same frames through a world in which nothing happens."""
    world = cluster_world(folder, servers)
    world.start_all()
    world.publish(range(frames))
    world.drain()
    return world


def _check_same(disturbed: World, calm: World, frames: int) -> None:
    for world in (disturbed, calm):
        assert {name: world.stop(name) for name in list(world.processes)} == dict.fromkeys(world.services, 0)
        found = world.kept()
        assert found.frames >= frames  # a frame that was sent twice is counted twice
        assert set(found.with_image) == drawn(world)
        check_tidy(world, found.with_image)
    assert len(drawn(calm)) > frames / 3
    assert dataset_of(disturbed) == dataset_of(calm)
    assert coco_of(disturbed) == coco_of(calm)


@contextmanager
def _closing(world: World) -> Iterator[World]:
    try:
        yield world
    finally:
        world.close()
