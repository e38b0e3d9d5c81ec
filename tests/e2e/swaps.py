"""What the tests of swapped models share: versions that differ visibly, and what must hold of every prediction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from services.inference.batching import Lanes, Seen
from services.inference.models.running import RunningModel, running
from services.inference.plan import Plan
from services.inference.predicting import prediction_of
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.models.model import Model
from shared.streams import FRAMES
from shared.streams.frames import Frame
from shared.streams.predictions import Prediction
from tests.e2e.world import CONFIDENCES, World, cluster_world, embedded_world
from tests.unit.shared.models.built_models import detector

MODES = [pytest.param("cluster", marks=pytest.mark.servers), "embedded"]
FPS = 20.0
LOOKED_AT = 12
"""Frames of each version that are predicted again, to see that the version said what its model says."""


@contextmanager
def opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """A world of the fixture's mode, which looks for versions five times a second."""
    if request.param == "embedded":
        world = embedded_world(folder)
    else:
        world = cluster_world(folder, request.getfixturevalue("servers"))
    world.values["model"] |= {"check_every_s": 0.2}
    try:
        yield world
    finally:
        world.close()


def predicting(world: World) -> str:
    """The process that predicts."""
    return "embedded" if world.embedded else "inference"


def versions(folder: Path, widths: Sequence[int] = (8, 10, 12)) -> list[Path]:
    """Models of different weights, each in a folder of its own, under one name."""
    folder.mkdir(parents=True, exist_ok=True)
    return [detector(folder / f"width-{width}.onnx", width=width) for width in widths]


def version_of(path: Path) -> str:
    return ModelFiles.of(path).version


def replace(target: Path, by: Path) -> str:
    """As a careful person does it: written aside, moved over. Gives the version."""
    aside = target.with_suffix(".aside")
    aside.write_bytes(by.read_bytes())
    aside.replace(target)
    return version_of(by)


def predictions(world: World) -> list[Prediction]:
    return world.records("predictions")


def wait_for_predictions_of(world: World, version: str, more: int = 10) -> None:
    def so_many() -> int:
        return sum(one.model_version == version for one in predictions(world))

    before = so_many()
    world.wait(lambda: so_many() >= before + more, f"{more} predictions of {version}")


def status(world: World, model_id: str = "tested") -> list[RunningModel]:
    """What living processes say that they run."""
    with world.backend() as backend:
        return list(running(backend.images, model_id))


def wait_for_refusal(world: World, words: str) -> None:
    world.wait(lambda: any(words in (one.why or "") for one in status(world)), f"refused with {words!r}")


def wait_until_predicted(world: World, frames: int) -> None:
    world.wait(lambda: len({one.frame.frame_id for one in predictions(world)}) >= frames, f"{frames} frames predicted")


def check_once_and_in_order(world: World, frames: int, expected: Sequence[str]) -> None:
    """Every frame exactly one prediction, in the frames' order; versions change as they did, once each."""
    found = predictions(world)
    assert len(found) == frames, world.said()
    assert {one.frame.frame_id for one in found} == {frame.ref.frame_id for frame in world.records("frames")}
    for own in by_partition(found).values():
        offsets = [one.frame.offset for one in own]
        assert offsets == sorted(offsets)
        assert is_subsequence([version for version, _ in groupby(one.model_version for one in own)], expected)
    assert {one.model_version for one in found} == set(expected)


def check_said_by_its_model(world: World, paths: Mapping[str, Path]) -> None:
    """Each version's predictions are what its model says of those frames, to the last digit."""
    frames = {frame.ref.frame_id: frame for frame in world.records(FRAMES.name)}
    for version, path in paths.items():
        own = [one for one in predictions(world) if one.model_version == version]
        model = Model(ModelConfig(path=path, id="tested", **CONFIDENCES))
        with closing(Lanes(model, Plan())) as lanes:
            for one in own[:: max(1, len(own) // LOOKED_AT)]:
                assert one.detections == again(model, lanes, frames[one.frame.frame_id]).detections, version


def again(model: Model, lanes: Lanes, frame: Frame) -> Prediction:
    (seen,) = lanes.predict([frame.image])
    assert isinstance(seen, Seen)
    return prediction_of(model, frame, seen)


def by_partition(found: Sequence[Prediction]) -> dict[int, list[Prediction]]:
    apart: dict[int, list[Prediction]] = {}
    for one in found:
        apart.setdefault(one.frame.partition, []).append(one)
    return apart


def is_subsequence(short: Sequence[str], long: Sequence[str]) -> bool:
    rest = iter(long)
    return all(one in rest for one in short)
