"""Peaks in the graph: the best cell of a neighbourhood keeps its score on every scale, the others get 0."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from deploy.demo.peaks import keep_peaks

CELLS = 40 * 40 + 20 * 20 + 10 * 10


def peaks_of(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", k, CELLS]) for name, k in (("b", 4), ("s", 1))
    ]
    outside = helper.make_tensor_value_info("o", TensorProto.FLOAT, ["n", 5, CELLS])
    graph = helper.make_graph([helper.make_node("Concat", ["b", "s"], ["o"], axis=1)], "g", inside, [outside])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    keep_peaks(model, 320, (8, 16, 32))
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    boxes = np.zeros((1, 4, CELLS), np.float32)
    result: NDArray[np.float32] = session.run(None, {"b": boxes, "s": scores[None, None]})[0][0, 4]
    return result


def fine(row: int, column: int) -> int:
    return row * 40 + column


def test_a_weaker_neighbour_is_silenced_and_a_distant_one_is_not() -> None:
    scores = np.zeros(CELLS, np.float32)
    scores[[fine(10, 10), fine(11, 12), fine(10, 20)]] = 0.9, 0.6, 0.3
    kept = peaks_of(scores)
    assert kept[[fine(10, 10), fine(11, 12), fine(10, 20)]].tolist() == pytest.approx([0.9, 0.0, 0.3])


@pytest.mark.parametrize(("fine_score", "coarse_score"), [(0.9, 0.5), (0.4, 0.8)])
def test_scales_compete(fine_score: float, coarse_score: float) -> None:
    scores, coarse = np.zeros(CELLS, np.float32), 1600 + 5 * 20 + 5  # covers fine rows and columns 10 and 11
    scores[fine(10, 11)], scores[coarse] = fine_score, coarse_score
    kept = peaks_of(scores)
    winner, loser = (fine(10, 11), coarse) if fine_score > coarse_score else (coarse, fine(10, 11))
    assert kept[winner] == scores[winner]
    assert kept[loser] == 0


def test_a_graph_with_another_end_is_refused() -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph)
    with pytest.raises(ValueError, match="Concat"):
        keep_peaks(model, 320, (8, 16, 32))
