"""References for MMDeploy's detectors: small graphs in its layout, read as its own code reads them.

python 3.11, pip install torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless numpy
From the root: OMP_NUM_THREADS=1 python -m tests.families.make_mmdeploy

mmdet needs a compiled mmcv, so the graph is our own and its steps are retold from the public code: mmcv `image/geometric.py:
imrescale` and `impad`, mmdet `DetDataPreprocessor`, mmdeploy `object_detection_model.py: End2EndModel.forward`.
"""

import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from tests.families.pictures import picture
from tests.families.written import FOLDER, SIZES_PX, boxes_case, steady, write

NAMES = ["reddish", "greenish", "bluish"]
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)
STRIDE, MOST = 16, 14
Pixels = NDArray[Any]
Prepared = tuple[NDArray[np.float32], NDArray[np.float32]]


class Detector(nn.Module):  # type: ignore[misc]
    """Random features at 1/16, 4 + 3 numbers for each cell, the best of them, and the empty row that mmdeploy adds."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((3, 12), (12, 16), (16, 24), (24, 24))
        layers = [nn.Sequential(nn.Conv2d(n, m, 3, 2, 1), nn.LeakyReLU(0.1)) for n, m in sizes]
        self.features, self.head = nn.Sequential(*layers), nn.Conv2d(24, 7, 1)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raw = self.head(self.features(image))
        boxes, scores = decoded(raw[:, :4], image), raw[:, 4:].flatten(2).sigmoid()
        best, labels = scores.max(1)
        best, cells = best.topk(MOST, 1)
        best = torch.where(best > 0.03, best, 0.0)
        found = torch.cat([boxes.gather(1, cells[:, :, None].expand(-1, -1, 4)), best[:, :, None]], 2)
        named = torch.nn.functional.pad(labels.gather(1, cells), (0, 1))
        return torch.nn.functional.pad(found, (0, 0, 0, 1)), named

    def settle(self, prepare: Callable[[Pixels], Prepared]) -> None:
        """Logits that spread over the pictures, few of them above 0."""
        with torch.no_grad():
            images = [torch.from_numpy(prepare(picture(*size_px))[0])[None] for size_px in SIZES_PX]
            raw = torch.cat([self.head(self.features(image))[0].flatten(1) for image in images], 1)
            spread = raw.std(1) * torch.tensor([1, 1, 1, 1, 0.5, 0.5, 0.5])
            self.head.weight /= spread[:, None, None, None]
            self.head.bias.copy_(-raw.mean(1) / spread - torch.tensor([0.0, 0, 0, 0, 6.5, 6.5, 6.5]))


def decoded(raw: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """(batch, 4, h, w) to xyxy (batch, h * w, 4) in pixels of the input, clipped to it."""
    ones = torch.ones_like(raw[:, 0])
    cells = torch.stack([ones.cumsum(2) - 1, ones.cumsum(1) - 1], 1)
    centre, half = (cells + raw[:, :2].sigmoid()) * STRIDE, (raw[:, 2:].sigmoid() + 0.3) * 28
    x0, y0, x1, y1 = torch.cat([centre - half, centre + half], 1).flatten(2).unbind(1)
    height, width = image.shape[2:]
    return torch.stack([x0.clamp(0, width), y0.clamp(0, height), x1.clamp(0, width), y1.clamp(0, height)], 2)


def stretched(image: Pixels) -> Prepared:
    """A static export: `process_model_config` sets keep_ratio to False; normalised as RGB."""
    height, width = image.shape[:2]
    return normalised(cv2.resize(image, (160, 128)), True), np.array([160 / width, 128 / height] * 2, np.float32)


def kept_in_shape(image: Pixels) -> Prepared:
    """A dynamic export: `imrescale` into 224 x 136, normalised, then zeros up to a multiple of 32."""
    scaled, factors = rescaled(image, (224, 136))
    planes = normalised(scaled, True)
    right, below = -planes.shape[2] % 32, -planes.shape[1] % 32
    return np.pad(planes, ((0, 0), (0, below), (0, right))), factors


def on_grey(image: Pixels) -> Prepared:
    """RTMDet: `imrescale` into 160 x 160, grey up to 160 x 160, normalised as BGR."""
    scaled, factors = rescaled(image, (160, 160))
    canvas = np.full((160, 160, 3), 114, np.uint8)
    canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
    return normalised(canvas, False), factors


def rescaled(image: Pixels, scale: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """`imrescale`: into long x short edge, whichever way it stands; and both factors."""
    height, width = image.shape[:2]
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    size = int(width * factor + 0.5), int(height * factor + 0.5)
    return cv2.resize(image, size), np.array([size[0] / width, size[1] / height] * 2, np.float32)


def normalised(image: Pixels, to_rgb: bool) -> Pixels:
    mean, std = (MEAN, STD) if to_rgb else (MEAN[::-1], STD[::-1])
    ordered = image[:, :, ::-1] if to_rgb else image
    return np.ascontiguousarray(((ordered.astype(np.float32) - mean) / std).transpose(2, 0, 1))


def case(session: Any, prepare: Callable[[Pixels], Prepared], size_px: tuple[int, int]) -> dict[str, Any]:
    """`End2EndModel.forward`: rows without a score go, boxes / scale_factor; then clipped to the picture, as Gleaner's are."""
    planes, factors = prepare(picture(*size_px))
    dets, labels = session.run(["dets", "labels"], {"input": planes[None]})
    real = dets[0, :, 4] > 0
    boxes = np.clip(dets[0, real, :4] / factors, 0, np.tile(size_px, 2))
    return boxes_case(size_px, boxes, dets[0, real, 4], labels[0, real])


def make(name: str, prepare: Callable[[Pixels], Prepared], free: bool, options: dict[str, Any], file: str = "") -> None:
    torch.manual_seed(7)
    model = Detector().eval()
    model.settle(prepare)
    path = FOLDER / (f"{name}/{file}" if file else f"{name}.onnx")
    path.parent.mkdir(exist_ok=True)
    axes = {"dets": {0: "batch", 1: "num_dets"}, "labels": {0: "batch", 1: "num_dets"}}
    torch.onnx.export(
        model,
        (torch.from_numpy(prepare(picture(320, 240))[0])[None],),
        str(path),
        input_names=["input"],
        output_names=["dets", "labels"],
        dynamic_axes={**axes, "input": {0: "batch", 2: "height", 3: "width"}} if free else None,
        opset_version=17,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(str(path))
    print([(one.name, one.shape, one.type) for one in (*session.get_inputs(), *session.get_outputs())])
    head = {
        "model": path.name,
        "made_with": "a graph in the layout of mmdeploy 1.3",
        "family": "mmdeploy",
        "task": "detect",
    }
    cases = steady(lambda size_px: case(session, prepare, size_px))
    target = path.with_name("reference.json") if file else path.with_suffix(".json")
    write(target, {**head, "sidecar": {"names": NAMES, **options}}, cases)


def pipeline() -> dict[str, Any]:
    """What `--dump-info` writes for RTMDet (`get_preprocess`), as far as it concerns the image."""
    normalise = {"mean": MEAN[::-1].round(3).tolist(), "std": STD[::-1].round(3).tolist(), "to_rgb": False}
    steps: list[dict[str, Any]] = [
        {"type": "LoadImageFromFile", "backend_args": None},
        {"type": "Resize", "keep_ratio": True, "size": [160, 160]},
        {"type": "Pad", "size": [160, 160], "pad_val": {"img": [114, 114, 114]}},
        {"type": "Normalize", **{key: rounded(value) for key, value in normalise.items()}},
        {"type": "Pad", "size_divisor": 1},
        {"type": "DefaultFormatBundle"},
        {"type": "Collect", "keys": ["img"], "meta_keys": ["ori_shape", "img_shape", "scale_factor", "pad_param"]},
    ]
    tasks: list[dict[str, Any]] = [
        {"type": "Task", "module": "Transform", "name": "Preprocess", "input": ["img"], "output": ["prep_output"]},
        {"name": "rtmdet", "type": "Task", "module": "Net", "is_batched": False, "input": ["prep_output"]},
        {"type": "Task", "module": "mmdet", "name": "postprocess", "component": "ResizeBBox"},
    ]
    tasks[0]["transforms"] = steps
    return {"pipeline": {"input": ["img"], "output": ["post_output"], "tasks": tasks}}


def rounded(value: Any) -> Any:
    return [round(one, 3) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    make("mmdeploy_static", stretched, False, {})
    edges = {"mode": "shortest_edge", "shortest_px": 136, "longest_px": 224}
    make("mmdeploy_dynamic", kept_in_shape, True, {"input": {"resize": edges}})
    make("mmdeploy_rtmdet", on_grey, True, {}, file="end2end.onnx")
    (FOLDER / "mmdeploy_rtmdet" / "pipeline.json").write_text(json.dumps(pipeline(), indent=2) + "\n", encoding="utf-8")
