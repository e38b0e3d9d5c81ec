"""Random weights that see something: the last layers of an untrained network, set so that its answers depend on the image.

Promises: after `enliven`, logits and boxes spread as asked over the pictures that were shown, most of it by what is in them.
Needs torch and onnxslim, which the scripts `make_*.py` say how to install.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

Run = Callable[[bool], Any]
LEADING = 4
"""Directions in which the features differ most from picture to picture: what the heads look at."""
SHIFTS = (0.0, 0.2, -0.2, 0.5, -0.5, 0.9, -0.9, 1.4)
NEAREST_SCORES = 0.0001
NEAREST_FLOOR = 0.002


@dataclass(frozen=True)
class Head:
    """A linear layer, and what should come out of it: how far it spreads, around what."""

    linear: Any
    spread: float
    centre: Sequence[float]


def enliven(model: Any, runs: Sequence[Run], heads: Sequence[Head]) -> None:
    """Fresh weights that keep a signal alive, then the heads. Each of `runs` shows the model one picture, with noise or not."""
    for value in model.parameters():
        if value.ndim > 1:
            torch.nn.init.xavier_uniform_(value, gain=1.2)
        if value.ndim == 4:
            with torch.no_grad():  # smooth filters: they see discs, and little noise
                value.copy_(0.25 * value + value.mean((2, 3), keepdim=True))
    _normalise(model, runs[0])
    for head in heads:
        _fit(head, _features(head.linear, runs, noise=False), _features(head.linear, runs, noise=True))


def _normalise(model: Any, run: Run) -> None:
    """Batch norms, frozen or not, get the statistics of what they see; else the signal dies on its way."""

    def learn(norm: Any, inputs: Any) -> None:
        seen = inputs[0].detach()
        norm.running_mean.copy_(seen.mean((0, 2, 3)))
        norm.running_var.copy_(seen.var((0, 2, 3)) + 1e-3)

    hooks = [one.register_forward_pre_hook(learn) for one in model.modules() if hasattr(one, "running_var")]
    with torch.no_grad():
        run(False)
    for hook in hooks:
        hook.remove()


def _features(linear: Any, runs: Sequence[Run], noise: bool) -> Any:
    """What the layer saw last in each run: (runs, queries, width)."""
    seen: list[Any] = []
    hook = linear.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach()))
    last = []
    with torch.no_grad():
        for run in runs:
            seen.clear()
            run(noise)
            last.append(seen[-1].reshape(-1, seen[-1].shape[-2], seen[-1].shape[-1])[-1])
    hook.remove()
    return torch.stack(last)


def _fit(head: Head, features: Any, noisy_features: Any) -> None:
    """Weights in the directions that change most with the picture and least with noise, scaled to the spread."""
    flat = features.reshape(-1, features.shape[-1]).double()
    changes = (features - features.mean(0)).reshape(flat.shape).double()
    noise = (noisy_features - features).reshape(flat.shape).double()
    basis = _clearest(changes.T @ changes, noise.T @ noise)
    mixed = torch.randn(head.linear.out_features, len(basis), dtype=torch.float64) @ basis
    weight = mixed * (head.spread / (flat @ mixed.T).std(0))[:, None]
    with torch.no_grad():
        head.linear.weight.copy_(weight)
        head.linear.bias.copy_(torch.tensor(head.centre) - (flat.mean(0) @ weight.T))


def _clearest(signal: Any, noise: Any) -> Any:
    """Rows: the directions of the best ratios of signal to noise (both (width, width)), each of signal 1."""
    ground = noise + torch.eye(len(noise), dtype=noise.dtype) * (noise.trace() + 1e-6 * signal.trace()) / len(noise)
    inverse = torch.linalg.inv(torch.linalg.cholesky(ground))
    _, vectors = torch.linalg.eigh(inverse @ signal @ inverse.T)
    rows = vectors[:, -LEADING:].T @ inverse
    return rows / torch.sqrt((rows @ signal * rows).sum(1))[:, None]


def tuned(head: Head) -> Iterator[None]:
    """The head with its classes a little likelier or less: some shift has no score near the floor."""
    bias, classes = head.linear.bias.detach().clone(), torch.tensor(head.centre) == min(head.centre)
    for shift in SHIFTS:
        with torch.no_grad():
            head.linear.bias.copy_(bias + shift * classes)
        yield


def why_unfit(case: dict[str, Any], floor: float, most: int = 16) -> str | None:
    """Why another machine could answer otherwise: too few or too many boxes, or scores too near to tell apart."""
    scores = np.sort(np.array(case["confidences"]))
    if not 5 <= len(scores) <= most:
        return f"{len(scores)} boxes"
    if np.diff(scores).min() < NEAREST_SCORES or scores[0] - floor < NEAREST_FLOOR:
        return f"scores too near: {np.diff(scores).min():.5f}, lowest {scores[0]:.4f}"
    return _outside(np.array(case["boxes"]), case["size_px"])


def noisy(pixels: Any, level: float) -> Any:
    """A tensor as another resize would make it: one value in twenty a level brighter or darker."""
    dice = torch.Generator().manual_seed(0)
    rounding = torch.randint(-1, 2, pixels.shape, generator=dice) * (torch.rand(pixels.shape, generator=dice) < 0.05)
    return pixels + rounding * level


def apart(case: dict[str, Any], other: dict[str, Any]) -> str | None:
    """What tells the answers apart by more than the contract suite allows."""
    if not case["class_ids"] or sorted(case["class_ids"]) != sorted(other["class_ids"]):
        return "a level of noise changes what is seen"
    score = np.abs(np.sort(case["confidences"]) - np.sort(other["confidences"])).max()
    return f"a level of noise changes a score by {score:.4f}" if score > 0.01 else None


def _outside(boxes: Any, size_px: Sequence[int]) -> str | None:
    """A box may reach over the edge, but a good part of each is to be seen."""
    limits = np.array([*size_px, *size_px])
    inside = np.clip(boxes, 0, limits)
    share = _areas(inside) / _areas(boxes)
    return f"a box lies {1 - share.min():.0%} outside" if share.min() < 0.3 else None


def _areas(boxes: Any) -> Any:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def save_slim(path: Path) -> None:
    """The same graph without what only its maker needs: folded constants, short names, no notes."""
    import onnxslim  # type: ignore[import-not-found]  # some of the makers' environments have none

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
