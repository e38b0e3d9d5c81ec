"""References for torchvision's detectors: each is trained for a minute to find discs and squares by their colour.

python 3.11, pip install torch==2.15.0 torchvision==0.29.2 onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless
From the root: OMP_NUM_THREADS=1 python -m tests.families.make_torchvision [name ...]

The reference is the torch model itself on RGB / 255: it resizes, normalises, suppresses and maps boxes back. Classes
count from 1.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
import torchvision
from numpy.typing import NDArray
from torch import nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.ssd import SSD
from torchvision.ops import MultiScaleRoIAlign

from tests.families.pictures import picture
from tests.families.written import FOLDER, Tips, boxes_case, steady, write

NAMES = ["reddish", "greenish", "bluish"]
"""The colour decides the class: who swaps red and blue gets other classes."""
CLASSES = len(NAMES) + 1
SIDES_PX = {"min_size": 128, "max_size": 224}
STEPS = 250


def convolution(source: int, target: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(source, target, 3, 2, 1), nn.GroupNorm(4, target), nn.ReLU())


class Tiny(nn.Module):  # type: ignore[misc]
    """One map of features at 1/8 of the size."""

    out_channels = 32

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(3, 12), convolution(12, 24), convolution(24, 32))

    def forward(self, images: torch.Tensor) -> Any:
        return self.layers(images)


class TinyMaps(Tiny):
    """The same map by name, and a second one at 1/16."""

    def __init__(self) -> None:
        super().__init__()
        self.further = convolution(32, 32)
        self.out_channels: Any = [32, 32]

    def forward(self, images: torch.Tensor) -> Any:
        near = self.layers(images)
        return OrderedDict([("0", near), ("1", self.further(near))])


def faster_rcnn() -> nn.Module:
    return FasterRCNN(
        Tiny(),
        rpn_anchor_generator=AnchorGenerator(((24, 48, 80),), ((1.0,),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 5, 2),
        box_head=nn.Sequential(nn.Flatten(), nn.Linear(32 * 25, 64), nn.ReLU()),
        box_predictor=torchvision.models.detection.faster_rcnn.FastRCNNPredictor(64, CLASSES),
        rpn_pre_nms_top_n_train=200,
        rpn_post_nms_top_n_train=60,
        rpn_pre_nms_top_n_test=100,
        rpn_post_nms_top_n_test=40,
        box_batch_size_per_image=64,
        box_detections_per_img=15,
        **SIDES_PX,
    )


def retinanet() -> nn.Module:
    anchors = AnchorGenerator(((24, 48, 80),), ((1.0,),))
    return RetinaNet(Tiny(), CLASSES, anchor_generator=anchors, detections_per_img=15, **SIDES_PX)


def fcos() -> nn.Module:
    anchors = AnchorGenerator(((16,),), ((1.0,),))
    return FCOS(Tiny(), CLASSES, anchor_generator=anchors, head=FCOSHead(32, 1, CLASSES, num_convs=2), **SIDES_PX)


def ssd() -> nn.Module:
    """Thresholds are those of `ssdlite320_mobilenet_v3_large`: 0.001, IoU 0.55, 300 boxes."""
    boxes = DefaultBoxGenerator([[2], [2]], scales=[0.2, 0.4, 0.6])
    return SSD(TinyMaps(), boxes, (128, 128), CLASSES, score_thresh=0.001, nms_thresh=0.55, detections_per_img=300)


@dataclass(frozen=True)
class Export:
    """One way in which people export one detector; `fixed_px` is (width, height)."""

    build: Callable[[], nn.Module]
    outputs: tuple[str, ...] | None
    rank: int
    fixed_px: tuple[int, int] | None = None


EXPORTS = {
    "torchvision_fasterrcnn": Export(faster_rcnn, None, 3),
    "torchvision_retinanet": Export(retinanet, ("boxes", "scores", "labels"), 4),
    "torchvision_ssd": Export(ssd, ("boxes", "scores", "labels"), 4),
    "torchvision_fcos_fixed": Export(fcos, None, 4, fixed_px=(208, 160)),
}


def scene(dice: np.random.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """A picture (3, H, W) in 0..1 RGB with discs and squares on it, and where they are."""
    height, width = (int(side) for side in dice.integers(128, 224, 2))
    image = np.clip(dice.integers(40, 160, 3) + dice.integers(-25, 25, (height, width, 3)), 0, 255)
    image = cv2.blur(image.astype(np.uint8), (5, 5))
    boxes, labels = [], []
    for _ in range(int(dice.integers(2, 6))):
        side = int(dice.integers(24, 72))
        x, y = int(dice.integers(0, width - side)), int(dice.integers(0, height - side))
        colour = dice.integers(0, 256, 3)
        if dice.random() < 0.5:
            cv2.circle(image, (x + side // 2, y + side // 2), side // 2, colour.tolist(), -1)
        else:
            cv2.rectangle(image, (x, y), (x + side, y + side), colour.tolist(), -1)
        boxes.append([x, y, x + side, y + side])
        labels.append(int(colour.argmax()) + 1)
    target = {"boxes": torch.tensor(boxes, dtype=torch.float32), "labels": torch.tensor(labels)}
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255, target


def train(model: nn.Module) -> nn.Module:
    dice = np.random.default_rng(5)
    steps = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(steps, 4e-3, total_steps=STEPS)
    model.train()
    for _ in range(STEPS):
        images, targets = zip(*(scene(dice) for _ in range(3)), strict=True)
        loss = sum(model(list(images), list(targets)).values())
        steps.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        steps.step()
        schedule.step()
    print(f"loss {float(loss):.3f}")
    return model.eval()


def tensor(size_px: tuple[int, int], fixed_px: tuple[int, int] | None) -> torch.Tensor:
    """The picture as torchvision's documentation asks for it; filled into the input where the export fixed its size."""
    image: NDArray[Any] = picture(*size_px)
    if fixed_px is not None:
        image = cv2.resize(image, fixed_px, interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255


def export(model: nn.Module, name: str, way: Export) -> None:
    image = tensor((232, 168), way.fixed_px)
    inputs: Any = ([image],) if way.rank == 3 else (image[None],)
    free = {1: "height", 2: "width"} if way.rank == 3 else {2: "height", 3: "width"}
    axes = None if way.fixed_px is not None else {"images": free}
    torch.onnx.export(
        model,
        inputs,
        str(FOLDER / f"{name}.onnx"),
        input_names=["images"],
        output_names=list(way.outputs) if way.outputs else None,
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def case(model: nn.Module, session: Any, size_px: tuple[int, int], way: Export) -> dict[str, Any]:
    image = tensor(size_px, way.fixed_px)
    with torch.inference_mode():
        said = model([image])[0]
    boxes = said["boxes"].numpy()
    same(said, session.run(None, {"images": image.numpy() if way.rank == 3 else image[None].numpy()}))
    if way.fixed_px is not None:
        boxes = boxes * np.tile(np.array(size_px) / np.array(way.fixed_px), 2)
    return boxes_case(size_px, boxes, said["scores"].numpy(), said["labels"].numpy())


def same(said: dict[str, torch.Tensor], exported: Sequence[np.ndarray]) -> None:
    """The file says what the model says, where it counts."""
    scores = next(one for one in exported if one.ndim == 1 and one.dtype == np.float32)
    kept, expected = scores[scores > 0.04], said["scores"].numpy()
    expected = expected[expected > 0.04]
    if len(kept) != len(expected) or not np.allclose(kept, expected, atol=1e-4):
        raise Tips(f"the file says {len(kept)}, the model {len(expected)}")


def attempt(model: nn.Module, name: str, way: Export) -> list[dict[str, Any]] | None:
    export(model, name, way)
    session = onnxruntime.InferenceSession(str(FOLDER / f"{name}.onnx"))
    print([(one.name, one.shape, one.type) for one in (*session.get_inputs(), *session.get_outputs())])
    try:
        return steady(lambda size_px: case(model, session, size_px, way))
    except Tips as reason:
        print(reason)
    return None


def doubt(model: nn.Module) -> None:
    """A minute's training sees too much: a little more is needed to be seen."""
    with torch.no_grad():
        for name, part in model.named_modules():
            if name.endswith("cls_score"):
                part.bias[0] += 0.5
            elif name.endswith("classification_head.cls_logits"):
                part.bias -= 0.5
            elif "classification_head.module_list" in name and isinstance(part, nn.Conv2d):
                part.bias.view(-1, CLASSES)[:, 0] += 0.5


def make(name: str) -> None:
    torch.manual_seed(3)
    way = EXPORTS[name]
    model = train(way.build())
    for _ in range(8):
        cases = attempt(model, name, way)
        if cases is not None:
            return describe(name, cases)
        doubt(model)
    raise Tips(f"{name} is no reference")


def describe(name: str, cases: list[dict[str, Any]]) -> None:
    sidecar: dict[str, Any] = {"names": NAMES}
    made_with = f"torchvision {torchvision.__version__}, torch {torch.__version__}"
    head = {"model": f"{name}.onnx", "made_with": made_with, "family": "torchvision", "task": "detect"}
    write(FOLDER / f"{name}.json", {**head, "sidecar": sidecar}, cases)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or EXPORTS:
        make(wanted)
