import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.effective import effective
from shared.settings import load
from tests.unit.services.cli.conftest import Gleaner
from tests.unit.shared.models.built_models import detector

CANARY = "canary-3f9a1c-never-written"
FOUND_OUT = {"site", "timezone", "feedback.port", "health.port"}
"""What stands in the file and is no default."""


def values(file: Path | None, **environment: str) -> dict[str, str]:
    """The effective settings, all of them in order."""
    found = effective(load(file, env=environment))
    assert found.problems == ()
    return {value.name: value.value for value in found.values}


def written(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / "gleaner.yaml").read_text(encoding="utf-8"))
    return loaded


def test_what_is_written_are_the_defaults_but_for_what_was_found(gleaner: Gleaner, folder: Path) -> None:
    assert gleaner("init").exit_code == 0
    defaults, file = values(None), values(folder / "gleaner.yaml")
    assert {name: value for name, value in file.items() if name not in FOUND_OUT} == {
        name: value for name, value in defaults.items() if name not in FOUND_OUT
    }
    assert file["site"] == folder.name


def test_with_a_model_and_cameras_these_alone_are_new(gleaner: Gleaner, folder: Path) -> None:
    detector(folder / "best.onnx")
    result = gleaner("init", "rtsp://ana:secret9@gate/", "/dev/video0")
    assert result.exit_code == 0, result.output
    (folder / "bare.yaml").write_text("model: {path: best.onnx}\n")
    bare, file = values(folder / "bare.yaml"), values(folder / "gleaner.yaml", GATE_PASSWORD="x")
    new = {name for name in file if bare.get(name) != file[name]}
    assert {name for name in new if not name.startswith(("sources.gate", "sources.video0"))} <= FOUND_OUT
    assert file["sources.gate.url"] == "rtsp://gate/"
    assert file["model.path"] == "best.onnx"
    assert "export GATE_PASSWORD=…" in result.stdout


def test_every_section_that_people_change_stands_in_the_file(gleaner: Gleaner, folder: Path) -> None:
    gleaner("init")
    sampling = ["review", "strategies", "limits"]
    sections = ["site", "timezone", "sources", *sampling, "destinations", "feedback", "health", "backend"]
    assert list(written(folder)) == sections
    text = (folder / "gleaner.yaml").read_text(encoding="utf-8")
    for commented in ("# model: {path: best.onnx}", "# front-door:", "${CAMERA_PASSWORD}", "# - {type: roboflow"):
        assert commented in text
    assert max(map(len, text.splitlines())) < 160


def test_the_three_strategies_are_explained(gleaner: Gleaner, folder: Path) -> None:
    gleaner("init")
    lines = (folder / "gleaner.yaml").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line.startswith("review:")).startswith("review: 60/day  # ")
    strategies = [line.strip() for line in lines if "share:" in line]
    assert [line.split(", share: ")[0].removeprefix("- {type: ") for line in strategies] == [
        "random",
        "uncertain",
        "temporal",
    ]
    assert all("  # " in line for line in strategies), "each says what it is good for"


def uncommented(text: str) -> Iterator[str]:
    """The file with its examples put in force."""
    for line in text.splitlines():
        example = line.lstrip().removeprefix("# ")
        is_example = line.lstrip().startswith("# ") and example.startswith(
            ("model:", "front-door:", "yard:", "desk:", "rehearsal:", "- {")
        )
        yield line[: len(line) - len(line.lstrip())] + example if is_example else line


def test_the_examples_in_the_comments_are_right(gleaner: Gleaner, folder: Path) -> None:
    gleaner("init")
    text = "\n".join(uncommented((folder / "gleaner.yaml").read_text(encoding="utf-8")))
    detector(folder / "best.onnx")
    (folder / "all.yaml").write_text(text, encoding="utf-8")
    told = values(folder / "all.yaml", CAMERA_PASSWORD="x", ROBOFLOW_API_KEY="y")
    assert told["sources.rehearsal.loop"] == "true"
    assert told["sources.front-door.user"] == "viewer"
    assert "roboflow" in told["destinations"]


def test_several_models_the_newest_is_taken_and_it_says_so(gleaner: Gleaner, folder: Path) -> None:
    detector(folder / "old.onnx")
    shutil.copyfile(folder / "old.onnx", folder / "broken.onnx")
    (folder / "broken.onnx").write_bytes(b"no model")
    subprocess.run(["touch", "-d", "2020-01-01", folder / "old.onnx"], check=True)
    detector(folder / "new.onnx")
    result = gleaner("init")
    assert written(folder)["model"]["path"] == "new.onnx"
    text = (folder / "gleaner.yaml").read_text(encoding="utf-8")
    assert "# path: old.onnx" in text
    assert "3 classes (cart, person, crate), input 192 x 192" in text
    assert "also here: old.onnx" in result.stdout


def test_a_broken_model_is_passed_over_aloud(gleaner: Gleaner, folder: Path) -> None:
    (folder / "best.onnx").write_bytes(b"no model")
    result = gleaner("init")
    assert result.exit_code == 0
    assert "best.onnx is passed over" in result.stderr
    assert "still missing: an exported model" in result.stdout
    assert "model" not in written(folder)


def test_a_checkpoint_alone_leads_to_its_export(gleaner: Gleaner, folder: Path) -> None:
    with zipfile.ZipFile(folder / "best.pt", "w") as checkpoint:
        checkpoint.writestr("best/data.pkl", b"weights")
    result = gleaner("init")
    assert result.exit_code == 0
    assert "yolo export" in result.stderr


@pytest.mark.parametrize("name", ["best.pt", "missing.onnx", "."])
def test_a_model_that_was_asked_for_must_work(gleaner: Gleaner, folder: Path, name: str) -> None:
    (folder / "best.pt").write_bytes(b"PK\x03\x04")
    result = gleaner("init", "--model", name)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert not (folder / "gleaner.yaml").exists()


def test_nothing_is_written_over_without_force(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text("site: mine\n")
    result = gleaner("init")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (folder / "gleaner.yaml").read_text() == "site: mine\n"
    assert gleaner("init", "--force").exit_code == 0
    assert written(folder)["site"] == folder.name


def test_it_writes_where_the_settings_option_says(gleaner: Gleaner, folder: Path) -> None:
    assert gleaner("--settings", "other.yaml", "init").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"other.yaml"}


def test_a_place_that_cannot_be_written_is_a_sentence(gleaner: Gleaner, folder: Path) -> None:
    result = gleaner("--settings", "nowhere/gleaner.yaml", "init")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "cannot write nowhere/gleaner.yaml" in result.stderr


@pytest.mark.parametrize(
    "source",
    [
        f"rtsp://ana:{CANARY}@gate.example/1",
        f"http://gate.example/jpg?token={CANARY}",
        f"rtsp://ana:{CANARY}/2@gate.example/1",
        f"rtsp://gate.example/user=ana_password={CANARY}_channel=1.sdp",
    ],
)
def test_no_secret_is_written_or_said(gleaner: Gleaner, folder: Path, source: str) -> None:
    result = gleaner("init", source)
    assert CANARY not in result.output
    assert all(CANARY not in path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_check_is_content_with_the_file(gleaner: Gleaner, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector(folder / "best.onnx")
    gleaner("init", "rtsp://ana:secret9@gate/")
    assert "GATE_PASSWORD" in gleaner("check").stderr
    monkeypatch.setenv("GATE_PASSWORD", "secret9")
    assert gleaner("check").stdout.endswith("OK\n")
