"""Makes the references of RF-DETR: `python -m tests.families.make_rfdetr`, in an environment of its own with
pip install "rfdetr[onnx]==1.11.2" onnxruntime==1.32.0 onnxslim==0.1.98 (torch 2.15.0 comes along).

The smallest of its backbones is 88 MB, so a tiny network stands in for it, with the inputs and outputs that
`rfdetr/export/prepare.py` names. The answers are RF-DETR's own: `export/_onnx/inference.py` resizes, runs and decodes.
"""

import json
import tempfile
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rfdetr.export._onnx.inference import _create_onnx_session, _run_inference
from rfdetr.export._runtime.preprocess import preprocess_to_nchw

from tests.families.enlivened import NEAREST_FLOOR, Head, enliven, noisy, save_slim, why_unfit
from tests.families.pictures import picture

HERE = Path(__file__).parent
SIZES_PX = [(517, 333), (240, 320), (90, 70)]
FLOOR = 0.05
SIDE_PX = 128


@dataclass(frozen=True)
class Example:
    """One file. `slots`: columns of `labels`; `background`: the one that is no class, as RF-DETR's own helper is told."""

    slots: int
    background: int | None = -1
    masks: bool = False
    free_batch: bool = False
    centre: float = -4.2
    sidecar: dict[str, Any] = field(default_factory=dict)


EXAMPLES = {
    "rfdetr": Example(slots=4, free_batch=True),  # three classes: `labels` has the shape of `dets`
    "rfdetr_segment": Example(slots=3, masks=True),
    "rfdetr_coco": Example(
        slots=91,
        background=None,
        centre=-8.5,
        sidecar={"scores": {"background": False}, "names": {1: "person", 2: "bicycle", 90: "toothbrush"}},
    ),
    "rfdetr_background_first": Example(slots=3, background=0, sidecar={"scores": {"background_index": 0}}),
}


class Tiny(torch.nn.Module):  # type: ignore[misc]  # torch is no dependency of this project
    """A picture in; boxes and class logits of 16 places out."""

    def __init__(self, example: Example) -> None:
        super().__init__()
        widths = [3, 8, 16, 24, 24]
        layers = [self._layer(*pair) for pair in pairwise(widths)]
        self.body = torch.nn.Sequential(*layers, torch.nn.AvgPool2d(2))
        self.boxes = torch.nn.Linear(widths[-1], 4)
        self.classes = torch.nn.Linear(widths[-1], example.slots)
        self.masks = torch.nn.Linear(widths[-1], 16 * 16) if example.masks else None

    @staticmethod
    def _layer(given: int, made: int) -> Any:
        convolution = torch.nn.Conv2d(given, made, 3, stride=2, padding=1)
        return torch.nn.Sequential(convolution, torch.nn.BatchNorm2d(made), torch.nn.SiLU())

    def forward(self, image: Any) -> Any:
        places = self.body(image).flatten(2).transpose(1, 2)
        found = (self.boxes(places).sigmoid(), self.classes(places))
        return found if self.masks is None else (*found, self.masks(places).unflatten(-1, (16, 16)))


def main() -> None:
    torch.set_num_threads(1)
    for name, example in EXAMPLES.items():
        cases = next(cases for seed in range(300) if (cases := attempt(name, example, seed)))
        write_reference(name, example, cases)
        print(name, (HERE / f"{name}.onnx").stat().st_size, [len(case["boxes"]) for case in cases])


def attempt(name: str, example: Example, seed: int) -> list[dict[str, Any]] | None:
    """The file of this seed and its answers, or None when a rounding could change them."""
    torch.manual_seed(seed)
    model = Tiny(example).eval()
    tensors = [torch.from_numpy(preprocess_to_nchw(pillow(size), SIDE_PX, SIDE_PX)) for size in SIZES_PX]
    heads = [
        Head(model.boxes, 0.7, (0.0, 0.0, -1.2, -1.2)),
        Head(model.classes, 2.4, (example.centre,) * example.slots),
    ]
    enliven(model, [partial(show, model, one) for one in tensors], heads)
    export(HERE / f"{name}.onnx", model, example)
    cases = answers(HERE / f"{name}.onnx", example, FLOOR - NEAREST_FLOOR)
    problem = next((why for case in cases if (why := why_unfit(case, FLOOR))), None)
    if problem is not None:
        print(f"  {name} seed {seed}: {problem}")
        return None
    return answers(HERE / f"{name}.onnx", example, FLOOR)


def show(model: Any, tensor: Any, noise: bool) -> Any:
    return model(noisy(tensor, 1 / 255 / 0.226) if noise else tensor)


def pillow(size_px: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(picture(*size_px)[:, :, ::-1]))


def export(path: Path, model: Any, example: Example) -> None:
    """Names and axes as `prepare_export_graph` gives them."""
    outputs = ["dets", "labels", *(["masks"] if example.masks else [])]
    axes = {name: {0: "batch"} for name in ["input", *outputs]} if example.free_batch else None
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, SIDE_PX, SIDE_PX),),
        str(path),
        input_names=["input"],
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    save_slim(path)


def answers(path: Path, example: Example, threshold: float) -> list[dict[str, Any]]:
    session = _create_onnx_session(path, ["CPUExecutionProvider"])
    return [answer(session, size, example, threshold) for size in SIZES_PX]


def answer(session: Any, size_px: tuple[int, int], example: Example, threshold: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        pillow(size_px).save(Path(folder) / "picture.png")
        image = Path(folder) / "picture.png"
        found, _ = _run_inference(session, image, threshold, background_class_id=example.background)
    return {
        "size_px": list(size_px),
        "boxes": found.xyxy.tolist(),
        "confidences": found.confidence.tolist(),
        "class_ids": found.class_id.tolist(),
    }


def write_reference(name: str, example: Example, cases: list[dict[str, Any]]) -> None:
    made_with = f"rfdetr {version('rfdetr')}, torch {torch.__version__}"
    said = {"model": f"{name}.onnx", "made_with": made_with, "family": "rfdetr", "task": "detect"}
    sidecar = {"sidecar": example.sidecar} if example.sidecar else {}
    (HERE / f"{name}.json").write_text(json.dumps({**said, **sidecar, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
