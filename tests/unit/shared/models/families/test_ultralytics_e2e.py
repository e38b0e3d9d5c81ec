"""Suppressed rows: score before class, empty ones left out, turned boxes by centre, nothing suppressed again."""

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.family import Signature, Tensor
from shared.models.families.ultralytics_e2e import UltralyticsEnd2End
from shared.models.families.ultralytics_rtdetr import UltralyticsRtdetr
from shared.models.placement import Floats, letterbox
from shared.models.sidecar import Sidecar

FLOAT = "tensor(float)"
IMAGES = Tensor("images", (1, 3, 640, 640), FLOAT)
SQUARE = letterbox((640, 640), (640, 640))
TWO = "{0: 'door', 1: 'cat'}"


def signature(columns: int, **metadata: str) -> Signature:
    return Signature((IMAGES,), (Tensor("output0", (1, 300, columns), FLOAT),), metadata)


def output(*rows: tuple[float, ...]) -> dict[str, Floats]:
    return {"output0": np.array(rows, np.float32)}


def test_rows_are_corners_score_and_class_and_stay_as_they_are() -> None:
    family = UltralyticsEnd2End(signature(6, names=TWO, task="detect"), Sidecar())
    twin = (10, 20, 30, 40)
    seen = family.read(output((*twin, 0.9, 1), (*twin, 0.8, 1), (1, 1, 2, 2, 0.05, 0), (0, 0, 0, 0, 0, 0)), SQUARE)
    assert seen.confidences.tolist() == [pytest.approx(0.9), pytest.approx(0.8)]
    assert seen.class_ids.tolist() == [1, 1]
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [list(twin)] * 2


def test_turned_rows_are_centre_and_size_with_the_angle_last() -> None:
    family = UltralyticsEnd2End(signature(7, names=TWO, task="obb", end2end="True"), Sidecar())
    seen = family.read(output((100, 100, 40, 20, 0.9, 0, np.pi / 2)), SQUARE)
    assert seen.boxes is not None
    assert np.abs(seen.boxes - [[90, 80, 110, 120]]).max() < 1e-3


def test_key_points_of_two_numbers_are_sure() -> None:
    family = UltralyticsEnd2End(signature(10, names=TWO, task="pose", end2end="True", kpt_shape="[2, 2]"), Sidecar())
    seen = family.read(output((10, 20, 30, 40, 0.9, 1, 12, 22, 700, 38)), SQUARE)
    assert seen.keypoints is not None
    assert seen.keypoints.tolist() == [[[12, 22, 1], [640, 38, 1]]]


@pytest.mark.parametrize(
    ("columns", "metadata"),
    [
        (84, {"task": "detect", "end2end": "True"}),
        (6, {"task": "obb", "end2end": "True"}),
        (6, {"task": "segment", "end2end": "True"}),
        (12, {"task": "pose", "end2end": "True", "kpt_shape": "[5, 3]"}),
    ],
)
def test_columns_that_contradict_the_metadata_are_refused(columns: int, metadata: dict[str, str]) -> None:
    assert "expected" in str(UltralyticsEnd2End.objection(signature(columns, **metadata)))


def test_rows_whose_sixth_column_is_no_class_are_refused_at_start() -> None:
    family = UltralyticsEnd2End(signature(6), Sidecar())
    prepared = family.prepare(np.full((640, 640, 3), 114, np.uint8))
    with pytest.raises(SettingsError, match="score, class"):
        family.check(output((50, 50, 20, 20, 0.9, 0.31)), prepared)


@pytest.mark.parametrize(
    ("metadata", "class_id", "confidence"),
    [
        ({"version": "8.4.40"}, 1, 0.75),  # the scores of two classes
        ({"version": "8.4.50"}, 0, 0.25),  # score and class
        ({"version": "8.4.190", "head": "RTDETRDecoder"}, 0, 0.25),
    ],
)
def test_two_classes_in_six_columns_are_told_by_the_version(
    metadata: dict[str, str], class_id: int, confidence: float
) -> None:
    said = {"names": TWO, "description": "Ultralytics rtdetr-l model", **metadata}
    family = UltralyticsRtdetr(signature(6, **said), Sidecar())
    row = (0.5, 0.5, 0.2, 0.1, 0.25, 0.75 if class_id else 0)
    seen = family.read(output(row), SQUARE)
    assert (seen.class_ids.tolist(), seen.confidences.tolist()) == ([class_id], [confidence])
    assert seen.boxes is not None
    assert np.abs(seen.boxes - [[256, 288, 384, 352]]).max() < 1e-3


def test_an_rtdetr_whose_columns_fit_no_class_list_is_refused() -> None:
    objection = UltralyticsRtdetr.objection(signature(9, names=TWO, head="RTDETRDecoder"))
    assert "4 + classes" in str(objection)
