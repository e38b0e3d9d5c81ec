"""Makes the references of RT-DETR as its own repository exports it, and D-FINE: `python -m tests.families.make_rtdetr`.

In the environment of make_detr.py. The repository is no package: the architecture is transformers', the post-processor
follows `rtdetrv2_pytorch/src/zoo/rtdetr/rtdetr_postprocessor.py`, names and axes `tools/export_onnx.py`, and images are
made as `references/deploy/rtdetrv2_onnxruntime.py` does: Pillow, torchvision's Resize, ToTensor, sizes (w, h).
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torchvision
import transformers
from torchvision import transforms

from tests.families.enlivened import NEAREST_FLOOR, apart, enliven, noisy, save_slim, settled, tuned, why_unfit
from tests.families.make_detr import FLOOR, SIZES_PX, heads_of, hgnet, pillow, rt_resnet, rtdetr, show

HERE = Path(__file__).parent
BEST = 24
INPUTS, OUTPUTS = ["images", "orig_target_sizes"], ["labels", "boxes", "scores"]
Size = tuple[int, int]


class Deployed(torch.nn.Module):  # type: ignore[misc]  # torch is no dependency of this project
    """The network with its post-processor behind it: the best pairs of query and class, boxes in the pixels of the original."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Any, orig_target_sizes: Any) -> Any:
        found = self.network(pixel_values=images)
        corners = torchvision.ops.box_convert(found.pred_boxes, "cxcywh", "xyxy")
        corners = corners * orig_target_sizes.repeat(1, 2).unsqueeze(1)
        scores, places = found.logits.sigmoid().flatten(1).topk(BEST, dim=-1)
        classes = found.logits.shape[2]
        labels, queries = places % classes, places // classes
        return labels, corners.gather(1, queries.unsqueeze(-1).repeat(1, 1, 4)), scores


def main() -> None:
    torch.set_num_threads(1)
    make(
        "rtdetr",
        rtdetr(transformers.RTDetrConfig, transformers.RTDetrForObjectDetection, rt_resnet),
        (128, 128),
        free_batch=True,
    )
    dfine = {"lqe_hidden_dim": 8, "max_num_bins": 8}
    make(
        "rtdetr_dfine",
        rtdetr(transformers.DFineConfig, transformers.DFineForObjectDetection, hgnet, **dfine),
        (96, 160),
        free_batch=False,
    )


def make(name: str, build: Any, input_px: Size, free_batch: bool) -> None:
    model, cases = first_that_sees(name, build, input_px)
    export(HERE / f"{name}.onnx", model, input_px, free_batch)
    for size in SIZES_PX:
        values = inputs_of(size, input_px)
        with torch.no_grad():
            expected = model(*values)
        settled(
            HERE / f"{name}.onnx", {key: value.numpy() for key, value in zip(INPUTS, values, strict=True)}, expected
        )
    made_with = (
        f"torchvision {torchvision.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    )
    said = {"model": f"{name}.onnx", "made_with": made_with, "family": "rtdetr", "task": "detect", "cases": cases}
    (HERE / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n")
    print(name, (HERE / f"{name}.onnx").stat().st_size, [len(case["boxes"]) for case in cases])


def first_that_sees(name: str, build: Any, input_px: Size) -> tuple[Any, list[dict[str, Any]]]:
    for seed in range(200):
        torch.manual_seed(seed)
        network = build().eval()
        values = [inputs_of(size, input_px)[0] for size in SIZES_PX]
        heads, model = heads_of(network), Deployed(network).eval()
        enliven(network, [partial(show, network, {"pixel_values": images}, 1 / 255) for images in values], heads)
        for _ in tuned(heads[0]):
            cases, problem = answers(model, input_px)
            if problem is None:
                return model, cases
        print(f"  {name} seed {seed}: {problem}")
    raise RuntimeError(f"{name}: no seed gives answers that are told apart")


def answers(model: Any, input_px: Size) -> tuple[list[dict[str, Any]], str | None]:
    """What it says of each picture, and what makes that no good reference."""
    lower = [answer(model, size, input_px, FLOOR - NEAREST_FLOOR) for size in SIZES_PX]
    problem = next((why for case in lower if (why := why_unfit(case, FLOOR, BEST))), None)
    cases = [answer(model, size, input_px, FLOOR) for size in SIZES_PX]
    noisy_ones = [answer(model, size, input_px, FLOOR, noise=True) for size in SIZES_PX]
    return cases, problem or next((why for pair in zip(cases, noisy_ones, strict=True) if (why := apart(*pair))), None)


def inputs_of(size_px: Size, input_px: Size) -> tuple[Any, Any]:
    made = transforms.Compose([transforms.Resize(input_px[::-1]), transforms.ToTensor()])
    return made(pillow(size_px))[None], torch.tensor(size_px)[None]


def answer(model: Any, size_px: Size, input_px: Size, threshold: float, noise: bool = False) -> dict[str, Any]:
    images, sizes = inputs_of(size_px, input_px)
    with torch.no_grad():
        labels, boxes, scores = (one[0] for one in model(noisy(images, 1 / 255) if noise else images, sizes))
    sure = scores > threshold
    return {
        "size_px": list(size_px),
        "boxes": boxes[sure].tolist(),
        "confidences": scores[sure].tolist(),
        "class_ids": labels[sure].tolist(),
    }


def export(path: Path, model: Any, input_px: Size, free_batch: bool) -> None:
    torch.onnx.export(
        model,
        (torch.rand(1, 3, *input_px[::-1]), torch.tensor([input_px])),
        str(path),
        input_names=INPUTS,
        output_names=OUTPUTS,
        dynamic_axes={name: {0: "N"} for name in INPUTS} if free_batch else None,
        opset_version=16,
        dynamo=False,
    )
    save_slim(path)


if __name__ == "__main__":
    main()
