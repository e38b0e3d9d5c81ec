from pathlib import Path
from typing import Any

import pytest

from services.cli.doctoring import model as looking
from services.cli.doctoring.model import model
from services.inference.models.releases import Releases
from shared.adapters.embedded.file_images import FileImages
from shared.models.config import ModelConfig
from shared.models.model import Model
from shared.settings import Settings
from tests.unit.shared.models.built_models import detector


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MEASURED_S", 0.05)


def settings(path: Path, **more: Any) -> Settings:
    return Settings({"model": {"path": str(path)}, **more})


def test_a_model_that_works_says_its_classes_and_its_pace(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    works, pace = model(settings(tmp_path / "best.onnx"))
    assert (works.state, pace.state) == ("ok", "ok")
    assert "3 classes (cart, person, crate), ultralytics, version " in works.found
    assert "frames/s on this machine (provider: cpu, lanes: " in pace.found


def test_cameras_that_bring_more_than_can_be_predicted_are_a_warning(tmp_path: Path) -> None:
    detector(tmp_path / "best.onnx")
    cameras = {f"c{number}": {"url": "rtsp://a.example/", "fps": 120} for number in range(1_000)}
    _, pace = model(settings(tmp_path / "best.onnx", sources=cameras))
    assert pace.state == "warning"
    assert "bring up to 120,000" in pace.found


def test_without_a_model_it_says_how_to_name_one() -> None:
    (found,) = model(Settings({}))
    assert found.state == "warning"
    assert "gleaner init" in found.todo


def test_of_releases_the_newest_is_looked_at(tmp_path: Path) -> None:
    backend = {"type": "embedded", "folder": str(tmp_path / "data")}
    given = Settings({"model": {"id": "doors"}, "backend": backend})
    (found,) = model(given)
    assert (found.state, "no data yet" in found.found) == ("wrong", True), "whoever looks makes no data folder"
    images = FileImages(tmp_path / "data" / "images")
    (found,) = model(given)
    assert (found.state, "nothing was pushed as doors yet" in found.found) == ("wrong", True)
    Releases(images, "doors").push(Model(ModelConfig(path=detector(tmp_path / "best.onnx"))), "first")
    works, pace = model(given)
    assert (works.state, pace.state) == ("ok", "ok")
    assert works.found.startswith("the newest release of doors: 3 classes (cart, person, crate), ultralytics, version ")


def test_no_model_may_be_meant() -> None:
    (found,) = model(Settings({"model": "none"}))
    assert (found.state, found.found) == ("ok", "none, as the settings say")


@pytest.mark.parametrize(
    ("name", "content"), [("missing.onnx", None), ("broken.onnx", b"no model"), ("best.pt", b"PK")]
)
def test_a_model_that_cannot_work_is_wrong(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (found,) = model(settings(tmp_path / name))
    assert (found.state, name in found.found) == ("wrong", True), found
