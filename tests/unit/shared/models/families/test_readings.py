"""Outputs that are no numbers are left out; they never stop the service."""

from pathlib import Path

import numpy as np

from shared.models.config import ModelConfig
from shared.models.model import Model
from shared.models.placement import letterbox
from tests.unit.shared.models.built_models import classifier, detector

NAN, INF = float("nan"), float("inf")
SQUARE = letterbox((192, 192), (192, 192))


def test_scores_and_boxes_that_are_no_numbers_are_no_detections(tmp_path: Path) -> None:
    family = Model(ModelConfig(path=detector(tmp_path / "model.onnx"))).family
    columns = np.array(
        [[50, 50, 20, 20, 0, 0.9, 0], [90, 90, 9, 9, NAN, 0.9, NAN], [90, 90, INF, 9, 0.8, 0, 0]], np.float32
    )
    seen = family.read({"output0": columns.T}, SQUARE)
    assert seen.class_ids.tolist() == [1]
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[40, 40, 60, 60]]


def test_the_lowest_confidence_itself_is_not_carried(tmp_path: Path) -> None:
    family = Model(ModelConfig(path=detector(tmp_path / "model.onnx"), lowest_confidence=0.25)).family
    columns = np.array([[50, 50, 20, 20, 0.25, 0, 0], [150, 50, 20, 20, 0.26, 0, 0]], np.float32)
    assert family.read({"output0": columns.T}, SQUARE).confidences.tolist() == [np.float32(0.26)]


def test_a_classifier_that_gives_no_numbers_names_no_class(tmp_path: Path) -> None:
    family = Model(ModelConfig(path=classifier(tmp_path / "model.onnx"))).family
    assert family.read({"output0": np.array([NAN, NAN, NAN], np.float32)}, SQUARE).class_ids.tolist() == []
    assert family.read({"output0": np.array([0.2, NAN, 0.8], np.float32)}, SQUARE).class_ids.tolist() == [2, 0]
