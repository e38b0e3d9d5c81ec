"""The forms of YOLO outputs are told apart by axes and metadata, and what says too little has none."""

import pytest

from shared.models.families.family import Signature, Tensor
from shared.models.families.yolo import Form, cell_counts, form_of

FLOAT = "tensor(float)"
NAMES = {"names": "{0: 'door', 1: 'cat'}"}
ULTRALYTICS = {**NAMES, "task": "detect", "stride": "32"}
Axes = tuple[int | str | None, ...]


def signature(*shapes: Axes, metadata: dict[str, str] | None = None, size: int | str = 640) -> Signature:
    outputs = tuple(Tensor(f"output{index}", shape, FLOAT) for index, shape in enumerate(shapes))
    return Signature((Tensor("images", (1, 3, size, size), FLOAT),), outputs, metadata or {})


@pytest.mark.parametrize(
    ("shape", "metadata", "form"),
    [
        ((1, 84, 8400), ULTRALYTICS, Form.COLUMNS),
        ((1, 84, 8400), {}, Form.COLUMNS),
        (("batch", 84, "anchors"), NAMES, Form.COLUMNS),
        (("batch", "a", "anchors"), ULTRALYTICS, Form.COLUMNS),
        ((1, 300, 6), ULTRALYTICS, Form.FINAL),
        ((1, 300, 6), {}, Form.FINAL),
        ((1, 300, 38), {**ULTRALYTICS, "end2end": "True"}, Form.FINAL),
        ((1, 300, 57), {**ULTRALYTICS, "args": "{'nms': True}"}, Form.FINAL),
        ((1, 84, 8400), {**ULTRALYTICS, "end2end": "False"}, Form.COLUMNS),
        ((1, 84, 8400), {**ULTRALYTICS, "args": "{'nms': False}"}, Form.COLUMNS),
        ((1, 84, 8400), {**ULTRALYTICS, "args": "no Python {"}, Form.COLUMNS),
        ((1, 300, 6), {**ULTRALYTICS, "head": "RTDETRDecoder"}, Form.QUERIES),
        ((1, 300, 84), {"description": "Ultralytics rt-detr-l model"}, Form.QUERIES),
        ((1, 25200, 85), {**NAMES, "stride": "32"}, Form.ROWS),
        ((1, 25200, 85), {}, Form.ROWS),
        (("batch", "anchors", 85), NAMES, Form.ROWS),
        (("batch", "anchors", "c"), NAMES, Form.ROWS),
        ((1, 8400, 85), {}, Form.POINTS),
        ((1, 8500, 85), {}, Form.POINTS),
        ((1, 8400, 85), {**NAMES, "stride": "32"}, Form.ROWS),
        ((1, 25200, 6), {}, Form.ROWS),
        (("batch", "anchors", "c"), {}, None),
        ((1, 85), {}, None),
        ((1, 255, 80, 80), {}, None),
        ((1, 4, 8400), {}, None),
    ],
)
def test_axes_and_metadata_tell_the_form(shape: Axes, metadata: dict[str, str], form: Form | None) -> None:
    assert form_of(signature(shape, metadata=metadata)) is form


def test_a_small_grid_of_one_class_is_not_taken_for_suppressed_rows() -> None:
    """YOLOv5 with one class at 96 px: 567 rows of six columns. YOLOX: 189."""
    assert form_of(signature((1, 567, 6), size=96)) is Form.ROWS
    assert form_of(signature((1, 189, 6), size=96)) is Form.POINTS
    assert form_of(signature((1, 300, 6), size=96)) is Form.FINAL


def test_masks_beside_the_boxes_are_a_segmenters_alone() -> None:
    boxes, masks = (1, 116, 8400), (1, 32, 160, 160)
    assert form_of(signature(boxes, masks, metadata={**ULTRALYTICS, "task": "segment"})) is Form.COLUMNS
    assert form_of(signature(boxes, masks, metadata=NAMES)) is None
    assert form_of(signature(boxes, boxes, metadata=ULTRALYTICS)) is None


def test_cells_are_counted_where_the_size_is_fixed() -> None:
    assert cell_counts(signature((1, 8400, 85))) == (8400, 8500)
    assert cell_counts(signature((1, 8400, 85), size="side")) == (0, 0)
