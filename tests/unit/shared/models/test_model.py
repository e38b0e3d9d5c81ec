"""A file that cannot work is refused at start, and the message says what to do."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from structlog.testing import capture_logs

from shared.errors import SettingsError
from shared.models.config import ModelConfig
from shared.models.engine import Engine, Kind, works
from shared.models.model import Model
from tests.unit.shared.models.built_models import classifier, detector, picture

ROOT = Path(__file__).parents[4]


def refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Model(ModelConfig.model_validate({"path": path, **settings}))
    return str(caught.value)


def test_the_version_is_the_content_and_the_id_the_files_name(tmp_path: Path) -> None:
    path = detector(tmp_path / "gate v2.onnx")
    model = Model(ModelConfig(path=path))
    assert model.version == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert model.id == "gate-v2"
    assert Model(ModelConfig(path=path, id="gate")).id == "gate"


def test_a_checkpoint_is_refused_with_the_export_command(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(b"\x80\x02 no archive, and the name says enough")
    assert f"yolo export model={path} format=onnx" in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no" in refusal(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"hello, world", b"\x08\x08" * 99])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "junk.onnx").write_bytes(content)
    assert "onnxruntime can load" in refusal(tmp_path / "junk.onnx")


def test_weights_in_a_second_file_that_is_not_there_are_named(tmp_path: Path) -> None:
    whole = onnx.load(str(detector(tmp_path / "whole.onnx")))
    (tmp_path / "m").mkdir()
    path = tmp_path / "m" / "best.onnx"
    onnx.save_model(whole, str(path), save_as_external_data=True, location="best weights.data", size_threshold=256)
    version = Model(ModelConfig(path=path)).version
    weights = tmp_path / "m" / "best weights.data"
    weights.write_bytes(weights.read_bytes()[:-4] + bytes(4))
    assert Model(ModelConfig(path=path)).version != version, "other weights are another version"
    weights.unlink()
    assert f"a second file, 'best weights.data', which is not beside it. Copy it into {tmp_path}/m" in refusal(path)


@pytest.mark.parametrize("name", ["a" * 127, "a" * 128, "a" * 250, "ü" * 70, "weights/of the yard.data"])
def test_weights_are_part_of_the_version_however_they_are_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "m" / name).parent.mkdir(parents=True)
    whole, path = onnx.load(str(detector(tmp_path / "whole.onnx"))), tmp_path / "m" / "best.onnx"
    onnx.save_model(whole, str(path), save_as_external_data=True, location=name, size_threshold=256)
    assert [file.relative_to(path.parent).as_posix() for file in Model(ModelConfig(path=path)).files.others] == [name]


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"task": "track"}, "its task is track"),
        ({"end2end": "True"}, "suppression is inside the graph"),
        ({"args": "{'nms': True}"}, "suppression is inside the graph"),
        ({"head": "RTDETRDecoder"}, "RT-DETR"),
        ({"description": "Ultralytics RTDETR-l model"}, "RT-DETR"),
    ],
)
def test_a_detector_of_another_kind_is_refused_with_its_shapes(
    tmp_path: Path, metadata: dict[str, str], why: str
) -> None:
    path = detector(tmp_path / "model.onnx", metadata=metadata)
    assert "[1, 3, 192, 192]" in refusal(path)
    assert why in refusal(path, family="ultralytics")


def test_names_in_the_file_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    assert "the model has 3 classes" in refusal(detector(tmp_path / "model.onnx", metadata={"names": "{0: 'a'}"}))


def test_a_classifier_that_says_nothing_of_itself_must_be_named(tmp_path: Path) -> None:
    path = classifier(tmp_path / "model.onnx", metadata={})
    assert "set model.family to classify" in refusal(path)
    assert Model(ModelConfig(path=path, family="classify")).names == ("class0", "class1", "class2")


def test_a_classifier_without_softmax_gets_it(tmp_path: Path) -> None:
    inside, outside = (
        Model(ModelConfig(path=classifier(tmp_path / f"{soft}.onnx", softmax=soft))) for soft in (True, False)
    )
    prepared = inside.prepare(picture(64, 64))
    sure, same = (one.read(one.run(one.open_session(), [prepared])[0], prepared) for one in (inside, outside))
    assert same.class_ids.tolist() == sure.class_ids.tolist()
    assert same.confidences == pytest.approx(sure.confidences, abs=1e-5)


def test_a_detector_without_sigmoid_is_refused(tmp_path: Path) -> None:
    assert "expected class scores in 0..1" in refusal(detector(tmp_path / "model.onnx", sigmoid=False))


def test_a_threshold_for_no_class_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'person'?" in refusal(detector(tmp_path / "model.onnx"), class_thresholds={"persn": 0.4})


@pytest.mark.parametrize("module", ["shared.models.model", "deploy.demo.detector"])
def test_the_runtime_reports_to_nobody(tmp_path: Path, module: str) -> None:
    """docs/decisions/0007: with its reports it would leave an identifier and a queue behind."""
    path, home = detector(tmp_path / "model.onnx"), tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    run = f"import {module}, onnxruntime; onnxruntime.InferenceSession({str(path)!r})"
    places = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run([sys.executable, "-B", "-c", run], env=environment | places, check=True, timeout=60)
    assert list(home.rglob("*")) == []


def test_nobody_else_loads_the_runtime() -> None:
    shipped = [path for folder in ("services", "shared", "deploy", "clients") for path in (ROOT / folder).rglob("*.py")]
    loading = [path for path in shipped if "import onnxruntime" in path.read_text()]
    assert loading
    assert [path for path in loading if "ORT_DISABLE_TELEMETRY" not in path.read_text()] == []


@pytest.mark.parametrize("options", [{"free": True}, {"batch": 4}, {"batch": "batch"}])
def test_frames_in_one_run_do_not_touch_each_other(tmp_path: Path, options: dict[str, Any]) -> None:
    model = Model(ModelConfig(path=detector(tmp_path / "model.onnx", **options)))
    session = model.open_session()
    prepared = [model.prepare(picture(320, 240, seed)) for seed in range(3)]
    together = model.run(session, prepared)
    assert len(together) == 3
    for one, own in zip(prepared, together, strict=True):
        assert np.abs(model.run(session, [one])[0]["output0"] - own["output0"]).max() < 1e-3


def test_on_a_gpu_bytes_go_into_the_graph_and_the_same_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is none here: the CPU runs the graph that a GPU would get."""
    config = ModelConfig(path=detector(tmp_path / "gate.onnx"))
    plain, image = Model(config), picture(320, 240, 1)
    monkeypatch.setattr(Engine, "is_gpu", property(lambda _: True))
    model = Model(config)
    prepared = model.prepare(image)
    assert prepared.tensor.dtype == np.uint8
    seen = model.read(model.run(model.open_session(), [prepared])[0], prepared)
    own = plain.read(plain.run(plain.open_session(), [plain.prepare(image)])[0], plain.prepare(image))
    assert len(seen.confidences) == len(own.confidences) > 0
    assert model.version == plain.version


def test_a_provider_that_nobody_asked_for_and_that_does_not_take_the_model_gives_it_to_the_cpu(tmp_path: Path) -> None:
    config = ModelConfig(path=detector(tmp_path / "gate.onnx"))
    absent: Kind = next(kind for kind in ("openvino", "cuda") if not works(kind))
    with capture_logs() as lines:
        assert Model(config, Engine(absent, may_fall_back=True)).names
    assert [(line["event"], line["instead"]) for line in lines] == [("inference.provider_failed", "cpu")]
    with pytest.raises(SettingsError, match=f"{absent}"):
        Model(config, Engine(absent))
