"""`gleaner run` and `gleaner demo` as a user types them: in an empty folder, as processes, looked at by what they leave."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import supervision

from tests.unit.shared.models.built_models import detector
from tests.unit.shared.models.built_models import picture as pixels

TIMEOUT_S = 120


def gleaner(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a model, a video and some pictures, and settings that keep every fourth frame or so."""
    detector(tmp_path / "best.onnx")
    (tmp_path / "gleaner.yaml").write_text(
        "strategies: [{type: random, fraction: 0.25}]\nsalt: a salt for this test only\n"
    )
    video = cv2.VideoWriter(str(tmp_path / "street.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    (tmp_path / "pictures").mkdir()
    for seed in range(24):
        video.write(pixels(160, 120, seed))
        cv2.imwrite(str(tmp_path / "pictures" / f"{seed}.jpg"), pixels(160, 120, 100 + seed))
    video.release()
    return tmp_path


def test_run_on_a_video_and_a_folder_ends_with_a_dataset_and_a_sheet(desk: Path) -> None:
    ran = gleaner(desk, "run", "--model", "best.onnx", "street.avi", "pictures")
    assert ran.returncode == 0, ran.stderr
    assert "frames seen" in ran.stderr
    sheet = cv2.imread(str(desk / "dataset" / "contact-sheet.png"))
    assert sheet is not None
    loaded = supervision.DetectionDataset.from_coco(
        str(desk / "dataset" / "images"), str(desk / "dataset" / "_annotations.coco.json")
    )
    assert 3 <= len(loaded) <= 24
    sources = {json.loads(path.read_bytes())["source_id"] for path in (desk / "dataset" / "samples").iterdir()}
    assert sources == {"street", "pictures"}


def test_the_same_again_adds_nothing(desk: Path) -> None:
    gleaner(desk, "run", "--model", "best.onnx", "street.avi")
    before = sorted(path.name for path in (desk / "dataset" / "images").iterdir())
    ran = gleaner(desk, "run", "--model", "best.onnx", "street.avi")
    assert ran.returncode == 0, ran.stderr
    assert "24 frames in this run" in ran.stderr
    assert sorted(path.name for path in (desk / "dataset" / "images").iterdir()) == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("run",), "which model?"),
        (("run", "--model", "best.pt", "street.avi"), "yolo export"),
        (("run", "--model", "missing.onnx", "street.avi"), "missing.onnx"),
        (("run", "--model", "best.onnx", "nothing.mp4"), "nothing.mp4"),
        (("run", "--model", "best.onnx", "best.onnx"), "cannot be read as a video"),
        (("run", "--model", "best.onnx", "--dataset", "best.onnx", "street.avi"), "is a file"),
    ],
)
def test_what_cannot_work_is_one_sentence(desk: Path, words: tuple[str, ...], expected: str) -> None:
    ran = gleaner(desk, *words)
    assert ran.returncode == 2
    assert expected in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (desk / "dataset").exists()


def test_a_source_of_garbage_ends_with_a_sentence_instead_of_waiting_for_ever(desk: Path) -> None:
    (desk / "bad").mkdir()
    for number in range(220):
        (desk / "bad" / f"{number}.jpg").write_bytes(b"no image %d" % number)
    ran = gleaner(desk, "run", "--model", "best.onnx", "bad")
    assert ran.returncode == 2
    assert "dead-letters" in ran.stderr


def test_served_until_stopped_and_no_second_one_on_the_same_folder(desk: Path) -> None:
    with (desk / "gleaner.yaml").open("a") as settings:
        settings.write("model: {path: best.onnx}\nfeedback: {port: 0}\n")
    serving = subprocess.Popen(
        [sys.executable, "-m", "services", "run"],
        cwd=desk,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stderr is not None
    try:
        said = next((line for line in serving.stderr if "partitions.assigned" in line), "")
        assert said, "expected the services to join"
        second = gleaner(desk, "run")
        assert second.returncode == 2
        assert "another gleaner" in second.stderr
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.stderr.read()
        assert serving.wait(40) == 0


def test_the_demo_tells_its_story(tmp_path: Path) -> None:
    ran = gleaner(tmp_path, "demo", "--frames", "200", "--folder", "story")
    assert ran.returncode == 0, ran.stderr
    assert "different yellow packs (of 4)" in ran.stdout
    assert cv2.imread(str(tmp_path / "story" / "contact-sheet.png")) is not None
    document = json.loads((tmp_path / "story" / "dataset" / "_annotations.coco.json").read_bytes())
    assert document["images"]
    again = gleaner(tmp_path, "demo", "--frames", "100", "--folder", ".")
    assert again.returncode == 2
    assert "was not made by the demo" in again.stderr
