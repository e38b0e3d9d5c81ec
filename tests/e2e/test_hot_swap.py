"""Versions change while frames flow: none is lost, none predicted twice, and each prediction is its version's own."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.inference.models.releases import Releases
from tests.chaos.camera import Camera
from tests.e2e.swaps import (
    FPS,
    MODES,
    check_once_and_in_order,
    check_said_by_its_model,
    opened,
    predicting,
    predictions,
    replace,
    status,
    version_of,
    versions,
    wait_for_predictions_of,
    wait_for_refusal,
    wait_until_predicted,
)
from tests.e2e.world import World, cluster_world
from tests.servers import Servers

DIES_WITHIN_S = 40.0


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with opened(request, tmp_path / "world") as world:
        yield world


def gleaner(world: World, *arguments: object) -> str:
    """What a command says; it must succeed."""
    done = CliRunner().invoke(app, ["--settings", str(world.settings_file), *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def push(world: World, path: Path) -> str:
    return str(json.loads(gleaner(world, "models", "push", path, "--now", "--json"))["version"])


def from_the_bucket(world: World) -> None:
    world.values["model"].pop("path")


@pytest.mark.timeout(240)
def test_a_file_is_replaced_under_load(world: World, tmp_path: Path) -> None:
    one, two, three = versions(tmp_path)
    served = Path(world.values["model"]["path"])
    first = replace(served, one)
    world.start(predicting(world))
    camera = Camera(world, FPS)
    with camera.filming():
        wait_for_predictions_of(world, first)
        second = replace(served, two)
        wait_for_predictions_of(world, second)
        written_slowly(world, served, three, while_predicting=second)
        wait_for_predictions_of(world, version_of(three))
        served.write_bytes(b"no model at all")
        wait_for_refusal(world, "is no ONNX model that onnxruntime can load")
        wait_for_predictions_of(world, version_of(three))
    wait_until_predicted(world, camera.frames)
    expected = [first, second, version_of(three)]
    check_once_and_in_order(world, camera.frames, expected)
    check_said_by_its_model(world, dict(zip(expected, (one, two, three), strict=True)))


def written_slowly(world: World, served: Path, by: Path, while_predicting: str) -> None:
    """Over the old file, in two halves: half a file that holds still is refused, and the old version goes on."""
    content = by.read_bytes()
    with served.open("wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        wait_for_refusal(world, "is no ONNX model that onnxruntime can load")
        wait_for_predictions_of(world, while_predicting)
        file.write(content[len(content) // 2 :])


@pytest.mark.timeout(240)
def test_pushes_and_a_rollback_under_load(world: World, tmp_path: Path) -> None:
    one, two, _ = versions(tmp_path)
    from_the_bucket(world)
    world.start(predicting(world))
    camera = Camera(world, FPS)
    with camera.filming():
        world.wait(lambda: any("nothing was pushed" in (each.why or "") for each in status(world)), "what it waits for")
        assert predictions(world) == []
        first = push(world, one)
        wait_for_predictions_of(world, first)
        second = push(world, two)
        wait_for_predictions_of(world, second)
        broken_push(world)
        wait_for_predictions_of(world, second)
        gleaner(world, "models", "rollback", "--to", first)
        wait_for_predictions_of(world, first)
    wait_until_predicted(world, camera.frames)
    check_once_and_in_order(world, camera.frames, [first, second, first])
    check_said_by_its_model(world, {first: one, second: two})
    (told,) = json.loads(gleaner(world, "models", "list", "tested", "--json"))
    assert [release["by"] for release in told["releases"]] == ["rollback", "push", "push", "push"]
    assert [(each["version"], each["refused"]) for each in told["running"]] == [(first, None)]


def broken_push(world: World) -> None:
    """A release of files that are not what was promised, and keys that nobody of ours wrote."""
    with world.backend() as backend:
        backend.images.put("models/tested/dddddddddddd/best.onnx", b"junk", "application/octet-stream")
        manifest = {
            "graph": "best.onnx",
            "files": [{"name": "best.onnx", "key": "best.onnx", "size": 4, "sha256": "0"}],
        }
        backend.images.put(
            "models/tested/dddddddddddd/manifest.json", json.dumps(manifest).encode(), "application/json"
        )
        for key in ("models/tested/releases/zzz", "models/tested/releases/99999999-nothex.json", "models/tested/x/y"):
            backend.images.put(key, b"\xff\xfe garbage", "text/plain")
        Releases(backend.images, "tested").release("dddddddddddd", "push")
    wait_for_refusal(world, "are not the 4 that were pushed")


@pytest.mark.timeout(240)
def test_garbage_in_the_bucket_at_the_start(world: World, tmp_path: Path) -> None:
    """The newest release that works is taken."""
    (one,) = versions(tmp_path, [8])
    from_the_bucket(world)
    good = push(world, one)
    with world.backend() as backend:
        releases = Releases(backend.images, "tested")
        for version in ("dddddddddddd", "eeeeeeeeeeee"):
            backend.images.put(f"models/tested/{version}/manifest.json", b"\x00{]", "application/json")
            releases.release(version, "push")
    world.start(predicting(world))
    published = world.publish(range(10))
    wait_until_predicted(world, published.frames)
    check_once_and_in_order(world, published.frames, [good])
    wait_for_refusal(world, "is no list of files")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("step", ["_load", "_swap"])
def test_killed_in_the_middle_of_a_swap(world: World, tmp_path: Path, step: str) -> None:
    """The new version comes up at the restart; what was in flight is predicted again, and nothing is lost."""
    one, two, _ = versions(tmp_path)
    served = Path(world.values["model"]["path"])
    first, second = replace(served, one), version_of(two)
    name = predicting(world)
    process = world.start(name, f"services.inference.swapping:Swapper.{step}", 2, "inference")
    camera = Camera(world, FPS)
    with camera.filming():
        wait_for_predictions_of(world, first)
        replace(served, two)
        assert process.wait(DIES_WITHIN_S) == -signal.SIGKILL, world.said()
        world.start(name)
        wait_for_predictions_of(world, second)
    wait_until_predicted(world, camera.frames)
    found = predictions(world)
    assert {one.frame.frame_id for one in found} == {frame.ref.frame_id for frame in world.records("frames")}
    assert {one.model_version for one in found} == {first, second}
    counted = world.counts().frames
    assert (counted.frames, counted.repeated) == (camera.frames, len(found) - camera.frames), "a repeat is known as one"
    check_said_by_its_model(world, {first: one, second: two})


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_bucket_is_away_while_a_swap_is_due(own_servers: Servers, tmp_path: Path) -> None:
    """The old version goes on, and the new one comes when the bucket does; a process that starts meanwhile waits for it."""
    one, two, _ = versions(tmp_path)
    world = cluster_world(tmp_path / "world", own_servers)
    world.values["model"] |= {"check_every_s": 0.2}
    from_the_bucket(world)
    first = push(world, one)
    process = world.start("inference")
    camera = Camera(world, FPS)
    try:
        with camera.filming():
            wait_for_predictions_of(world, first)
            process.send_signal(signal.SIGSTOP)
            second = push(world, two)
            own_servers.minio.stop()
            process.send_signal(signal.SIGCONT)
            wait_for_predictions_of(world, first, more=20)
            own_servers.minio.start()
            wait_for_predictions_of(world, second)
            own_servers.minio.stop()
            assert world.stop("inference") == 0, world.said()
            world.start("inference")
            world.wait(lambda: "worker.paused" in world.said(), "it waits for the bucket")
            own_servers.minio.start()
            wait_for_predictions_of(world, second)
        wait_until_predicted(world, camera.frames)
        check_once_and_in_order(world, camera.frames, [first, second])
    finally:
        world.close()
