"""The graph as it is edited for a device finds what the file's own finds, for every family and kind of axis."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from shared.imaging import Image
from shared.models import graph
from shared.models.config import ModelConfig
from shared.models.families.family import Family, Findings
from shared.models.graph import for_device, layout_of
from shared.models.model import LOAD_ERRORS, Model
from shared.models.preprocess import Preparation
from shared.models.runtime import ort
from tests.contract.test_model_families import REFERENCES, Reference, _loaded
from tests.families.pictures import picture
from tests.unit.shared.models import built_models
from tests.unit.shared.models.built_models import detector

SIZES_PX = ((320, 240), (211, 333))


@dataclass
class Edited:
    """An edited graph in a session."""

    content: bytes
    family: Family

    def findings(self, image: Image) -> Findings:
        session = ort.InferenceSession(self.content, providers=["CPUExecutionProvider"])
        prepared = self.family.prepare(image)
        assert prepared.tensor.dtype == np.uint8
        feeds = self.family.feeds([prepared] * (self.family.input.batch or 1))
        names = [one.name for one in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, feeds), strict=True))
        halves = {
            name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in outputs.items()
        }
        return self.family.read(self.family.split(halves, 1)[0], prepared.placement)


def edited(model: Model) -> Edited | None:
    found = for_device(model.files.graph, model.family)
    return None if found is None else Edited(*found)


def own_findings(model: Model, image: Image) -> Findings:
    prepared = model.prepare(image)
    return model.read(model.run(model.open_session(), [prepared])[0], prepared)


def assert_same(one: Findings, other: Findings) -> None:
    assert list(one.class_ids) == list(other.class_ids)
    assert np.allclose(one.confidences, other.confidences, atol=0.002)
    assert (one.boxes is None) == (other.boxes is None)
    if one.boxes is not None and other.boxes is not None:
        assert np.allclose(one.boxes, other.boxes, atol=0.1)


@pytest.mark.parametrize("number", range(len(REFERENCES)), ids=[one.name for one in REFERENCES])
def test_every_familys_graph_sees_the_same_from_bytes(number: int) -> None:
    model = _loaded(number)
    on_device = edited(model)
    if on_device is None:
        own = type(model.family).prepare is not Family.prepare or type(model.family.preparation) is not Preparation
        assert own or model.family.preparation.bytes_in
        return
    for size_px in SIZES_PX:
        image = picture(*size_px)
        assert_same(on_device.findings(image), own_findings(model, image))


@pytest.mark.parametrize("options", [{}, {"free": True}, {"batch": 4}, {"batch": "batch"}, {"half": True}])
def test_the_surest_candidates_are_all_that_comes_out(
    tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as a frame has above the lowest confidence, and no more."""
    model = Model(ModelConfig(path=detector(tmp_path / "gate.onnx", **options), lowest_confidence=0.15))
    monkeypatch.setattr(graph, "MOST_CANDIDATES", 200)
    on_device = edited(model)
    assert on_device is not None
    output = ort.InferenceSession(on_device.content, providers=["CPUExecutionProvider"]).get_outputs()[0]
    assert output.shape[2] != 756
    for size_px in SIZES_PX:
        image = built_models.picture(*size_px, seed=1)
        seen = on_device.findings(image)
        assert len(seen.confidences) > 0
        assert_same(seen, own_findings(model, image))


@pytest.mark.parametrize("reference", [one for one in REFERENCES if one.name in ("yolov5", "yolov7", "ultralytics-v8")])
def test_candidates_of_every_layout_are_the_same(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _loaded(REFERENCES.index(reference))
    assert layout_of(model.family) is not None
    monkeypatch.setattr(graph, "MOST_CANDIDATES", 300)
    on_device = edited(model)
    assert on_device is not None
    nodes = [node.op_type for node in onnx.load_from_string(on_device.content).graph.node]
    assert "TopK" in nodes
    for size_px in SIZES_PX:
        image = picture(*size_px)
        assert_same(on_device.findings(image), own_findings(model, image))


def test_an_old_graph_is_left_as_it_is(tmp_path: Path) -> None:
    path = detector(tmp_path / "gate.onnx")
    model, old = Model(ModelConfig(path=path)), onnx.load(str(path))
    old.opset_import[0].version = 11
    onnx.save(old, str(tmp_path / "old.onnx"))
    assert for_device(tmp_path / "old.onnx", model.family) is None


def test_the_file_is_not_touched(tmp_path: Path) -> None:
    model = Model(ModelConfig(path=detector(tmp_path / "gate.onnx")))
    before = model.files.graph.read_bytes()
    assert edited(model) is not None
    assert model.files.graph.read_bytes() == before
    with pytest.raises(LOAD_ERRORS):
        ort.InferenceSession(b"no graph", providers=["CPUExecutionProvider"])
