"""A model's graph for a device: bytes go in, and of the candidates only the surest come out, since the bus decides there.

Promises: the file is not touched; the edited graph gives the same findings (tested for every family). On a GPU it is 2.1 to
5.6 times as fast as floats in, everything out; on a CPU it costs, so it is used on a GPU alone (docs/performance.md).
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shared.models.families.family import Family
from shared.models.preprocess import Preparation

MOST_CANDIDATES = 1000
"""Anchors per frame that leave the device. More than that above the lowest confidence: the weakest of them are lost."""
OLDEST_OPSET = 12
"""From there on `Min` knows whole numbers."""
BYTES_IN = "gleaner_bytes"


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where a family's output has its anchors and scores; the rest of an anchor's numbers goes with it."""

    columns_axis: int
    first_class: int
    objectness: int | None = None


def for_device(path: Path, family: Family) -> tuple[bytes, Family] | None:
    """The edited graph, and the family as it feeds and reads it. None where there is nothing to gain, or the opset is too old.

    Raises ImportError without the package `onnx`, ValueError where the graph is past protobuf's 2 GB.
    """
    import onnx

    model = onnx.load(str(path))
    opset = max(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    if opset < OLDEST_OPSET or not takes_bytes(family):
        return None
    nodes = _Nodes("in")
    _bytes_in(model.graph, family, nodes)
    model.graph.node.extend(nodes.made)
    _first(model.graph, len(nodes.made))
    layout = layout_of(family)
    if layout is not None:
        _candidates_out(model.graph, family, layout, opset)
    return model.SerializeToString(), _fed_with_bytes(family)


def takes_bytes(family: Family) -> bool:
    """Whether scaling can move into the graph: the family prepares as all do, and the model takes floats."""
    usual = type(family).prepare is Family.prepare and type(family.preparation) is Preparation
    return usual and not family.preparation.bytes_in


def layout_of(family: Family) -> Candidates | None:
    """Of families whose output has one row or column for each anchor, and that look at nothing but its numbers."""
    if family.name == "ultralytics":
        return Candidates(columns_axis=1, first_class=4)
    if family.name == "yolov5" and family.said.scores.objectness is not False:
        return Candidates(columns_axis=2, first_class=5, objectness=4)
    return None


def _fed_with_bytes(family: Family) -> Family:
    fed = copy.copy(family)
    fed.input = replace(family.input, name=BYTES_IN, dtype=np.uint8, channels_last=True)
    fed.preparation = replace(family.preparation, bytes_in=True, channels_last=True, color="bgr")
    return fed


class _Nodes:
    """Nodes and constants under names that no graph has; each method gives the name of its result."""

    def __init__(self, part: str) -> None:
        self._part = part
        self.made: list[Any] = []

    def node(self, kind: str, *inputs: str, gives: str = "", outputs: int = 1, **attributes: Any) -> str:
        from onnx import helper

        names = [gives or f"gleaner_{self._part}_{len(self.made)}_{number}" for number in range(outputs)]
        self.made.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[-1]

    def constant(self, value: Any, dtype: type[np.generic]) -> str:
        from onnx import numpy_helper

        return self.node("Constant", value=numpy_helper.from_array(np.asarray(value, dtype)))


def _bytes_in(graph: Any, family: Family, nodes: _Nodes) -> None:
    """The image input takes [batch, height, width, 3] bytes, BGR; nodes make of them what stood there before."""
    from onnx import TensorProto

    image = next(one for one in graph.input if one.name == family.input.name)
    tensor, kind = image.type.tensor_type, image.type.tensor_type.elem_type
    if not family.input.channels_last:
        dims = [copy.deepcopy(dim) for dim in tensor.shape.dim]
        dims.append(dims.pop(-3))
        del tensor.shape.dim[:]
        tensor.shape.dim.extend(dims)
    tensor.elem_type = TensorProto.UINT8
    name, image.name = image.name, BYTES_IN
    floats = nodes.node("Cast", _planes(family, nodes), to=TensorProto.FLOAT)
    nodes.node("Cast", _scaled(family.preparation, floats, family.input.channels_last, nodes), gives=name, to=kind)


def _planes(family: Family, nodes: _Nodes) -> str:
    """In the model's order of colours and axes, bytes still."""
    pixels = BYTES_IN
    if family.preparation.color == "rgb":
        pixels = nodes.node(
            "Gather", pixels, nodes.constant([2, 1, 0], np.int64), axis=3 if family.input.batched else 2
        )
    if family.input.channels_last:
        return pixels
    return nodes.node("Transpose", pixels, perm=[0, 3, 1, 2] if family.input.batched else [2, 0, 1])


def _scaled(preparation: Preparation, floats: str, channels_last: bool, nodes: _Nodes) -> str:
    shape = (3,) if channels_last else (3, 1, 1)
    floats = nodes.node("Div", floats, nodes.constant(preparation.scale, np.float32))
    if preparation.mean is not None:
        floats = nodes.node("Sub", floats, nodes.constant(np.reshape(preparation.mean, shape), np.float32))
    if preparation.std is not None:
        floats = nodes.node("Div", floats, nodes.constant(np.reshape(preparation.std, shape), np.float32))
    return floats


def _first(graph: Any, count: int) -> None:
    """The last `count` nodes become the first: a graph lists its nodes in the order in which they can run."""
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes[-count:], *nodes[:-count]])


def _candidates_out(graph: Any, family: Family, layout: Candidates, opset: int) -> None:
    """Of the first output, the anchors with the best class scores, `MOST_CANDIDATES` or fewer. Its layout stays."""
    output = next(one for one in graph.output if one.name == family.signature.outputs[0].name)
    dims = output.type.tensor_type.shape.dim
    anchors_axis = 3 - layout.columns_axis
    if not dims[layout.columns_axis].dim_value or 0 < dims[anchors_axis].dim_value <= MOST_CANDIDATES:
        return
    before = f"{output.name}_of_all_anchors"
    _rename_result(graph, output.name, before)
    nodes = _Nodes("out")
    best = _best(before, layout, layout.first_class + len(family.names), opset, nodes)
    which = nodes.node("TopK", best, _count(before, anchors_axis, nodes), axis=anchors_axis, outputs=2)
    spread = [1, 1, 1]
    spread[layout.columns_axis] = dims[layout.columns_axis].dim_value
    spread_out = nodes.node("Expand", which, nodes.constant(spread, np.int64))
    nodes.node("GatherElements", before, spread_out, gives=output.name, axis=anchors_axis)
    graph.node.extend(nodes.made)
    dims[anchors_axis].Clear()


def _best(anchors: str, layout: Candidates, end: int, opset: int, nodes: _Nodes) -> str:
    """What an anchor's surest class has, objectness included: [batch, 1, anchors], or [batch, anchors, 1]."""

    def part(start: int, end: int) -> str:
        numbers = (nodes.constant([number], np.int64) for number in (start, end, layout.columns_axis))
        return nodes.node("Slice", anchors, *numbers)

    classes, axes = part(layout.first_class, end), [layout.columns_axis]
    if opset < 18:
        best = nodes.node("ReduceMax", classes, axes=axes, keepdims=1)
    else:
        best = nodes.node("ReduceMax", classes, nodes.constant(axes, np.int64), keepdims=1)
    if layout.objectness is None:
        return best
    return nodes.node("Mul", best, part(layout.objectness, layout.objectness + 1))


def _count(anchors: str, axis: int, nodes: _Nodes) -> str:
    """How many there are, at most `MOST_CANDIDATES`: [1]."""
    there = nodes.node("Gather", nodes.node("Shape", anchors), nodes.constant([axis], np.int64), axis=0)
    return nodes.node("Min", there, nodes.constant([MOST_CANDIDATES], np.int64))


def _rename_result(graph: Any, old: str, new: str) -> None:
    """Whatever made or used it: only a graph's own nodes can."""
    for node in graph.node:
        _rename(node.input, old, new)
        _rename(node.output, old, new)


def _rename(names: Any, old: str, new: str) -> None:
    renamed: Sequence[str] = [new if name == old else name for name in names]
    del names[:]
    names.extend(renamed)
