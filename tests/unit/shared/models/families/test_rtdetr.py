"""RT-DETR's own export: sizes as width and height, boxes back from whatever canvas was used, what wrong conventions cost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.family import Signature, Tensor
from shared.models.families.rtdetr import RtDetr
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture
from tests.unit.shared.models.families.wrongly import changes_what_is_seen

FILE = Path(__file__).parents[4] / "families" / "rtdetr.onnx"


def signature(sizes: str = "tensor(int64)", without: str = "") -> Signature:
    images = Tensor("images", ("N", 3, 64, 128), "tensor(float)")
    outputs = (
        Tensor("labels", ("N", 5), "tensor(int64)"),
        Tensor("boxes", ("N", 5, 4), "tensor(float)"),
        Tensor("scores", ("N", 5), "tensor(float)"),
    )
    return Signature(
        (images, Tensor("orig_target_sizes", ("N", 2), sizes)), tuple(one for one in outputs if one.name != without)
    )


def rtdetr(said: dict[str, Any] | None = None) -> RtDetr:
    return RtDetr(signature(), Sidecar.model_validate(said or {}))


def outputs(labels: list[int], scores: list[float], boxes: list[list[float]]) -> dict[str, Any]:
    return {
        "labels": np.array(labels, np.int64),
        "scores": np.array(scores, np.float32),
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
    }


@pytest.mark.parametrize("without", ["labels", "boxes", "scores"])
def test_anothers_file_is_objected_to(without: str) -> None:
    assert "expected outputs labels" in str(RtDetr.objection(signature(without=without)))
    alone = Signature(signature().inputs[:1], signature().outputs)
    assert "orig_target_sizes" in str(RtDetr.objection(alone))
    with pytest.raises(SettingsError, match="no RT-DETR"):
        RtDetr(alone, Sidecar())


@pytest.mark.parametrize(
    ("declared", "dtype"), [("tensor(int64)", np.int64), ("tensor(int32)", np.int32), ("tensor(float)", np.float32)]
)
def test_sizes_are_width_then_height_of_the_canvas(declared: str, dtype: type) -> None:
    family = RtDetr(signature(declared), Sidecar())
    feeds = family.feeds([family.prepare(picture(200, 300)), family.prepare(picture(90, 70))])
    assert feeds["images"].shape == (2, 3, 64, 128)
    assert feeds["orig_target_sizes"].tolist() == [[128, 64], [128, 64]]
    assert feeds["orig_target_sizes"].dtype == dtype


def test_boxes_come_back_from_the_canvas_clipped_and_sorted() -> None:
    family = rtdetr()
    placement = family.prepare(picture(256, 256)).placement
    found = outputs([2, 0, 1], [0.3, 0.9, 0.04], [[10, 10, 20, 20], [-5, 0, 64, 200], [0, 0, 1, 1]])
    seen = family.read(found, placement)
    assert seen.class_ids.tolist() == [0, 2]
    assert seen.confidences.tolist() == pytest.approx([0.9, 0.3])
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[0, 0, 128, 256], [20, 40, 40, 80]]


def test_padding_and_boxes_that_are_no_numbers_are_not_seen() -> None:
    family = rtdetr()
    found = outputs([-1, 0, 1], [0.9, 0.8, 0.7], [[0, 0, 9, 9], [0, np.inf, 9, 9], [0, 0, 9, 9]])
    assert family.read(found, family.prepare(picture(128, 64)).placement).class_ids.tolist() == [1]


def test_a_letterbox_that_a_sidecar_asks_for_is_undone() -> None:
    family = rtdetr({"input": {"resize": {"mode": "letterbox", "pad_value": 0, "rounding": "trunc"}}})
    prepared = family.prepare(picture(128, 128))
    assert family.feeds([prepared])["orig_target_sizes"].tolist() == [[128, 64]]
    seen = family.read(outputs([0], [0.9], [[32, 0, 96, 64]]), prepared.placement)
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[0, 0, 128, 128]]


def test_names_are_told_by_a_sidecar_alone() -> None:
    assert rtdetr().names == ()
    assert rtdetr({"names": {1: "person", 3: "car"}}).names == ("class0", "person", "class2", "car")


def test_scores_that_are_logits_are_refused() -> None:
    family = rtdetr()
    with pytest.raises(SettingsError, match="sigmoid"):
        family.check(outputs([0], [-3.0], [[0, 0, 1, 1]]), family.prepare(picture(64, 64)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": {"color": "bgr"}},
        {"input": {"scale": 1}},
        {"input": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}},
        {"input": {"resize": {"antialias": False}}},
        {"input": {"resize": {"mode": "letterbox"}}},
    ],
    ids=str,
)
def test_each_wrong_convention_is_seen(wrong: dict[str, Any], tmp_path: Path) -> None:
    assert changes_what_is_seen(FILE, wrong, tmp_path)
