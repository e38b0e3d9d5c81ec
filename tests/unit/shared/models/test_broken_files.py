"""Whatever lies in a file, it is run or refused with a sentence: nothing crashes, hangs or takes the memory."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from shared.errors import SettingsError
from shared.models import model as models
from shared.models.config import ModelConfig
from shared.models.model import Model
from tests.unit.shared.models.built_models import detector

NAMES = {"task": "detect", "imgsz": "[64, 64]", "names": "{0: 'a', 1: 'b', 2: 'c'}"}
Axes = Sequence[int | str]


def saved(path: Path, nodes: Sequence[onnx.NodeProto], outputs: Sequence[Any], **options: Any) -> Path:
    """A graph of one input, `images`. `options`: shape, weights, metadata."""
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, options.get("shape", [1, 3, 64, 64]))
    graph = helper.make_graph(list(nodes), "broken", [image], list(outputs), options.get("weights", []))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, options.get("metadata", {}))
    path.write_bytes(model.SerializeToString())
    return path


def always(path: Path, gives: Axes = (1, 7, 100), declared: Axes | None = None, **options: Any) -> Path:
    """Zeros for every image. A sum with the image keeps the runtime from knowing that."""
    sizes = [axis if isinstance(axis, int) else 1 for axis in gives]
    weights = [
        numpy_helper.from_array(np.zeros(sizes, np.float32), "zeros"),
        numpy_helper.from_array(np.float32(0), "nought"),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
        helper.make_node("Add", ["zeros", "nothing"], ["output0"]),
    ]
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(declared or gives))
    return saved(path, nodes, [output], weights=weights, **options)


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        Model(ModelConfig(path=path))
    return str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "best.onnx")
    assert "a pipe" in refusal(tmp_path / "best.onnx")


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").symlink_to("best.onnx")
    assert "symbolic links" in refusal(tmp_path / "best.onnx")


@pytest.mark.parametrize("size_px", [100_000, 0])
def test_an_input_that_no_memory_holds_is_refused_before_an_image_is_made(tmp_path: Path, size_px: int) -> None:
    path = always(tmp_path / "best.onnx", shape=[1, 3, size_px, size_px])
    assert f"got {size_px}x{size_px}" in refusal(path)
    free = always(
        tmp_path / "free.onnx", shape=[1, 3, "h", "w"], metadata={**NAMES, "imgsz": f"[{size_px or 10**6}, 65000]"}
    )
    assert "50,000,000 pixels" in refusal(free)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = always(tmp_path / "best.onnx", metadata={"names": "QQQQQQ"})
    path.write_bytes(path.read_bytes().replace(b"QQQQQQ", b"\xff\xfe\xff\xfe\xc0\x80"))
    assert "UTF-8" in refusal(path)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("7", "names"),
        ("{0: 'a', 'b': 'c', None: 2}", "class numbers"),
        ("{0: 'a', 1000000000: 'z', 1: 'b'}", "class numbers"),
        ("{-1: 'a', 0: 'b', 1: 'c'}", "class numbers"),
        ("{0: '\\ud800', 1: 'b', 2: 'c'}", "that are text"),
        (str({0: "x" * 1_000_000, 1: "b", 2: "c"}), "256 characters"),
    ],
)
def test_names_that_cannot_travel_are_refused(tmp_path: Path, names: str, why: str) -> None:
    said = refusal(always(tmp_path / "best.onnx", metadata={**NAMES, "names": names}))
    assert why in said
    assert len(said) < 500


@pytest.mark.parametrize("metadata", [{"names": "{[]: 1}"}, {"stride": "1e999"}, {"imgsz": "(" * 100_000}])
def test_metadata_that_python_cannot_read_say_nothing(tmp_path: Path, metadata: dict[str, str]) -> None:
    assert Model(ModelConfig(path=always(tmp_path / "best.onnx", metadata={**NAMES, **metadata}))).names


def test_outputs_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    """scikit-learn's exports end in lists of maps."""
    output = helper.make_tensor_sequence_value_info("output0", TensorProto.FLOAT, None)
    path = saved(tmp_path / "best.onnx", [helper.make_node("SequenceConstruct", ["images"], ["output0"])], [output])
    (tmp_path / "best.gleaner.yaml").write_text("family: torchvision\n")
    assert "seq(tensor(float))" in refusal(path) or "arrays" in refusal(path)


def test_no_row_where_there_should_be_one_is_refused(tmp_path: Path) -> None:
    path = always(tmp_path / "best.onnx", (0, 3), ("batch", 3), metadata={"task": "classify", "imgsz": "[64, 64]"})
    assert "is not what its inputs, outputs and metadata say" in refusal(path)


def test_a_graph_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MOST_BLANK_S", 0.2)
    number, flag = TensorProto.FLOAT, TensorProto.BOOL
    body = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["more"]), helper.make_node("Identity", ["go"], ["goes_on"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", flag, []),
            helper.make_tensor_value_info("x", number, []),
        ],
        [helper.make_tensor_value_info("goes_on", flag, []), helper.make_tensor_value_info("more", number, [])],
        [numpy_helper.from_array(np.float32(1), "one")],
    )
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Loop", ["turns", "true", "mean"], ["sum"], body=body),
        helper.make_node("Add", ["zeros", "sum"], ["output0"]),
    ]
    weights = [
        numpy_helper.from_array(np.int64(2**62), "turns"),
        numpy_helper.from_array(np.bool_(True), "true"),
        numpy_helper.from_array(np.zeros((1, 7, 100), np.float32), "zeros"),
    ]
    output = helper.make_tensor_value_info("output0", number, [1, 7, 100])
    path = saved(tmp_path / "best.onnx", nodes, [output], weights=weights, metadata=NAMES)
    assert "got none within 0.2 s" in refusal(path)


def test_of_thousands_of_outputs_a_few_are_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["images"], [f"o{number}"]) for number in range(1000)]
    outputs = [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, [1, 3, 64, 64]) for node in nodes]
    said = refusal(saved(tmp_path / "best.onnx", nodes, outputs))
    assert "and 988 more" in said
    assert len(said) < 3000


@pytest.mark.parametrize(
    "config", ["[" * 100_000, '{"model_type": [1]}', '{"model_type": "detr", "id2label": {"x": "a"}}', "\0"]
)
def test_what_lies_beside_a_model_in_another_form_is_refused(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    assert "beside" in refusal(always(tmp_path / "best.onnx", metadata=NAMES))


def test_a_task_that_is_not_the_models_is_refused(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    (tmp_path / "best.gleaner.yaml").write_text("task: classify\n")
    assert "expected what the model does, detect, got classify" in refusal(tmp_path / "best.onnx")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return detector(tmp_path_factory.mktemp("whole") / "best.onnx", size_px=(64, 64)).read_bytes()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=30), st.booleans())
def test_a_damaged_file_is_run_or_refused(
    tmp_path: Path, content: bytes, flips: list[tuple[int, int]], cut: bool
) -> None:
    damaged = bytearray(content)
    for at, flip in flips:
        damaged[at % len(damaged)] ^= flip
    path = tmp_path / "best.onnx"
    path.write_bytes(damaged[: flips[0][0] % len(damaged)] if cut else damaged)
    with suppress(SettingsError):
        assert Model(ModelConfig(path=path)).names
