"""The demo's clip: as many yellow packs as promised, cameras in turn, mostly still, the same for a seed."""

from collections import Counter
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.demo.camera import HEIGHT_PX, WIDTH_PX
from deploy.demo.clip import CAMERAS, SECONDS_BETWEEN_FRAMES, YELLOW_PACKS, ClipFrame, clip


@pytest.fixture(scope="module")
def frames() -> list[ClipFrame]:
    return list(clip())


def decoded(frame: ClipFrame) -> NDArray[np.int64]:
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture).astype(np.int64)


def test_cameras_take_turns_and_time_goes_on(frames: list[ClipFrame]) -> None:
    assert len(frames) == 600
    assert [frame.source_id for frame in frames[:4]] == [*CAMERAS, *CAMERAS]
    assert [frame.index for frame in frames] == list(range(600))
    assert {b.captured_at_s - a.captured_at_s for a, b in pairwise(frames)} == {SECONDS_BETWEEN_FRAMES}


def test_twelve_yellow_packs_come_each_for_a_few_frames(frames: list[ClipFrame]) -> None:
    shown = Counter(truth.name for frame in frames for truth in frame.truth if truth.kind == "yellow")
    assert len(shown) == YELLOW_PACKS
    assert all(6 <= count <= 15 for count in shown.values()), shown
    seen = Counter(truth.name for frame in frames for truth in frame.visible("yellow"))
    assert all(seen[name] >= 4 for name in shown), seen


def test_brown_boxes_people_and_false_alarms_are_there(frames: list[ClipFrame]) -> None:
    kinds = Counter(truth.kind for frame in frames for truth in frame.truth)
    assert {"brown", "person", "cat", "planter", "pot", "leaves", "shoes"} <= set(kinds)
    assert kinds["brown"] > 2 * kinds["yellow"]


def test_truth_lies_inside_the_pictures(frames: list[ClipFrame]) -> None:
    boxes = np.array([truth.xyxy for frame in frames for truth in frame.truth])
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= (WIDTH_PX, HEIGHT_PX)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_day_turns_into_night(frames: list[ClipFrame]) -> None:
    assert decoded(frames[10]).mean() > 1.6 * decoded(frames[-10]).mean()


def test_most_frames_repeat_the_one_before(frames: list[ClipFrame]) -> None:
    pictures = [decoded(frame) for frame in frames[:120:2]]
    steps = [np.abs(b - a).mean() for a, b in pairwise(pictures)]
    assert np.mean(np.array(steps) < 6) > 0.6


def test_a_seed_gives_the_same_bytes(frames: list[ClipFrame]) -> None:
    assert [frame.jpeg for frame in islice(clip(), 20)] == [frame.jpeg for frame in frames[:20]]
    assert [frame.jpeg for frame in islice(clip(seed=8), 2)] != [frame.jpeg for frame in frames[:2]]
