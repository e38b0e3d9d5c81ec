"""Boxes, scores and classes are those of the family's own code (reference/make_reference.py), for odd sizes too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.models.model import Model
from tests.unit.shared.models.built_models import picture
from tests.unit.shared.models.reference.make_reference import MODELS, REFERENCE

CASES = json.loads(REFERENCE.read_text(encoding="utf-8"))
DETECTORS = [case for case in CASES if "boxes" in case]
CLASSIFIERS = [case for case in CASES if "boxes" not in case]


def name_of(case: dict[str, Any]) -> str:
    return f"{case['model']} {case['size_px']}"


def findings(case: dict[str, Any], folder: Path) -> Findings:
    model = Model(ModelConfig(path=MODELS[case["model"]](folder / "model.onnx")))
    width_px, height_px = case["size_px"]
    prepared = model.prepare(picture(width_px, height_px))
    return model.read(model.run(model.open_session(), [prepared])[0], prepared)


def pairwise_iou(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """(N, M) of boxes (N, 4) and (M, 4)."""
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


@pytest.mark.parametrize("case", DETECTORS, ids=name_of)
def test_a_detector_sees_what_its_family_sees(case: dict[str, Any], tmp_path: Path) -> None:
    seen, boxes = findings(case, tmp_path), np.array(case["boxes"])
    assert seen.boxes is not None
    assert len(seen.boxes) == len(boxes) > 1
    scores = np.abs(seen.confidences[:, None] - np.array(case["confidences"])[None])
    same = (seen.class_ids[:, None] == np.array(case["class_ids"])[None]) & (scores <= 0.002)
    overlap = np.where(same, pairwise_iou(seen.boxes, boxes), 0)
    assert overlap.max(axis=1).min() >= 0.99
    assert overlap.max(axis=0).min() >= 0.99


@pytest.mark.parametrize("case", CLASSIFIERS, ids=name_of)
def test_a_classifier_says_what_its_family_says(case: dict[str, Any], tmp_path: Path) -> None:
    seen = findings(case, tmp_path)
    expected = np.array(case["confidences"])
    assert seen.class_ids.tolist() == np.argsort(-expected).tolist()
    assert np.abs(seen.confidences - expected[seen.class_ids]).max() <= 0.002
