"""RF-DETR: which slot is background, names with holes, a resize of floats, and what each wrong convention costs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.family import Signature, Tensor
from shared.models.families.rfdetr import RfDetr
from shared.models.placement import stretch
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture
from tests.unit.shared.models.families.wrongly import changes_what_is_seen

FILE = Path(__file__).parents[4] / "families" / "rfdetr.onnx"


def signature(slots: int = 4, labels: str = "tensor(float)", columns: int = 4) -> Signature:
    image = Tensor("input", (1, 3, 64, 64), "tensor(float)")
    outputs = (Tensor("dets", (1, 2, columns), "tensor(float)"), Tensor("labels", (1, 2, slots), labels))
    return Signature((image,), outputs)


def rfdetr(said: dict[str, Any] | None = None, slots: int = 4) -> RfDetr:
    return RfDetr(signature(slots), Sidecar.model_validate(said or {}))


@pytest.mark.parametrize(
    ("foreign", "why"), [(signature(labels="tensor(int64)"), "of floats"), (signature(columns=5), "queries, 4")]
)
def test_mmdeploys_outputs_of_the_same_names_are_objected_to(foreign: Signature, why: str) -> None:
    assert why in str(RfDetr.objection(foreign))
    with pytest.raises(SettingsError, match="no RF-DETR"):
        RfDetr(foreign, Sidecar())


def test_the_last_slot_is_nothing_unless_somebody_says_otherwise() -> None:
    assert rfdetr().names == ("class0", "class1", "class2")
    assert len(rfdetr({"scores": {"background": False}}).names) == 4
    assert rfdetr({"scores": {"background_index": 0}, "names": ["bolt", "nut", "pin"]}).names[1:] == (
        "bolt",
        "nut",
        "pin",
    )
    with pytest.raises(SettingsError, match="background_index"):
        rfdetr({"scores": {"background_index": 4}})


def test_names_may_leave_out_ids_but_not_go_beyond_them() -> None:
    coco = {"scores": {"background": False}, "names": {1: "person", 3: "car"}}
    assert rfdetr(coco).names == ("class0", "person", "class2", "car")
    with pytest.raises(SettingsError, match="4 classes"):
        rfdetr({**coco, "names": {1: "person", 90: "toothbrush"}})


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({}, [1, 0]),
        ({"background": False}, [3, 1]),
        ({"background_index": 0}, [3, 1]),
        ({"background_index": 1}, [3, 0]),
    ],
)
def test_the_background_is_no_class_and_takes_nobodys_place(scores: dict[str, Any], expected: list[int]) -> None:
    logits = np.array([[1, 2, -9, 5], [-9] * 4], np.float32)
    boxes = np.full((2, 4), 0.5, np.float32)
    seen = rfdetr({"scores": scores}).read({"dets": boxes, "labels": logits}, stretch((200, 100), (64, 64)))
    assert seen.class_ids.tolist() == expected
    assert seen.boxes is not None
    assert seen.boxes[0] == pytest.approx([50, 25, 150, 75], abs=1e-4)


def test_pixels_are_rounded_nowhere_on_their_way() -> None:
    tensor = rfdetr().prepare(picture(517, 333)).tensor
    levels = (
        tensor * np.array([0.229, 0.224, 0.225])[:, None, None] + np.array([0.485, 0.456, 0.406])[:, None, None]
    ) * 255
    assert np.abs(levels - np.round(levels)).max() > 0.3


def test_boxes_in_pixels_are_no_rfdetrs() -> None:
    family = rfdetr()
    found = {"dets": np.full((2, 4), 320, np.float32), "labels": np.zeros((2, 4), np.float32)}
    with pytest.raises(SettingsError, match="shares of the image"):
        family.check(found, family.prepare(picture(64, 64)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": {"color": "bgr"}},
        {"input": {"scale": 1}},
        {"input": {"mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"input": {"resize": {"antialias": True}}},
        {"input": {"resize": {"mode": "letterbox"}}},
        {"scores": {"activation": "softmax"}},
        {"scores": {"background": False}},
    ],
    ids=str,
)
def test_each_wrong_convention_is_seen(wrong: dict[str, Any], tmp_path: Path) -> None:
    assert changes_what_is_seen(FILE, wrong, tmp_path)
