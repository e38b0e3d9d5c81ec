"""Cameras of the settings, end to end: opened by `gleaner run` on one box and by `python -m services.sources` on real servers.

Two live cameras, one that wants a password, one that is not there; the process that reads them is killed and started again.
"""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.native.ports import free_port
from shared.streams import PREDICTIONS
from tests.cameras import Fault, Spec, read_number, serving
from tests.cameras import World as Cameras
from tests.e2e.conftest import MODES
from tests.e2e.world import World, cluster_world, embedded_world

FPS = 5.0
PASSWORD = "c4nary-password"
ENOUGH = 8
"""Frames of each live camera before something happens, and after."""
PORTS: dict[Path, int] = {}
"""Of the reader's health page, by world."""


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    specs = [
        Spec("mjpeg", "mjpeg", fps=FPS),
        Spec("rtsp", "rtsp-h264", fps=FPS, gop=5),
        Spec("locked", "mjpeg", fps=FPS, user="viewer", password="another"),
        Spec("gone", "mjpeg"),
    ]
    with serving(specs) as world:
        world["gone"].fault = Fault.REFUSES
        yield world


@pytest.fixture(scope="module", params=MODES)
def world(
    request: pytest.FixtureRequest, cameras: Cameras, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cameras")
    if request.param == "embedded":
        world = embedded_world(folder)
    else:
        world = cluster_world(folder, request.getfixturevalue("servers"))
    lines = {one.name: {"url": one.url, "user": "viewer", "password": PASSWORD} for one in cameras}
    world.values["sources"] = {"defaults": {"fps": FPS, "retry_most_s": 1}, **lines}
    PORTS[folder] = free_port()
    yield world
    world.close()


def start(world: World) -> None:
    """Whatever reads the cameras, and the four services: as a user starts them."""
    if not world.embedded and not world.processes:
        world.start_all()
    # A file of its own: the services would want the same port for their health.
    settings = world.folder / "reader.yaml"
    settings.write_text(yaml.safe_dump({**world.values, "health": {"port": PORTS[world.folder]}}), encoding="utf-8")
    with (world.folder / "90-cameras.log").open("ab") as said:
        world.processes["cameras"] = subprocess.Popen(
            [sys.executable, *(["-m", "services", "run"] if world.embedded else ["-m", "services.sources"])],
            env={**os.environ, "GLEANER_SETTINGS": str(settings)},
            stdout=said,
            stderr=said,
        )


def reports(world: World) -> dict[str, dict[str, Any]]:
    """What the reader says of each camera; nothing before it answers."""
    try:
        told = httpx.get(f"http://127.0.0.1:{PORTS[world.folder]}/sources", timeout=5).json()
    except httpx.TransportError:
        return {}
    return {one["source_id"]: one for one in told}


def published(world: World, name: str) -> int:
    return int(reports(world).get(name, {}).get("published", 0))


def numbers(world: World) -> dict[str, list[int]]:
    """The numbers in the pictures of `frames`, by camera, in the log's order."""
    seen: dict[str, list[int]] = defaultdict(list)
    for frame in world.records("frames"):
        seen[frame.source_id].append(read_number(frame.image))
    return seen


def test_frames_of_live_cameras_become_predictions_and_samples(world: World) -> None:
    start(world)
    for name in ("mjpeg", "rtsp"):
        world.wait(lambda name=name: published(world, name) >= ENOUGH, f"{ENOUGH} frames of {name}")  # type: ignore[misc]
    told = reports(world)
    assert {name: told[name]["state"] for name in told} == {
        "mjpeg": "live",
        "rtsp": "live",
        "locked": "down",
        "gone": "down",
    }
    assert told["locked"]["fault"] == "unauthorized"
    assert told["gone"]["fault"] == "refused"
    assert PASSWORD not in json.dumps(told)


def test_a_reader_that_is_killed_goes_on_where_the_cameras_are(world: World) -> None:
    assert world.stop("cameras", signal.SIGKILL) == -signal.SIGKILL
    before = {name: len(seen) for name, seen in numbers(world).items()}
    start(world)
    for name in ("mjpeg", "rtsp"):
        world.wait(lambda name=name: published(world, name) >= ENOUGH, f"{ENOUGH} more frames of {name}")  # type: ignore[misc]
    world.wait_until(lambda _: _predicted(world) > sum(before.values()), "predictions of them")
    assert world.stop("cameras") == 0, world.said()


def test_each_picture_came_once_in_order_and_was_predicted(world: World, cameras: Cameras) -> None:
    if world.embedded:
        world.start("embedded")
    world.drain()
    seen = numbers(world)
    assert set(seen) == {"mjpeg", "rtsp"}
    for name, found in seen.items():
        assert len(found) >= 2 * ENOUGH
        assert all(one < other for one, other in pairwise(found)), f"{name}: {found}"
        assert set(found) <= set(cameras[name].sent)
    predicted = {one.frame.frame_id for one in world.records(PREDICTIONS.name)}
    assert predicted == {frame.ref.frame_id for frame in world.records("frames")}
    assert PASSWORD not in _everything_said(world.folder)


def _predicted(world: World) -> int:
    return len(world.records(PREDICTIONS.name))


def _everything_said(folder: Path) -> str:
    return "".join(log.read_text(errors="replace") for log in folder.glob("*.log"))
