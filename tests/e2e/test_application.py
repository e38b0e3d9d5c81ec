"""An application of ten lines, with a loop and a model of its own: it publishes, is asked for a verdict, and finds its frame
in the dataset. The program is the one that docs/applications.md shows. In both modes, all services as processes.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deploy.demo.clip import clip
from shared.streams.frames import Frame
from shared.streams.predictions import Prediction
from shared.streams.samples import Design
from tests.e2e.world import World

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "docs" / "applications" / "door.py"
PAGE = ROOT / "docs" / "applications.md"
FRAMES = 12
# Some of the frames are drawn and some are not; that none is drawn of twelve happens once in two million runs.
SETTINGS: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 0.7}]}
ASKED = re.compile(r"frame ([0-9a-f]{32}): did \[[-\d., ]+\] move\? \[y/n\] ")


def test_the_page_shows_the_program_that_is_tested() -> None:
    assert f"```python\n{PROGRAM.read_text()}```" in PAGE.read_text()


@pytest.fixture(scope="module")
def asked(world: World) -> list[str]:
    """The frames about which the application's user was asked. They said no to the first: a picture is not a movement."""
    video = world.folder / "door.avi"
    _film(video)
    asked = _run(world, video, ["n", *["y"] * FRAMES])
    assert len(asked) > 1
    world.drain()
    return asked


def _film(file: Path) -> None:
    """The demo's front door, as a video."""
    pictures = [frame.jpeg for frame in clip(2 * FRAMES) if frame.source_id == "front-door"]
    decoded = [cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) for picture in pictures]
    assert decoded[0] is not None
    height, width = decoded[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 5.0, (width, height))
    for picture in decoded:
        assert picture is not None
        writer.write(picture)
    writer.release()


def _run(world: World, video: Path, answers: list[str]) -> list[str]:
    """The program, and what its user types. The ids of the frames that it asked about."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), world.feedback_url(), str(video)],
        input="".join(f"{answer}\n" for answer in answers),
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + world.said()
    return ASKED.findall(done.stdout)


def of_the_application(world: World) -> list[Prediction]:
    found: list[Prediction] = world.records("predictions")
    return found


def test_each_frame_has_one_prediction_the_applications_own(world: World, asked: list[str]) -> None:
    frames: list[Frame] = world.records("frames")
    assert {(frame.source_id, frame.predicted_by) for frame in frames} == {("door", "motion")}
    assert len(frames) == FRAMES
    predictions = of_the_application(world)
    assert sorted(one.frame.frame_id for one in predictions) == sorted(frame.ref.frame_id for frame in frames)
    assert {(one.model_id, one.model_version) for one in predictions} == {("motion", "1")}


def test_the_frame_with_the_verdict_is_in_the_dataset(world: World, asked: list[str]) -> None:
    """Whether it was drawn or not: its user said that it is wrong."""
    rejected = asked[0]

    def found() -> list[dict[str, Any]]:
        return [one for one in world.fragments().values() if one["frame_id"] == rejected and one["verdicts"]]

    world.wait(lambda: bool(found()), "the rejected frame in the dataset")
    (fragment,) = found()
    (frame,) = [one for one in world.records("frames") if one.ref.frame_id == rejected]
    assert (world.dataset / "images" / fragment["file_name"]).read_bytes() == frame.image
    assert [one["reason"] for one in fragment["verdicts"]] == ["false_positive"]
    (prediction,) = [one for one in of_the_application(world) if one.frame.frame_id == rejected]
    shown = {tuple(one.box) for one in prediction.above_threshold()}
    left, top, right, bottom = prediction.detections[0].box
    boxes = {tuple(box["bbox"]) for box in fragment["boxes"]}
    assert prediction.detections[0].box in shown
    assert (left, top, right - left, bottom - top) not in boxes
    assert len(boxes) == len(shown) - 1


def test_the_floor_takes_its_share_of_them_too(world: World, asked: list[str]) -> None:
    drawn = {one.sample_id for one in world.records("samples") if isinstance(one, Design)}
    assert drawn
    assert drawn <= set(world.fragments())
