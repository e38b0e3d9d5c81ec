"""Each convention of the YOLO families matters: with one of them broken, the references' own findings are not found."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.models.model import Model
from tests.families.pictures import picture

FOLDER = Path(__file__).parents[4] / "families"
BROKEN: dict[str, dict[str, Any]] = {
    "ultralytics-v8: blue first": {"input": {"color": "bgr"}},
    "ultralytics-v8: bytes as they are": {"input": {"scale": 1}},
    "ultralytics-v8: mean and deviation of ImageNet": {
        "input": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    },
    "ultralytics-v8: at the top left": {"input": {"resize": {"align": "top-left"}}},
    "ultralytics-v8: sizes cut off": {"input": {"resize": {"rounding": "trunc"}}},
    "ultralytics-v8: stretched": {"input": {"resize": {"mode": "stretch"}}},
    "ultralytics-v8: black around": {"input": {"resize": {"pad_value": 0}}},
    "ultralytics-v8: cubic": {"input": {"resize": {"interpolation": "bicubic"}}},
    "ultralytics-v8: antialiased": {"input": {"resize": {"antialias": True}}},
    "ultralytics-v8: YOLOv5's limit": {"nms": {"iou": 0.45}},
    "ultralytics-v8: nothing suppressed": {"nms": {"run": False}},
    "ultralytics-v11-dynamic: another size": {"input": {"size": [192, 192]}},
    "ultralytics-obb: nothing suppressed but the same box": {"nms": {"iou": 0.99}},
    "ultralytics-rtdetr-topk: letterboxed": {"input": {"resize": {"mode": "letterbox"}}},
    "ultralytics-rtdetr-scores: letterboxed": {"input": {"resize": {"mode": "letterbox"}}},
    "yolov5: blue first": {"input": {"color": "bgr"}},
    "yolov5: Ultralytics' limit": {"nms": {"iou": 0.7}},
    "yolov5: objectness taken for a class": {
        "scores": {"objectness": False},
        "names": ["what", "door", "crate", "cone"],
    },
    "yolov7: Ultralytics' limit": {"nms": {"iou": 0.7}},
    "yolox: red first": {"input": {"color": "rgb"}},
    "yolox: in 0..1": {"input": {"scale": 255}},
    "yolox: centred": {"input": {"resize": {"align": "center"}}},
    "yolox: sizes rounded": {"input": {"resize": {"rounding": "round"}}},
    "yolox: decoded already": {"decoded": True},
    "yolox: classes apart": {"nms": {"class_agnostic": False}},
    "yolox-decoded: not decoded": {"decoded": False},
}


def said(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def found(name: str, sidecar: Path | None = None) -> list[Findings]:
    model = Model(ModelConfig(path=FOLDER / f"{name}.onnx", sidecar=sidecar))
    session = model.open_session()
    prepared = [model.prepare(picture(*case["size_px"])) for case in said(name)["cases"]]
    return [model.read(model.run(session, [one])[0], one) for one in prepared]


def same(seen: Findings, case: dict[str, Any]) -> bool:
    """As many, with the classes, scores to 0.002 and boxes to a pixel, in the order of the scores."""
    assert seen.boxes is not None
    if seen.class_ids.tolist() != case["class_ids"]:
        return False
    boxes = np.clip(np.array(case["boxes"]), 0, case["size_px"] * 2)
    scores = np.abs(seen.confidences - case["confidences"]).max(initial=0.0)
    return bool(scores <= 0.002 and np.abs(seen.boxes - boxes).max(initial=0.0) <= 1)


@pytest.mark.parametrize("change", BROKEN)
def test_a_broken_convention_is_seen(change: str, tmp_path: Path) -> None:
    name, sidecar = change.partition(":")[0], tmp_path / "said.yaml"
    sidecar.write_text(yaml.safe_dump(BROKEN[change]))
    cases = said(name)["cases"]
    assert all(same(*pair) for pair in zip(found(name), cases, strict=True))
    assert not all(same(*pair) for pair in zip(found(name, sidecar), cases, strict=True))


@pytest.mark.parametrize("name", ["ultralytics-pose", "ultralytics-e2e-pose"])
def test_key_points_are_those_of_the_familys_own_code(name: str) -> None:
    for seen, case in zip(found(name), said(name)["cases"], strict=True):
        assert seen.keypoints is not None
        assert np.abs(seen.keypoints - np.array(case["keypoints"])).max() <= 0.05
