"""Let only the best cell of a neighbourhood speak, inside the ONNX graph.

A box found by several cells and scales would otherwise leave weak, ill-fitting doubles around a sure one. As in
CenterNet (Zhou et al. 2019): a score that is not the largest within two fine cells becomes 0. Needs onnx alone.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

REACH = 2  # cells of the finest scale, each way


def keep_peaks(model: onnx.ModelProto, side_px: int, strides: Sequence[int]) -> None:
    """Change the model in place; its last node must concatenate boxes and scores [batch, classes, cells]."""
    last = model.graph.node[-1]
    if last.op_type != "Concat":
        raise ValueError(f"expected the graph to end with Concat (boxes, scores), got {last.op_type}")
    scores = last.input[-1]
    last.input[-1] = "peaks/scores"
    position = len(model.graph.node) - 1
    sides = [side_px // stride for stride in strides]
    for node in [*_maps(model, scores, sides), *_neighbourhood(model, strides), *_compare(model, strides)]:
        model.graph.node.insert(position, node)
        position += 1


def _constant(model: onnx.ModelProto, name: str, values: Sequence[float], kind: type[np.generic]) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.array(values, kind), name))
    return name


def _maps(model: onnx.ModelProto, scores: str, sides: list[int]) -> list[onnx.NodeProto]:
    """One map [batch, classes, side, side] for each scale."""
    sizes = _constant(model, "peaks/sizes", [side * side for side in sides], np.int64)
    flat = [f"peaks/flat{scale}" for scale in range(len(sides))]
    nodes = [helper.make_node("Split", [scores, sizes], flat, axis=2)]
    for scale, side in enumerate(sides):
        shape = _constant(model, f"peaks/shape{scale}", [0, 0, side, side], np.int64)
        nodes.append(helper.make_node("Reshape", [flat[scale], shape], [f"peaks/map{scale}"]))
    return nodes


def _neighbourhood(model: onnx.ModelProto, strides: Sequence[int]) -> list[onnx.NodeProto]:
    """The largest score of any scale around each fine cell."""
    nodes, fine = [], ["peaks/map0"]
    for scale, stride in list(enumerate(strides))[1:]:
        factor = stride / strides[0]
        scales = _constant(model, f"peaks/scales{scale}", [1, 1, factor, factor], np.float32)
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        nodes.append(helper.make_node("Resize", [f"peaks/map{scale}", "", scales], [f"peaks/fine{scale}"], **how))
        fine.append(f"peaks/fine{scale}")
    size, pads = [2 * REACH + 1] * 2, [REACH] * 4
    nodes.append(helper.make_node("Max", fine, ["peaks/any"]))
    nodes.append(helper.make_node("MaxPool", ["peaks/any"], ["peaks/around"], kernel_shape=size, pads=pads))
    nodes.append(helper.make_node("Neg", ["peaks/around"], ["peaks/negative"]))
    return nodes


def _compare(model: onnx.ModelProto, strides: Sequence[int]) -> list[onnx.NodeProto]:
    """Scores that equal the largest around them stay; the others become 0."""
    zero = _constant(model, "peaks/zero", [0.0], np.float32)
    shape = _constant(model, "peaks/flat", [0, 0, -1], np.int64)
    nodes, kept = [], []
    for scale, stride in enumerate(strides):
        size = [stride // strides[0]] * 2
        pooled, least, peak = f"peaks/pooled{scale}", f"peaks/least{scale}", f"peaks/is{scale}"
        nodes.append(helper.make_node("MaxPool", ["peaks/negative"], [pooled], kernel_shape=size, strides=size))
        nodes.append(helper.make_node("Neg", [pooled], [least]))
        nodes.append(helper.make_node("GreaterOrEqual", [f"peaks/map{scale}", least], [peak]))
        nodes.append(helper.make_node("Where", [peak, f"peaks/map{scale}", zero], [f"peaks/only{scale}"]))
        nodes.append(helper.make_node("Reshape", [f"peaks/only{scale}", shape], [f"peaks/row{scale}"]))
        kept.append(f"peaks/row{scale}")
    return [*nodes, helper.make_node("Concat", kept, ["peaks/scores"], axis=2)]
