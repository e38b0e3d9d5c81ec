"""YOLOv5 and YOLOv7: objectness before the classes, one class, the unrounded margin, rows that name their frame."""

from pathlib import Path

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.efficientnms import EfficientNms
from shared.models.families.family import Signature, Tensor
from shared.models.families.yolov5 import Yolov5, back
from shared.models.families.yolov7_end2end import Yolov7End2End
from shared.models.placement import Floats, letterbox
from shared.models.sidecar import ScoreOptions, Sidecar

FLOAT = "tensor(float)"
SQUARE = letterbox((640, 640), (640, 640))
IMAGES = Tensor("images", (1, 3, 640, 640), FLOAT)
NAMES = {"names": "{0: 'door'}"}


def yolov5(columns: int, metadata: dict[str, str] | None = None, said: Sidecar | None = None) -> Yolov5:
    output = Tensor("output", (1, 25200, columns), FLOAT)
    return Yolov5(Signature((IMAGES,), (output,), metadata or {}), said or Sidecar())


def rows(*some: tuple[float, ...]) -> dict[str, Floats]:
    return {"output": np.array(some, np.float32)}


def test_what_counts_is_objectness_times_class() -> None:
    seen = yolov5(7).read(rows((50, 50, 20, 20, 0.5, 0.2, 0.8), (200, 50, 20, 20, 0.04, 1, 1)), SQUARE)
    assert seen.class_ids.tolist() == [1]
    assert seen.confidences.tolist() == [pytest.approx(0.4)]
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[40, 40, 60, 60]]


def test_a_single_class_counts_in_yolov5_and_not_in_yolov7() -> None:
    """YOLOv7 `utils/general.py`: with one class its score stays untrained, at a half."""
    one = rows((50, 50, 20, 20, 0.8, 0.5))
    assert yolov5(6, NAMES).read(one, SQUARE).confidences.tolist() == [pytest.approx(0.4)]
    assert yolov5(6).read(one, SQUARE).confidences.tolist() == [pytest.approx(0.8)]


def test_rows_without_objectness_are_read_where_the_sidecar_says_so() -> None:
    family = yolov5(6, said=Sidecar(scores=ScoreOptions(objectness=False)))
    assert family.names == ("class0", "class1")
    assert family.read(rows((50, 50, 20, 20, 0.3, 0.6)), SQUARE).class_ids.tolist() == [1]


def test_rows_of_ultralytics_are_not_guessed() -> None:
    output = Tensor("output0", (1, 8400, 84), FLOAT)
    objection = Yolov5.objection(Signature((IMAGES,), (output,), {"task": "detect"}))
    assert objection is not None
    assert "objectness: false" in objection


def test_the_way_back_is_the_familys_own() -> None:
    """yolov5 7.0.14 `scale_boxes((160, 160), boxes, (333, 517))`: the margin is 28.472, not 28."""
    placement = letterbox((517, 333), (160, 160))
    moved = back(np.array([[10, 40, 60, 90], [-5, 0, 200, 200]], np.float32), placement)
    assert np.abs(moved[0] - [32.3125, 37.25, 193.875, 198.8125]).max() < 1e-3
    assert moved[1].tolist() == [0, 0, 517, 333]


def end2end() -> Yolov7End2End:
    return Yolov7End2End(Signature((IMAGES,), (Tensor("output", ("found", 7), FLOAT),)), Sidecar())


def test_rows_go_to_the_frame_they_name_with_class_before_score() -> None:
    family = end2end()
    table = rows((0, 1, 2, 3, 4, 2, 0.3), (1, 5, 6, 7, 8, 0, 0.9), (0, 9, 9, 12, 12, 1, 0.7), (0, 1, 1, 2, 2, 1, 0.05))
    first, second = (family.read(one, SQUARE) for one in family.split(table, 2))
    assert first.class_ids.tolist() == [1, 2]
    assert first.confidences.tolist() == [pytest.approx(0.7), pytest.approx(0.3)]
    assert second.boxes is not None
    assert second.boxes.tolist() == [[5, 6, 7, 8]]
    assert len(family.read(family.split(table, 3)[2], SQUARE).class_ids) == 0


@pytest.mark.parametrize(
    ("shape", "batch"), [((100, 7), 1), (("batch", 7), "batch"), (("found", 8), 1), ((1, "found", 7), 1)]
)
def test_a_classifier_of_seven_classes_is_no_yolov7(shape: tuple[int | str, ...], batch: int | str) -> None:
    images = Tensor("images", (batch, 3, 640, 640), FLOAT)
    assert Yolov7End2End.objection(Signature((images,), (Tensor("output", shape, FLOAT),))) is not None


def test_only_the_first_num_dets_rows_count() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "num_dets": (1, 1),
        "det_boxes": (1, 4, 4),
        "det_scores": (1, 4),
        "det_classes": (1, 4),
    }
    signature = Signature((IMAGES,), tuple(Tensor(name, shape, FLOAT) for name, shape in shapes.items()))
    outputs = {
        "num_dets": np.array([2], np.int32),
        "det_boxes": np.array([[1, 2, 3, 4]] * 4, np.float32),
        "det_scores": np.array([0.6, 0.7, 0.9, 0.9], np.float32),
        "det_classes": np.array([3, 1, 0, 0], np.int32),
    }
    seen = EfficientNms(signature, Sidecar()).read(outputs, SQUARE)
    assert seen.class_ids.tolist() == [1, 3]


def test_a_head_without_its_last_layer_is_refused(tmp_path: Path) -> None:
    family = yolov5(7)
    prepared = family.prepare(np.full((640, 640, 3), 114, np.uint8))
    with pytest.raises(SettingsError, match="--grid"):
        family.check(rows((50, 50, 20, 20, -4.5, 0.2, 3.1)), prepared)
