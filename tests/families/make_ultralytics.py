"""Makes the Ultralytics references: tiny networks of its own YAMLs, its own export, and what its own `predict` says of them.

pip install ultralytics==8.4.190 torch==2.15.0 onnx onnxslim onnxruntime==1.32.0 (CPU); then, from the root:
`python -m tests.families.make_ultralytics [NAME…]`. The RT-DETR of 8.4.40 and before: `… old-rtdetr` with ultralytics==8.4.40.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import ultralytics
from ultralytics import RTDETR, YOLO
from ultralytics.data.augment import LetterBox
from ultralytics.nn.modules import head as heads
from ultralytics.utils import YAML

from tests.families import sight
from tests.families.pictures import picture

SIDE_PX = 160
SIZES_PX = ((517, 333), (96, 240), (640, 480), (225, 400), (300, 91), (333, 517), (161, 120), (250, 251))
YAMLS = Path(ultralytics.__file__).parent / "cfg" / "models"
MADE_WITH = f"ultralytics {ultralytics.__version__}"
NAMES = ["door", "crate", "cone", "cat"]


@dataclass(frozen=True)
class Recipe:
    """One reference: which network, how wide, what is replaced in its YAML, how it is exported."""

    yaml: str
    family: str = "ultralytics"
    task: str = "detect"
    reg_max: int = 5
    replaced: tuple[tuple[str, str], ...] = ()
    export: dict[str, Any] = field(default_factory=dict)
    half: bool = False
    widest: int = 256
    more: dict[str, Any] = field(default_factory=dict)


RECIPES = {
    "ultralytics-v8": Recipe("v8/yolov8.yaml"),
    "ultralytics-v11-dynamic": Recipe("11/yolo11.yaml", export={"dynamic": True}),
    "ultralytics-v12-batch4": Recipe(
        "12/yolo12.yaml",
        widest=1024,
        replaced=(
            ("[1024", "[256"),
            ("[512", "[256"),
            ("4, A2C2f, [256, True, 4]", "1, A2C2f, [1024, True, 4, False, 2.0, 1.0]"),
            ("4, A2C2f, [256, True, 1]", "2, C3k2, [256, True]"),
            ("A2C2f, [256, False, -1]", "C3k2, [256, False]"),
        ),
        export={"batch": 4},
    ),
    "ultralytics-v5u-half": Recipe("v5/yolov5.yaml", half=True, more={"tolerance": {"px": 2.0, "score": 0.02}}),
    "ultralytics-v10": Recipe("v10/yolov10n.yaml"),
    "ultralytics-v26": Recipe("26/yolo26.yaml", reg_max=1),
    "ultralytics-e2e-v10": Recipe("v10/yolov10n.yaml", "ultralytics-e2e", export={"nms": False}),
    "ultralytics-e2e-v26-dynamic": Recipe(
        "26/yolo26.yaml", "ultralytics-e2e", reg_max=1, export={"nms": False, "dynamic": True, "max_det": 100}
    ),
    "ultralytics-e2e-v8-nms": Recipe(
        "v8/yolov8.yaml", "ultralytics-e2e", export={"nms": True, "conf": 0.05, "iou": 0.7}
    ),
    "ultralytics-segment": Recipe(
        "v8/yolov8-seg.yaml", task="segment", replaced=(("Segment, [nc, 32", "Segment, [nc, 8"),)
    ),
    "ultralytics-pose": Recipe("v8/yolov8-pose.yaml", task="pose"),
    "ultralytics-obb": Recipe("v8/yolov8-obb.yaml", task="obb"),
    "ultralytics-e2e-pose": Recipe("26/yolo26-pose.yaml", "ultralytics-e2e", "pose", 1, export={"nms": False}),
    "ultralytics-e2e-obb": Recipe("26/yolo26-obb.yaml", "ultralytics-e2e", "obb", 1, export={"nms": False}),
    "ultralytics-classify": Recipe("v8/yolov8-cls.yaml", "classify", "classify"),
    "ultralytics-rtdetr-topk": Recipe(
        "v8/yolov8-rtdetr.yaml",
        "ultralytics-rtdetr",
        replaced=(("RTDETRDecoder, [nc]", "RTDETRDecoder, [nc, 32, 24, 4, 4, 1, 32]"),),
    ),
}
OLD = {"ultralytics-rtdetr-scores": RECIPES["ultralytics-rtdetr-topk"]}


def network(recipe: Recipe, seed: int, folder: Path) -> Any:
    """The YAML made tiny, with four classes and random weights."""
    text = (YAMLS / recipe.yaml).read_text()
    for old, new in recipe.replaced:
        text = text.replace(old, new)
    path = folder / Path(recipe.yaml).name
    path.write_text(text)
    values = YAML.load(path) | {"nc": len(NAMES), "reg_max": recipe.reg_max}
    values["scales"] = {"n": [0.33, 0.03, recipe.widest]}
    if "kpt_shape" in values:
        values["kpt_shape"] = [3, 3]
    YAML.save(path, values)
    torch.manual_seed(seed)
    # YOLOv10's head takes no `reg_max` from its YAML; with the default 16 it alone is 500 KB.
    heads.Detect.__init__.__defaults__ = (80, recipe.reg_max, False, ())
    made = (RTDETR if "rtdetr" in recipe.yaml else YOLO)(str(path))
    made.model.names = dict(enumerate(NAMES))
    return made


def tensors(stretch: bool) -> torch.Tensor:
    fitted = [LetterBox((SIDE_PX, SIDE_PX), auto=False, scale_fill=stretch)(image=picture(*size)) for size in SIZES_PX]
    return torch.from_numpy(np.stack([image[..., ::-1].transpose(2, 0, 1) / 255 for image in fitted])).float()


def see(model: torch.nn.Module, stretch: bool = False) -> None:
    """Weights under which the head finds some boxes in each picture."""
    images = tensors(stretch)
    sight.settle(model, images)
    head = model.model[-1]
    if isinstance(head, heads.Classify):
        sight.spread(head.linear, sight.inputs_of(model, [head.linear], images)[head.linear], 0.0, 1.0)
    elif isinstance(head, heads.RTDETRDecoder):
        _open_decoder(model, head, images)
    else:
        _open_grid(model, head, images)


def _open_grid(model: torch.nn.Module, head: Any, images: torch.Tensor) -> None:
    pairs = [*zip(head.cv2, head.cv3, strict=True)]
    if hasattr(head, "one2one_cv2"):
        pairs += [*zip(head.one2one_cv2, head.one2one_cv3, strict=True)]
    extra = [
        part[-1]
        for name in ("cv4", "one2one_cv4")
        for part in getattr(head, name, [])
        if isinstance(part[-1], torch.nn.Conv2d)
    ]
    given = sight.inputs_of(model, [part[-1] for pair in pairs for part in pair] + extra, images)
    for boxes, classes in pairs:
        sight.spread(boxes[-1], given[boxes[-1]], *((3.5, 0.8) if head.reg_max == 1 else (0.0, 0.5)))
        _widen(boxes[-1], head.reg_max)
        sight.open_eyes(classes[-1], given[classes[-1]], share=0.008)
    for part in extra:
        if part in given:
            sight.spread(part, given[part], 0.0, 0.5)


def _widen(boxes: Any, bins: int) -> None:
    """Towards the far bins, so that boxes of neighbouring cells overlap and there is something to suppress."""
    with torch.no_grad():
        boxes.bias += torch.arange(bins).repeat(4) * 0.9


def _open_decoder(model: torch.nn.Module, head: Any, images: torch.Tensor) -> None:
    last = head.dec_score_head[-1]
    for box in (head.enc_bbox_head.layers[-1], head.dec_bbox_head[-1].layers[-1]):
        torch.nn.init.normal_(box.weight, std=0.3)
    given = sight.inputs_of(model, [last], images)
    sight.open_eyes(last, given[last], share=0.1)


def exported(made: Any, recipe: Recipe, to: Path) -> None:
    path = Path(made.export(format="onnx", imgsz=SIDE_PX, verbose=False, device="cpu", **recipe.export))
    if recipe.half:
        _half(path)
    sight.trim(path)
    shutil.move(path, to)  # the exporter writes into the current folder


def _half(path: Path) -> None:
    """As a GPU's half export has it: float16 in and out. (On a CPU, Ultralytics keeps float32 at both ends.)"""
    from onnxruntime.transformers import float16

    onnx.save(float16.convert_float_to_float16(onnx.load(path), keep_io_types=False), path)


def looked(path: Path, recipe: Recipe, turned: bool = False, **limits: float) -> list[sight.Case]:
    """What Ultralytics' own predict says of the exported file; all pictures in one batch where the batch is fixed."""
    reader = (RTDETR if "rtdetr" in path.name else YOLO)(
        path, **({} if "rtdetr" in path.name else {"task": recipe.task})
    )
    images: list[Any] = [picture(*size)[..., :: -1 if turned else 1].copy() for size in SIZES_PX]
    batch = recipe.export.get("batch", 1)
    rounds = [images[start : start + batch] for start in range(0, len(images), batch)]
    options = {"conf": sight.CONFIDENCE, "imgsz": SIDE_PX, "verbose": False, "device": "cpu"} | limits
    results = [result for some in rounds for result in reader.predict(some, **options)]
    return [_case(size, result) for size, result in zip(SIZES_PX, results, strict=True)]


def _case(size_px: tuple[int, int], result: Any) -> sight.Case:
    if result.probs is not None:
        return {"size_px": list(size_px), "confidences": [round(float(one), 6) for one in result.probs.data]}
    found = result.obb if result.obb is not None else result.boxes
    more = {} if result.keypoints is None else {"keypoints": result.keypoints.data.numpy()}
    return sight.case(size_px, found.xyxy.numpy(), found.conf.numpy(), found.cls.numpy(), **more)


def attempt(name: str, recipe: Recipe, seed: int) -> list[sight.Case]:
    """One seed's good cases, those first in which suppression drops something."""
    to = sight.HERE / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        made = network(recipe, seed, Path(folder))
        see(made.model, stretch="rtdetr" in recipe.yaml)
        exported(made, recipe, to)
    cases = looked(to, recipe)
    if recipe.task == "classify":
        return cases
    if sum(sight.apart(case["confidences"]) for case in cases) < 3:
        return []
    if recipe.family != "ultralytics":
        return sight.steady(cases, [], looked(to, recipe, turned=True))
    limits = [looked(to, recipe, iou=iou) for iou in (0.69, 0.71)]
    good = sight.steady(cases, limits, looked(to, recipe, turned=True))
    return sight.suppressed_first(good, looked(to, recipe, iou=0.95))


def main(wanted: Sequence[str]) -> None:
    recipes = OLD if list(wanted) == ["old-rtdetr"] else RECIPES
    for name, recipe in recipes.items():
        if recipes is OLD or not wanted or name in wanted:
            cases = sight.attempts(partial(attempt, name, recipe))
            sight.write(sight.HERE / f"{name}.onnx", recipe.family, recipe.task, MADE_WITH, cases, **recipe.more)


if __name__ == "__main__":
    main(sys.argv[1:])
