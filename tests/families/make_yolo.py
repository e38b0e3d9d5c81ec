"""Makes the references of YOLOv5 (original), YOLOv7, YOLOX and the EfficientNMS layout: tiny nets of the families' own code.

pip install torch==2.15.0 torchvision onnx onnxruntime==1.32.0 opencv-python pandas seaborn loguru tabulate pycocotools
"setuptools<80"; without their pins (`--no-deps`) yolov5==7.0.14, yolov7-package==0.0.13, and the `yolox` folder of
yolox==0.3.0's archive. From the root: `python -m tests.families.make_yolo [NAME…]`. What no package has says so.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
import yaml
import yolov5
from torch import nn
from yolov5.models.yolo import DetectionModel as Yolov5
from yolov5.utils.augmentations import letterbox
from yolov5.utils.general import non_max_suppression, scale_boxes
from yolov7_package.models.experimental import End2End
from yolov7_package.models.yolo import Model as Yolov7
from yolov7_package.utils.datasets import letterbox as letterbox7
from yolov7_package.utils.general import non_max_suppression as suppressed7
from yolov7_package.utils.general import scale_coords
from yolox.data.data_augment import preproc
from yolox.models import YOLOPAFPN, YOLOX, YOLOXHead
from yolox.utils import demo_postprocess, multiclass_nms

from tests.families import sight
from tests.families.pictures import picture

SIDE_PX = 160
SIZES_PX = ((300, 91), (97, 240), (517, 333), (225, 400), (640, 480), (333, 517), (211, 150), (150, 211))
NAMES = ["door", "crate", "cone"]
KEPT = 100
ANCHORS = [[12, 16, 19, 36, 40, 28], [36, 75, 76, 55, 72, 60], [90, 70, 60, 110, 110, 80]]
YAML = Path(yolov5.__file__).parent / "models" / "yolov5n.yaml"
Found = tuple[Any, Any, Any]
"""Boxes (N, 4) xyxy in pixels of the picture, confidences, class ids."""


@dataclass(frozen=True)
class Recipe:
    """One reference: how the network is made, its export, and how the family's own code reads it."""

    family: str
    made_with: str
    network: Callable[[torch.Tensor], nn.Module]
    read: Callable[[ort.InferenceSession, Any, float], Found]
    iou: float = 0.45
    outputs: tuple[str, ...] = ("output",)
    axes: dict[str, dict[int, str]] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    bgr_bytes: bool = False
    suppresses: bool = True
    more: dict[str, Any] = field(default_factory=dict)


def yolov5n(images: torch.Tensor) -> nn.Module:
    """The family's own YAML, made tiny."""
    values = yaml.safe_load(YAML.read_text()) | {"width_multiple": 0.02, "nc": len(NAMES), "anchors": ANCHORS}
    return opened(Yolov5(values), images).fuse()


def yolov7(images: torch.Tensor) -> nn.Module:
    """Its own layers and head; PyPI's package carries none of its YAMLs."""
    up, join = ["nn.Upsample", [None, 2, "nearest"]], ["Concat", [1]]
    layers = [[-1, 1, "Conv", [wide, 3, 2]] for wide in (8, 16, 16, 16, 24)]
    layers += [[-1, 1, "Conv", [16, 1, 1]], [-1, 1, *up], [[-1, 3], 1, *join], [-1, 1, "Conv", [16, 3, 1]]]
    layers += [
        [-1, 1, *up],
        [[-1, 2], 1, *join],
        [-1, 1, "Conv", [16, 3, 1]],
        [[11, 8, 4], 1, "Detect", ["nc", "anchors"]],
    ]
    sizes = {"width_multiple": 1.0, "depth_multiple": 1.0, "nc": len(NAMES), "anchors": ANCHORS}
    return opened(Yolov7(sizes | {"backbone": layers[:5], "head": layers[5:]}), images).fuse()


def opened(model: Any, images: torch.Tensor) -> Any:
    sight.settle(model, images)
    _open_anchors(model, images)
    return model


def _open_anchors(model: Any, images: torch.Tensor) -> None:
    head = model.model[-1]
    given = sight.inputs_of(model, list(head.m), images)
    columns = len(NAMES) + 5
    for part in head.m:
        sight.spread(part, given[part], 0.0, 0.4)
        for anchor in range(0, part.out_channels, columns):
            sight.open_eyes(part, given[part], 0.012, slice(anchor + 4, anchor + 5))
            sight.spread(part, given[part], 1.0, 2.0, slice(anchor + 5, anchor + columns))


class Tailed(nn.Module):  # type: ignore[misc]  # torch is not installed where this is checked
    """YOLOv7 `--grid --end2end --max-wh`: its own End2End around its own model."""

    def __init__(self, model: Any, score: float = 0.02) -> None:
        super().__init__()
        self.whole = End2End(model, max_obj=KEPT, iou_thres=0.45, score_thres=score, max_wh=SIDE_PX, device="cpu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.whole(images)
        return found


class FourOutputs(nn.Module):  # type: ignore[misc]  # torch is not installed where this is checked
    """The layout of EfficientNMS_TRT (num_dets, det_boxes, det_scores, det_classes) in operators that onnxruntime has.

    Rebuilt: no package on PyPI writes it so; the plugin itself does not load in onnxruntime. What fills up is -1.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tail = Tailed(model)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rows = self.tail(images)
        rows = rows[torch.topk(rows[:, 6], rows.shape[0]).indices]
        count = (torch.ones_like(rows[:, :1]).sum(0, keepdim=True)).to(torch.int32)
        filled = torch.cat([rows, torch.full((KEPT, 7), -1.0)])[:KEPT]
        return count, filled[None, :, 1:5], filled[None, :, 6], filled[None, :, 5].to(torch.int32)


def yolox(decoded: bool) -> Callable[[torch.Tensor], nn.Module]:
    def network(images: torch.Tensor) -> nn.Module:
        backbone = YOLOPAFPN(depth=0.33, width=0.03125, depthwise=True)
        head = YOLOXHead(len(NAMES), width=0.03125, depthwise=True)
        model = YOLOX(backbone, head)
        head.decode_in_inference = decoded
        sight.settle(Silent(model), images)
        _open_points(model, head, images)
        return model

    return network


class Silent(nn.Module):  # type: ignore[misc]  # torch is not installed where this is checked
    """YOLOX in training mode wants targets; its batch statistics need none."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> Any:
        self.model.head.training = False
        return self.model.head(self.model.backbone(images))


def _open_points(model: Any, head: Any, images: torch.Tensor) -> None:
    model.eval()
    parts = [*head.obj_preds, *head.cls_preds, *head.reg_preds]
    given = sight.inputs_of(model, parts, images)
    for part in head.obj_preds:
        sight.open_eyes(part, given[part], 0.02)
    for part in head.cls_preds:
        sight.spread(part, given[part], 1.0, 2.0)
    for part in head.reg_preds:
        sight.spread(part, given[part], 0.0, 0.3, slice(0, 2))
        sight.spread(part, given[part], 1.2, 0.3, slice(2, 4))


def _run(session: ort.InferenceSession, tensor: Any) -> list[Any]:
    given = np.ascontiguousarray(tensor, np.float32)
    return list(session.run(None, {session.get_inputs()[0].name: given[None]}))


def _unit(image: Any, fit: Any, auto: bool) -> Any:
    return fit(image, (SIDE_PX, SIDE_PX), auto=auto, stride=32)[0][:, :, ::-1].transpose(2, 0, 1) / np.float32(255)


def read_v5(session: ort.InferenceSession, image: Any, iou: float) -> Found:
    """yolov5 `detect.py`, without its rounding of boxes to integers; `auto` is for its .pt alone."""
    tensor = _unit(image, letterbox, auto=False)
    found = non_max_suppression(torch.from_numpy(_run(session, tensor)[0]), sight.CONFIDENCE, iou, max_det=1000)[0]
    return scale_boxes(tensor.shape[1:], found[:, :4], image.shape), found[:, 4], found[:, 5]


def read_v7(session: ort.InferenceSession, image: Any, iou: float) -> Found:
    """YOLOv7 `detect.py`, without its rounding."""
    tensor = _unit(image, letterbox7, auto=False)
    found = suppressed7(torch.from_numpy(_run(session, tensor)[0]), sight.CONFIDENCE, iou)[0]
    return scale_coords(tensor.shape[1:], found[:, :4], image.shape), found[:, 4], found[:, 5]


def read_rows(session: ort.InferenceSession, image: Any, iou: float) -> Found:
    """YOLOv7's notebook for `--end2end --max-wh`: rows of batch, box, class, score; here clipped as its detect.py does."""
    tensor = _unit(image, letterbox7, auto=False)
    rows = torch.from_numpy(_run(session, tensor)[0])
    rows = rows[rows[:, 6] > sight.CONFIDENCE]
    return scale_coords(tensor.shape[1:], rows[:, 1:5], image.shape), rows[:, 6], rows[:, 5]


def read_four(session: ort.InferenceSession, image: Any, iou: float) -> Found:
    """The first num_dets rows, as YOLOv6's and YOLOv7's TensorRT scripts take them."""
    tensor = _unit(image, letterbox7, auto=False)
    count, boxes, scores, classes = (torch.from_numpy(output) for output in _run(session, tensor))
    kept = torch.arange(boxes.shape[1]) < count[0, 0]
    kept &= scores[0] > sight.CONFIDENCE
    return scale_coords(tensor.shape[1:], boxes[0, kept], image.shape), scores[0, kept], classes[0, kept]


def read_x(decoded: bool) -> Callable[[ort.InferenceSession, Any, float], Found]:
    """YOLOX `demo/ONNXRuntime/onnx_inference.py` at a lower score."""

    def read(session: ort.InferenceSession, image: Any, iou: float) -> Found:
        tensor, ratio = preproc(image, (SIDE_PX, SIDE_PX))
        output = _run(session, tensor)[0]
        rows = (output if decoded else demo_postprocess(output, (SIDE_PX, SIDE_PX)))[0]
        boxes, scores = rows[:, :4], rows[:, 4:5] * rows[:, 5:]
        xyxy = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1) / ratio
        found = multiclass_nms(xyxy, scores, nms_thr=iou, score_thr=sight.CONFIDENCE)
        found = np.zeros((0, 6)) if found is None else found
        return found[:, :4], found[:, 4], found[:, 5]

    return read


FREE = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 1: "anchors"}}
NAMED = {"stride": "32", "names": str(dict(enumerate(NAMES)))}
V5, V7, VX = "yolov5 7.0.14", "yolov7-package 0.0.13", "yolox 0.3.0"
RECIPES = {
    "yolov5": Recipe("yolov5", V5, yolov5n, read_v5, outputs=("output0",), metadata=NAMED),
    "yolov5-dynamic": Recipe(
        "yolov5", V5, yolov5n, read_v5, outputs=("output0",), axes=FREE, metadata=NAMED,
        more={"sidecar": {"input": {"size": [SIDE_PX, SIDE_PX]}}},
    ),
    "yolov7": Recipe("yolov5", V7, yolov7, read_v7),
    "yolov7-end2end": Recipe(
        "yolov7-end2end", V7, lambda images: Tailed(yolov7(images)), read_rows, suppresses=False,
        axes={"output": {0: "found"}},
    ),
    "efficientnms": Recipe(
        "efficientnms", f"{V7}, rebuilt tail", lambda images: FourOutputs(yolov7(images)), read_four,
        outputs=("num_dets", "det_boxes", "det_scores", "det_classes"), suppresses=False,
    ),
    "yolox": Recipe("yolox", VX, yolox(False), read_x(False), bgr_bytes=True),
    "yolox-decoded": Recipe(
        "yolox", VX, yolox(True), read_x(True), bgr_bytes=True
    ),
}  # fmt: skip


def tensors(recipe: Recipe) -> torch.Tensor:
    images = [picture(*size) for size in SIZES_PX]
    if recipe.bgr_bytes:
        return torch.from_numpy(np.stack([preproc(image, (SIDE_PX, SIDE_PX))[0] for image in images]))
    return torch.from_numpy(np.stack([_unit(image, letterbox, auto=False) for image in images])).float()


def exported(model: nn.Module, recipe: Recipe, to: Path) -> None:
    """As the families' own export scripts call torch, with their names and axes."""
    for part in model.modules():
        if type(part).__name__ == "Detect":
            part.export, part.concat, part.dynamic = (
                type(part).__module__.startswith("yolov5"),
                True,
                recipe.axes is FREE,
            )
            part.inplace = False
    torch.onnx.export(
        model.eval(), (torch.zeros(1, 3, SIDE_PX, SIDE_PX),), str(to), opset_version=13, dynamo=False,
        input_names=["images"], output_names=list(recipe.outputs), dynamic_axes=recipe.axes,
    )  # fmt: skip
    file = onnx.load(to)
    onnx.helper.set_model_props(file, recipe.metadata)
    onnx.save(file, to)
    sight.trim(to)


def looked(to: Path, recipe: Recipe, turned: bool = False, iou: float | None = None) -> list[sight.Case]:
    session = ort.InferenceSession(str(to), providers=["CPUExecutionProvider"])
    cases = []
    for size in SIZES_PX:
        image = picture(*size)[..., :: -1 if turned else 1].copy()
        boxes, confidences, classes = recipe.read(session, image, iou or recipe.iou)
        cases.append(sight.case(size, boxes, confidences, classes))
    return cases


def attempt(name: str, recipe: Recipe, seed: int) -> list[sight.Case]:
    """One seed's good cases, those first in which suppression drops something."""
    to = sight.HERE / f"{name}.onnx"
    torch.manual_seed(seed)
    exported(recipe.network(tensors(recipe)), recipe, to)
    cases = looked(to, recipe)
    if sum(sight.apart(case["confidences"]) for case in cases) < 3:
        return []
    limits = [looked(to, recipe, iou=recipe.iou + step) for step in (-0.01, 0.01)]
    good = sight.steady(cases, limits, looked(to, recipe, turned=True))
    return sight.suppressed_first(good, looked(to, recipe, iou=0.95)) if recipe.suppresses else good


def main(wanted: Sequence[str]) -> None:
    for name, recipe in RECIPES.items():
        if not wanted or name in wanted:
            cases = sight.attempts(partial(attempt, name, recipe))
            more = {"iou": recipe.iou} | recipe.more
            sight.write(sight.HERE / f"{name}.onnx", recipe.family, "detect", recipe.made_with, cases, **more)


if __name__ == "__main__":
    main(sys.argv[1:])
