"""`gleaner models inspect`: what was understood, why, what is a guess; and the sidecar that says the same."""

from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from services.cli.models.inspect import yaml_of
from services.cli.models.understood import understand
from shared.models.config import ModelConfig
from shared.models.families import FAMILIES
from shared.models.model import Model
from shared.models.sidecar import FamilyName, ResizeOptions, Sidecar
from tests.contract.test_model_families import REFERENCES, Reference, findings
from tests.unit.services.cli.conftest import Gleaner, as_json
from tests.unit.shared.models.built_models import classifier, detector

SIZE_PX = (517, 333)
PAGE = Path(__file__).parents[5] / "docs" / "models.md"


@pytest.fixture
def model(folder: Path) -> Path:
    return detector(folder / "gate.onnx", size_px=(256, 192))


def nobodys(path: Path) -> Path:
    """A model of no family: it adds two numbers."""
    pair = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("a", "b", "sum")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["sum"])], "adder", pair[:2], pair[2:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(proto, {"author": "somebody"})
    onnx.save(proto, str(path))
    return path


def loaded(reference: Reference, folder: Path) -> Model:
    """With its sidecar, where it needs one."""
    said = folder / "said.yaml"
    said.write_text(yaml.safe_dump(reference.said.get("sidecar") or {}), encoding="utf-8")
    return Model(ModelConfig(path=reference.path, sidecar=said))


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda one: one.name)
def test_the_explicit_sidecar_changes_no_number(reference: Reference, tmp_path: Path) -> None:
    """Written out and read again, for a file of each family; and every row of the table has something to say of it."""
    model = loaded(reference, tmp_path)
    found = understand(model)
    assert found.family == reference.said["family"]
    assert all([found.about, found.reading, found.resize, found.pixels, found.suppression, found.inputs, found.outputs])
    written = tmp_path / "explicit.yaml"
    written.write_text(yaml_of(found.sidecar), encoding="utf-8")
    again = Model(ModelConfig(path=reference.path, sidecar=written))
    assert again.family.name == model.family.name
    assert again.family.preparation == model.family.preparation
    assert (again.names, again.family.most) == (model.names, model.family.most)
    before, after = findings(model, SIZE_PX), findings(again, SIZE_PX)
    assert after.class_ids.tolist() == before.class_ids.tolist()
    assert after.confidences.tolist() == before.confidences.tolist()
    if before.boxes is not None:
        assert after.boxes is not None
        assert np.array_equal(after.boxes, before.boxes)


def test_a_table_says_everything(gleaner: Gleaner, model: Path) -> None:
    result = gleaner("models", "inspect", model)
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    for words in (
        "family ultralytics: told by its outputs (output0 [1, 7, 1008])",
        "images [1, 3, 192, 256]",
        "fixed at 1",
        "256x192 (width x height), channels first",
        "letterbox, centred on 114, sizes rounded, bilinear",
        "RGB, divided by 255",
        "ours, per class, IoU above 0.7; the best 300 are kept",
        "3 (cart, person, crate), from the file's metadata",
    ):
        assert words in said


def test_json_holds_the_same(gleaner: Gleaner, model: Path) -> None:
    told = as_json(gleaner("models", "inspect", model, "--json"))
    assert (told["family"], told["task"], told["classes"]) == ("ultralytics", "detect", ["cart", "person", "crate"])
    assert told["version"] == Model(ModelConfig(path=model)).version
    assert told["sidecar"]["input"]["size"] == [192, 256]


def test_the_sidecar_is_ready_to_be_saved(gleaner: Gleaner, model: Path) -> None:
    printed = gleaner("models", "inspect", model, "--as-sidecar")
    assert printed.exit_code == 0, printed.output
    assert yaml.safe_load(printed.stdout)["names"] == ["cart", "person", "crate"]
    Path("gate.gleaner.yaml").write_text(printed.stdout.replace("cart", "trolley"), encoding="utf-8")
    told = as_json(gleaner("models", "inspect", model, "--json"))
    assert told["why"] == "named in gate.gleaner.yaml"
    assert (told["classes"][0], told["classes_from"]) == ("trolley", "gate.gleaner.yaml")
    assert told["files"] == ["gate.onnx", "gate.gleaner.yaml"]


def warnings(gleaner: Gleaner, model: Path) -> str:
    return " ".join(as_json(gleaner("models", "inspect", model, "--json"))["warnings"])


def test_what_is_a_guess_or_costs_something_is_a_warning(gleaner: Gleaner, folder: Path, model: Path) -> None:
    assert warnings(gleaner, model) == ""
    assert "fixed at 4" in warnings(gleaner, detector(folder / "four.onnx", batch=4))
    nameless = classifier(folder / "kind.onnx", metadata={"task": "classify"})
    assert "no class names" in warnings(gleaner, nameless)
    assert "! no class names" in gleaner("models", "inspect", nameless).stdout
    free = detector(folder / "free.onnx", free=True, metadata={"imgsz": "none"})
    assert "640x640" in str(as_json(gleaner("models", "inspect", free, "--json"))["size"])


def test_a_file_that_nobody_recognises(gleaner: Gleaner, folder: Path) -> None:
    result = gleaner("models", "inspect", nobodys(folder / "adder.onnx"))
    assert result.exit_code == 2
    said = " ".join(result.stdout.split())
    assert "a [1, 2] tensor(float)" in said
    assert "says author somebody" in said
    assert "adder.gleaner.yaml" in said
    assert all(name in said for name in FAMILIES)
    assert "rank 4" in result.stderr or "cannot tell" in result.stderr
    told = gleaner("models", "inspect", "adder.onnx", "--json")
    assert told.exit_code == 2
    assert yaml.safe_load(told.stdout)["outputs"] == ["sum [1, 2] tensor(float)"]


def test_the_example_is_a_sidecar(gleaner: Gleaner, folder: Path) -> None:
    """What is printed for a stranger can be saved as it stands."""
    lines = gleaner("models", "inspect", nobodys(folder / "adder.onnx")).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  family:"))
    example = yaml.safe_load("\n".join(line[2:] for line in lines[start:]))
    assert example["family"] in FAMILIES
    assert example["names"] == ["person", "car"]


def test_what_is_no_model_is_one_sentence(gleaner: Gleaner, folder: Path) -> None:
    (folder / "best.pt").write_bytes(b"PK\x03\x04")
    result = gleaner("models", "inspect", "best.pt")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert gleaner("models", "inspect", "nowhere.onnx").exit_code == 2


def test_the_page_lists_every_family() -> None:
    rows = [
        line.split("|")[1].strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    assert {name for name in get_args(FamilyName) if name != "auto"} <= {row.strip("`") for row in rows}


def test_the_pages_sidecar_has_every_key() -> None:
    """And is one: each value stands where it belongs."""
    text = PAGE.read_text(encoding="utf-8")
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    Sidecar.model_validate(example)
    assert example.keys() == Sidecar.model_fields.keys()
    for section in ("input", "outputs", "boxes", "scores", "nms"):
        assert example[section].keys() == type(getattr(Sidecar(), section)).model_fields.keys()
    assert example["input"]["resize"].keys() == ResizeOptions.model_fields.keys()
