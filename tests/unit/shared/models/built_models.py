"""Small models and pictures, the same on every machine: random weights from a seed, in the layouts that exporters write.

Nothing here was trained or exported: the graphs are built node by node, so that they belong to this project.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

NAMES = {0: "cart", 1: "person", 2: "crate"}
OPSET = 17


def picture(width_px: int, height_px: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth ground with a few discs and boxes on it, BGR."""
    dice = np.random.default_rng(seed)
    ground = dice.integers(0, 255, (5, 5, 3)).astype(np.uint8)
    image = np.asarray(cv2.resize(ground, (width_px, height_px), interpolation=cv2.INTER_CUBIC), np.uint8)
    for _ in range(12):
        colour = tuple(int(value) for value in dice.integers(0, 255, 3))
        x, y = int(dice.integers(0, width_px)), int(dice.integers(0, height_px))
        size = int(dice.integers(8, max(9, min(width_px, height_px) // 3)))
        if dice.random() < 0.5:
            cv2.circle(image, (x, y), size // 2, colour, -1)
        else:
            cv2.rectangle(image, (x, y), (x + size, y + size), colour, -1)
    return image


class Graph:
    """Nodes in the order of their making; each method gives the name of its result."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.dice = np.random.default_rng(seed)

    def constant(self, value: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def conv(
        self, of: str, channels: tuple[int, int], kernel: int, stride: int, bias: Sequence[float] | None = None
    ) -> str:
        """Weights that keep the spread of what goes through."""
        source, target = channels
        weight = self.dice.normal(0, (2 / (source * kernel**2)) ** 0.5, (target, source, kernel, kernel))
        weights = self.constant(weight.astype(np.float32)), self.constant(np.zeros(target, np.float32))
        return self.node("Conv", of, *weights, strides=[stride] * 2, pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2)

    def part(self, of: str, start: int, end: int) -> str:
        return self.node("Slice", of, *(self.constant(np.array([value])) for value in (start, end, 1)))

    def times(self, of: str, factor: float) -> str:
        return self.node("Mul", of, self.constant(np.float32(factor)))

    def plus(self, of: str, addend: float) -> str:
        return self.node("Add", of, self.constant(np.float32(addend)))


def detector(
    path: Path,
    *,
    size_px: tuple[int, int] = (192, 192),
    free: bool = False,
    batch: int | str = 1,
    half: bool = False,
    width: int = 8,
    sigmoid: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """An Ultralytics-like detector: `images` in, `output0` [batch, 4 + 3, N] out. Size is (width, height)."""
    graph = Graph(seed=1)
    features = graph.node("Cast", "images", to=TensorProto.FLOAT) if half else "images"
    features = graph.node("LeakyRelu", graph.conv(features, (3, width), 3, 2))
    features = graph.node("LeakyRelu", graph.conv(features, (width, width), 3, 2))
    levels = []
    for stride in (8, 16, 32):
        features = graph.node("LeakyRelu", graph.conv(features, (width, width), 3, 2))
        levels.append(_level(graph, features, width, stride, sigmoid))
    output = graph.node("Concat", *levels, axis=2)
    graph.node("Cast", output, to=TensorProto.FLOAT16 if half else TensorProto.FLOAT)
    height: int | str = "height" if free else size_px[1]
    shape = ["batch" if free else batch, 3, height, "width" if free else size_px[0]]
    return _save(
        graph, path, shape, [shape[0], 7, "anchors"], half, {**_metadata("detect", size_px), **(metadata or {})}
    )


def _level(graph: Graph, features: str, width: int, stride: int, sigmoid: bool) -> str:
    """Boxes as centre and size in input pixels, then a score per class."""
    raw = graph.conv(features, (width, 7), 1, 1)
    ones = graph.plus(graph.times(graph.part(raw, 0, 1), 0.0), 1.0)
    shift = graph.plus(graph.times(graph.node("Sigmoid", graph.part(raw, 0, 2)), 2.0), -1.5)
    cells = [graph.node("CumSum", ones, graph.constant(np.int64(axis))) for axis in (3, 2)]
    grid = graph.node("Concat", *cells, axis=1)
    centre = graph.times(graph.node("Add", grid, shift), float(stride))
    size = graph.times(graph.plus(graph.node("Sigmoid", graph.part(raw, 2, 4)), 0.2), 5.0 * stride)
    scores = graph.node("Sigmoid" if sigmoid else "Identity", graph.plus(graph.times(graph.part(raw, 4, 7), 8.0), -6.0))
    level = graph.node("Concat", centre, size, scores, axis=1)
    return graph.node("Reshape", level, graph.constant(np.array([0, 7, -1])))


def classifier(
    path: Path,
    *,
    size_px: tuple[int, int] = (64, 64),
    softmax: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A classifier of three classes; `metadata={}` leaves it without any."""
    graph = Graph(seed=2)
    features = graph.node("LeakyRelu", graph.conv("images", (3, 16), 3, 2))
    features = graph.node("LeakyRelu", graph.conv(features, (16, 16), 3, 2))
    logits = graph.node("Flatten", graph.node("GlobalAveragePool", graph.conv(features, (16, 3), 1, 1)))
    logits = graph.times(logits, 8.0)
    graph.node("Softmax" if softmax else "Identity", logits)
    written = _metadata("classify", size_px) if metadata is None else metadata
    return _save(graph, path, [1, 3, size_px[1], size_px[0]], [1, 3], False, written)


def _metadata(task: str, size_px: tuple[int, int]) -> dict[str, str]:
    """As Ultralytics writes it: Python literals as text."""
    values = {"names": NAMES, "stride": 32, "imgsz": [size_px[1], size_px[0]], "batch": 1, "end2end": False}
    return {"description": "built for tests", "task": task, **{key: str(value) for key, value in values.items()}}


def _save(
    graph: Graph,
    path: Path,
    input_shape: Sequence[int | str],
    output_shape: Sequence[int | str],
    half: bool,
    metadata: Mapping[str, str],
) -> Path:
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    graph.nodes[-1].output[0] = "output0"
    proto = helper.make_graph(
        graph.nodes,
        "built",
        [helper.make_tensor_value_info("images", kind, list(input_shape))],
        [helper.make_tensor_value_info("output0", kind, list(output_shape))],
        graph.weights,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
