"""A prediction of what a model found: key points travel with their box, and never make a prediction too large."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from services.inference.batching import Seen
from services.inference.predicting import prediction_of
from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.streams import predictions
from shared.streams.frames import FRAMES, Frame
from shared.streams.predictions import MAX_PREDICTION_BYTES, Prediction
from shared.streams.record import Record

COUNT, POINTS = 300, 17
MODEL: Any = SimpleNamespace(
    id="walkers", version="ce98df1d2455", config=ModelConfig(id="walkers"), task="detect", name_of=lambda kind: "person"
)


def frame() -> Frame:
    made: Frame = FRAMES.decode(Record(FRAMES.name, 0, 4711, 1_700_000_000_123, b"gate", b"\xff\xd8 pixels"))
    return made


def said(keypoints: Any, count: int = COUNT, width_px: int = 8192) -> Prediction:
    boxes = np.tile(np.array([[1000.126, 1000.126, 8191.877, 8191.877]], np.float32), (count, 1))
    confidences = np.linspace(0.987654, 0.051234, count).astype(np.float32)
    found = Findings(np.zeros(count, np.intp), confidences, boxes, keypoints)
    seen = Seen(width_px, width_px, "image/jpeg", found, {"decode": 2.123, "run": 14.123})
    return prediction_of(MODEL, frame(), seen)


def points(count: int, each: int, *, most: float = 8191.9) -> Any:
    dice = np.random.default_rng(7)
    return np.concatenate([dice.uniform(1000, most, (count, each, 2)), dice.uniform(0, 1, (count, each, 1))], axis=2)


def test_key_points_travel_with_their_box() -> None:
    given = np.array([[[10.123, 20.456, 0.98764], [30, 40, 1.0004]], [[1, 2, 0.5], [3, 4, 0.25]]], np.float32)
    first, second = said(given, 2).detections
    assert first.keypoints == ((10.12, 20.46, 0.9876), (30.0, 40.0, 1.0))
    assert second.keypoints == ((1.0, 2.0, 0.5), (3.0, 4.0, 0.25))
    assert said(None, 2).detections[0].keypoints == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_key_points_that_are_no_numbers_are_left_out_and_their_box_is_not(bad: float, column: int) -> None:
    given = points(2, 3)
    given[0, 1, column] = bad
    first, second = said(given, 2).detections
    assert (first.keypoints, len(second.keypoints)) == ((), 3)


def test_a_crowd_with_all_its_key_points_has_room() -> None:
    body = said(points(COUNT, POINTS)).to_bytes()
    assert len(body) < MAX_PREDICTION_BYTES
    read = predictions.decode(Record("predictions", 0, 1, 1_700_000_000_200, b"gate", body))
    assert [len(one.keypoints) for one in read.detections] == [POINTS] * COUNT


@pytest.mark.parametrize(("count", "each"), [(300, 133), (1000, 17), (1300, 68)])
def test_where_there_is_no_room_the_weakest_come_without_theirs(count: int, each: int) -> None:
    made = said(points(count, each), count)
    assert len(made.to_bytes()) <= MAX_PREDICTION_BYTES
    with_points = [bool(one.keypoints) for one in made.detections]
    assert with_points == sorted(with_points, reverse=True)
    assert len(with_points) == count
    assert not all(with_points)
