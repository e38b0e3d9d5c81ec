"""Random weights that see something: the last layers of an untrained network, set so that its answers depend on the image.

Promises: after `enliven`, logits and boxes spread as asked over the pictures that were shown, most of it by what is in them.
Needs torch and onnxslim, which the scripts `make_*.py` say how to install.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

LEADING = 6
"""Directions in which the features differ most from picture to picture: what the heads look at."""
NEAREST_SCORES = 0.0001
NEAREST_FLOOR = 0.002


@dataclass(frozen=True)
class Head:
    """A linear layer, and what should come out of it: how far it spreads, around what."""

    linear: Any
    spread: float
    centre: Sequence[float]


def enliven(model: Any, runs: Sequence[Callable[[], Any]], heads: Sequence[Head]) -> None:
    """Fresh weights that keep a signal alive, then the heads. Each of `runs` shows the model one picture."""
    for value in model.parameters():
        if value.ndim > 1:
            torch.nn.init.xavier_uniform_(value, gain=1.2)
    _normalise(model, runs[0])
    for head in heads:
        _fit(head, _features(head.linear, runs))


def _normalise(model: Any, run: Callable[[], Any]) -> None:
    """Batch norms, frozen or not, get the statistics of what they see; else the signal dies on its way."""

    def learn(norm: Any, inputs: Any) -> None:
        seen = inputs[0].detach()
        norm.running_mean.copy_(seen.mean((0, 2, 3)))
        norm.running_var.copy_(seen.var((0, 2, 3)) + 1e-3)

    hooks = [one.register_forward_pre_hook(learn) for one in model.modules() if hasattr(one, "running_var")]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()


def _features(linear: Any, runs: Sequence[Callable[[], Any]]) -> Any:
    """What the layer saw last in each run: (runs, queries, width)."""
    seen: list[Any] = []
    hook = linear.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach()))
    last = []
    with torch.no_grad():
        for run in runs:
            seen.clear()
            run()
            last.append(seen[-1].reshape(-1, seen[-1].shape[-2], seen[-1].shape[-1])[-1])
    hook.remove()
    return torch.stack(last)


def _fit(head: Head, features: Any) -> None:
    """Weights in the directions in which a query's features change with the picture, scaled to the spread."""
    flat = features.reshape(-1, features.shape[-1]).double()
    changes = (features - features.mean(0)).reshape(-1, features.shape[-1]).double()
    _, size, directions = torch.linalg.svd(changes, full_matrices=False)
    basis = directions[:LEADING] / size[:LEADING, None]
    mixed = torch.randn(head.linear.out_features, LEADING, dtype=torch.float64) @ basis
    given = flat @ mixed.T
    weight = mixed * (head.spread / given.std(0))[:, None]
    with torch.no_grad():
        head.linear.weight.copy_(weight)
        head.linear.bias.copy_(torch.tensor(head.centre) - (flat.mean(0) @ weight.T))


def why_unfit(case: dict[str, Any], floor: float) -> str | None:
    """Why another machine could answer otherwise: too few or too many boxes, or scores too near to tell apart."""
    scores = np.sort(np.array(case["confidences"]))
    if not 5 <= len(scores) <= 25:
        return f"{len(scores)} boxes"
    if np.diff(scores).min() < NEAREST_SCORES or scores[0] - floor < NEAREST_FLOOR:
        return f"scores too near: {np.diff(scores).min():.5f}, lowest {scores[0]:.4f}"
    return _outside(np.array(case["boxes"]), case["size_px"])


def _outside(boxes: Any, size_px: Sequence[int]) -> str | None:
    """A box may reach over the edge, but most of each is to be seen."""
    limits = np.array([*size_px, *size_px])
    inside = np.clip(boxes, 0, limits)
    share = _areas(inside) / _areas(boxes)
    return f"a box lies {1 - share.min():.0%} outside" if share.min() < 0.5 else None


def _areas(boxes: Any) -> Any:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def save_slim(path: Path) -> None:
    """The same graph without what only its maker needs: folded constants, short names, no notes."""
    import onnxslim

    model = onnxslim.slim(str(path))
    for node in model.graph.node:
        node.name = node.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, str(path))


def settled(path: Path, inputs: dict[str, Any], expected: Sequence[Any]) -> None:
    """Raises RuntimeError where the exported file says something else than PyTorch did."""
    outputs = onnxruntime.InferenceSession(str(path)).run(None, inputs)
    for got, wanted in zip(outputs, expected, strict=True):
        far = float(np.abs(got - wanted.numpy()).max())
        if far > 2e-4 + 1e-5 * float(np.abs(got).max()):
            raise RuntimeError(f"{path}: {far:.6f} away from PyTorch")
