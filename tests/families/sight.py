"""Makes a network with random weights see something: a handful of boxes per picture, well apart from every limit.

Promises: batch statistics fit the pictures; of each head's logits a chosen few pass 0.05, the rest lie below it. Runs where
torch is; what it makes is only good to compare two readers of the same file.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
CONFIDENCE = 0.05
LOWEST = math.log(CONFIDENCE / (1 - CONFIDENCE))
Case = dict[str, Any]


def settle(network: nn.Module, images: torch.Tensor) -> None:
    """Batch statistics of these images (B, 3, H, W), so that activations neither vanish nor grow."""
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
    network.train()
    with torch.no_grad():
        network(images)
    network.eval()


def inputs_of(network: nn.Module, parts: Sequence[nn.Module], images: torch.Tensor) -> dict[nn.Module, torch.Tensor]:
    """What each of the parts is given when the network looks at the images."""
    seen: dict[nn.Module, torch.Tensor] = {}
    hooks = [
        part.register_forward_hook(lambda part, given, _: seen.update({part: given[0].detach()})) for part in parts
    ]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    return seen


def spread(part: nn.Module, given: torch.Tensor, mean: float, deviation: float, rows: slice = slice(None)) -> None:
    """Scales those output channels of a convolution or linear layer to a mean and a deviation."""
    out = _rows(part, given)[rows]
    _rescale(part, rows, deviation / out.std(1), mean - out.mean(1) * deviation / out.std(1))


def open_eyes(part: nn.Module, given: torch.Tensor, share: float, rows: slice = slice(None)) -> None:
    """Scales the logits so that this share of them passes the lowest confidence; the highest of each channel is its own."""
    out = _rows(part, given)[rows]
    low, high = torch.quantile(out, 1 - share, dim=1), out.max(1).values
    peaks = torch.logit(0.9 + 0.095 * torch.rand(len(out)))
    scale = (peaks - LOWEST) / (high - low)
    _rescale(part, rows, scale, LOWEST - low * scale)


def _rows(part: Any, given: torch.Tensor) -> torch.Tensor:
    """(channels, everything else) of what the part gives."""
    with torch.no_grad():
        out: torch.Tensor = part(given)
    return out.transpose(0, 1).flatten(1) if out.ndim == 4 else out.reshape(-1, out.shape[-1]).T


def _rescale(part: Any, rows: slice, scale: torch.Tensor, shift: torch.Tensor) -> None:
    with torch.no_grad():
        weight = part.weight[rows]
        part.weight[rows] = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        part.bias[rows] = part.bias[rows] * scale + shift


def attempts(make: Callable[[int], list[Case]], limit: int = 30) -> list[Case]:
    """The first three good cases, wide and tall ones, of the first seed that has so many. Raises RuntimeError: none has."""
    for seed in range(limit):
        cases = make(seed)
        wide = [case for case in cases if case["size_px"][0] > case["size_px"][1]]
        tall = [case for case in cases if case not in wide]
        if wide and tall and len(cases) >= 3:
            chosen = [wide[0], tall[0], *wide[1:], *tall[1:]][:3]
            print(f"seed {seed}: {[len(case['confidences']) for case in chosen]} found")
            return chosen
    raise RuntimeError(f"none of {limit} seeds gives boxes that are well apart in three pictures")


def steady(cases: Sequence[Case], others: Sequence[Sequence[Case]], turned: Sequence[Case]) -> list[Case]:
    """Those whose boxes are well apart, the same in each of the others, and others in red and blue swapped."""
    return [
        case
        for index, case in enumerate(cases)
        if apart(case["confidences"])
        and all(other[index] == case for other in others)
        and turned[index]["confidences"] != case["confidences"]
    ]


def suppressed_first(good: Sequence[Case], unsuppressed: Sequence[Case]) -> list[Case]:
    """The cases in which suppression drops a box come first; none when there are none."""
    found = [len(case["confidences"]) for case in unsuppressed if (case["size_px"]) in [one["size_px"] for one in good]]
    dropped = [many > len(case["confidences"]) for many, case in zip(found, good, strict=True)]
    return sorted(good, key=lambda case: not dropped[good.index(case)]) if any(dropped) else []


def apart(confidences: Iterable[float], at_most: int = 30) -> bool:
    """Between 3 and `at_most` confidences, none within 0.002 of the lowest and no two alike."""
    ordered = np.sort(np.fromiter(confidences, float))
    gaps = np.diff(ordered)
    return 3 <= len(ordered) <= at_most and abs(ordered - CONFIDENCE).min() > 0.002 and bool((gaps > 2e-4).all())


def case(size_px: tuple[int, int], boxes: Any, confidences: Any, class_ids: Any, **more: Any) -> Case:
    """One picture and what the family's own code said of it, the surest first."""
    order = np.argsort(-np.asarray(confidences), kind="stable")
    found: Case = {"size_px": list(size_px)}
    if boxes is not None:
        found["boxes"] = [[round(float(edge), 3) for edge in box] for box in np.asarray(boxes)[order]]
    found["confidences"] = [round(float(one), 6) for one in np.asarray(confidences)[order]]
    found["class_ids"] = [int(one) for one in np.asarray(class_ids)[order]]
    return found | {key: _rounded(np.asarray(value)[order]) for key, value in more.items()}


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, float), 3).tolist()


def trim(path: Path) -> None:
    """Without shapes noted beside the nodes, and with short names inside: they are half of a small file, and change nothing.

    Nor does the date, without which the same is made again to the byte.
    """
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {one.key: one.value for one in model.metadata_props if one.key != "date"})
    graph = model.graph
    graph.ClearField("value_info")
    kept = {one.name for one in (*graph.input, *graph.output)} | {""}
    inner = [one.name for one in graph.initializer] + [name for node in graph.node for name in node.output]
    short = {name: f"t{index}" for index, name in enumerate(inner) if name not in kept}
    for tensor in graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    for node in graph.node:
        node.ClearField("name")
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write(model: Path, family: str, task: str, made_with: str, cases: list[Case], **more: Any) -> None:
    """The JSON beside a model file; its size is kept in sight."""
    said = {"model": model.name, "made_with": made_with, "family": family, "task": task} | more
    text = json.dumps(said, indent=1)[:-2] + ',\n "cases": [\n' + ",\n".join(_lines(cases)) + "\n ]\n}\n"
    model.with_suffix(".json").write_text(text)
    print(f"{model.name}: {model.stat().st_size // 1024} KiB")


def _lines(cases: list[Case]) -> Iterator[str]:
    for one in cases:
        yield "  {" + ",\n   ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in one.items()) + "}"
