"""`gleaner models predict`: the service's own answer, told and drawn; what cannot be read stops nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from services.cli.models.predict import picture_names
from services.cli.models.predicted_picture import drawn
from services.inference.config import InferenceConfig
from services.inference.service import InferenceService
from shared import imaging
from shared.imaging import encode_jpeg
from shared.runtime.service import Received
from shared.streams.frames import FRAMES
from shared.streams.predictions import Detection, Prediction
from shared.streams.record import Record
from tests.families.pictures import picture as scene
from tests.unit.services.cli.conftest import Gleaner, as_json
from tests.unit.shared.models.built_models import classifier, detector, picture

TESTS = Path(__file__).parents[4]
POSES, MESSAGES = TESTS / "families/ultralytics-pose.onnx", TESTS / "contract/messages/predictions/v1"
WEAK = 0.012
"""Below what the service carries by default."""


@pytest.fixture
def model(folder: Path) -> Path:
    return detector(folder / "gate.onnx")


@pytest.fixture
def image(folder: Path) -> Path:
    (folder / "yard.jpg").write_bytes(encode_jpeg(picture(320, 240, 1)))
    return folder / "yard.jpg"


def published(model: Path, image: Path) -> Prediction:
    """What the service publishes of it."""
    service = InferenceService(
        InferenceConfig.model_validate({"model": {"path": model, "threshold": WEAK, "lowest_confidence": WEAK}})
    )
    record = Record(FRAMES.name, 0, 0, 1, b"gate", image.read_bytes())
    handled = service.handle([Received(record, FRAMES.decode(record))])
    while not handled.outputs:
        handled = service.handle([])
    service.close()
    return Prediction.model_validate_json(handled.outputs[0].value or b"")


def test_it_says_what_the_service_would_publish(gleaner: Gleaner, model: Path, image: Path) -> None:
    (told,) = as_json(gleaner("models", "predict", model, image, "--confidence", WEAK, "--json"))["images"]
    expected = published(model, image)
    assert [one["box"] for one in told["detections"]] == [list(one.box) for one in expected.detections]
    assert [one["confidence"] for one in told["detections"]] == [one.confidence for one in expected.detections]
    assert (told["width_px"], told["height_px"], told["task"]) == (320, 240, "detect")
    assert set(told["timings_ms"]) >= {"decode", "preprocess", "run", "postprocess"}


def test_a_table_and_a_picture(gleaner: Gleaner, model: Path, image: Path, folder: Path) -> None:
    result = gleaner("models", "predict", model, "yard.jpg", "--confidence", WEAK)
    assert result.exit_code == 0, result.output
    assert ["class", "confidence", "left", "top", "right", "bottom"] in [
        line.split() for line in result.stdout.splitlines()
    ]
    assert "picture: predicted/yard.jpg" in result.stdout
    boxed, seen = (imaging.decode(path.read_bytes()) for path in (folder / "predicted/yard.jpg", image))
    assert boxed.shape == (360, 480, 3), "small pictures are drawn larger, so that words can be read"
    assert not np.array_equal(cv2.resize(seen, (480, 360)), boxed)


def test_weaker_boxes_are_counted_and_not_shown(gleaner: Gleaner, model: Path, image: Path) -> None:
    everything = as_json(gleaner("models", "predict", model, image, "--confidence", 0.05, "--json"))["images"][0]
    best = everything["detections"][0]["confidence"]
    assert everything["weaker"] == 0
    one = as_json(gleaner("models", "predict", model, image, "--confidence", best, "--json"))["images"][0]
    assert (len(one["detections"]), one["weaker"]) == (1, len(everything["detections"]) - 1)
    assert "nothing found" in gleaner("models", "predict", model, image, "--confidence", 0.99).stdout


def test_what_cannot_be_read_is_told_and_the_others_are_done(gleaner: Gleaner, model: Path, image: Path) -> None:
    Path("broken.jpg").write_bytes(image.read_bytes()[:400])
    result = gleaner("models", "predict", model, "broken.jpg", "nowhere.jpg", image, "--confidence", WEAK)
    assert result.exit_code == 1
    assert "broken.jpg: truncated image/jpeg" in result.stderr
    assert "nowhere.jpg: No such file" in result.stderr
    assert Path("predicted/yard.jpg").is_file()
    assert not Path("predicted/broken.jpg").exists()
    told = gleaner("models", "predict", model, "broken.jpg", "--json")
    assert told.exit_code == 1
    assert "truncated" in told.stdout


def test_bitmaps_and_files_larger_than_a_frame(gleaner: Gleaner, model: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8)
    cv2.imwrite("large.png", noise)
    assert Path("large.png").stat().st_size > 2_000_000
    cv2.imwrite("small.bmp", picture(64, 48))
    told = as_json(gleaner("models", "predict", model, "large.png", "small.bmp", "--json"))["images"]
    assert [(one["width_px"], one["height_px"]) for one in told] == [(1200, 900), (64, 48)]


def test_a_folder_stands_for_its_images(gleaner: Gleaner, model: Path, image: Path) -> None:
    Path("yard").mkdir()
    Path("yard/2.jpg").write_bytes(image.read_bytes())
    Path("yard/1.jpg").write_bytes(image.read_bytes())
    Path("yard/notes.txt").write_text("none")
    told = as_json(gleaner("models", "predict", model, "yard", "--json"))["images"]
    assert [one["image"] for one in told] == ["yard/1.jpg", "yard/2.jpg"]
    Path("empty").mkdir()
    assert gleaner("models", "predict", model, "empty").exit_code == 2


def test_no_picture_is_an_input_or_another_ones(tmp_path: Path) -> None:
    files = [tmp_path / "a.jpg", tmp_path / "a.png", tmp_path / "b" / "a.jpg", tmp_path / "c.png"]
    assert [name.name for name in picture_names(files, tmp_path)] == ["a-2.jpg", "a-3.jpg", "a-4.jpg", "c.jpg"]
    assert [name.name for name in picture_names(files, tmp_path / "out")] == ["a.jpg", "a-2.jpg", "a-3.jpg", "c.jpg"]


def test_an_input_is_never_written_over(gleaner: Gleaner, model: Path, image: Path) -> None:
    before = image.read_bytes()
    assert gleaner("models", "predict", model, image, "--out", ".").exit_code == 0
    assert image.read_bytes() == before
    assert Path("yard-2.jpg").is_file()


def test_the_sidecar_says_what_is_shown(gleaner: Gleaner, model: Path, image: Path) -> None:
    Path("gate.gleaner.yaml").write_text(f"conf: {WEAK}\nnames: [a, b, c]\n")
    told = as_json(gleaner("models", "predict", model, image, "--json"))
    assert told["confidence"] == WEAK
    assert told["images"][0]["detections"][0]["class_name"] in {"a", "b", "c"}
    Path("other.yaml").write_text("conf: 0.9\n")
    assert as_json(gleaner("models", "predict", model, image, "--sidecar", "other.yaml", "--json"))["confidence"] == 0.9


def test_a_classifier_names_its_best_classes(gleaner: Gleaner, folder: Path, image: Path) -> None:
    result = gleaner("models", "predict", classifier(folder / "kind.onnx"), image)
    assert result.exit_code == 0, result.output
    assert {"cart", "person", "crate"} <= set(result.stdout.split())
    assert Path("predicted/yard.jpg").is_file()


def test_key_points_are_counted_in_the_table_and_drawn(gleaner: Gleaner) -> None:
    cv2.imwrite("yard.png", scene(517, 333))
    result = gleaner("models", "predict", POSES, "yard.png", "--confidence", 0.05)
    assert result.exit_code == 0, result.output
    assert "key points" in result.stdout
    assert "3 points" in result.stdout
    (told,) = as_json(gleaner("models", "predict", POSES, "yard.png", "--confidence", 0.05, "--json"))["images"]
    said = Prediction.model_validate_json((MESSAGES / "keypoints.json").read_bytes())
    found = [Detection.model_validate(one) for one in told["detections"]]
    assert all(len(one.keypoints) == 3 for one in found)
    bare = [one.model_copy(update={"keypoints": ()}) for one in found]
    with_points, without = (
        drawn(scene(517, 333), said.model_copy(update={"threshold": 0.05, "detections": tuple(ones)}))
        for ones in (found, bare)
    )
    assert not np.array_equal(with_points, without)


def test_a_file_that_is_no_model_is_one_sentence(gleaner: Gleaner, image: Path) -> None:
    result = gleaner("models", "predict", image, image)
    assert result.exit_code == 2
    assert "a picture" in result.stderr


def test_a_folder_that_cannot_be_written(gleaner: Gleaner, model: Path, image: Path) -> None:
    Path("taken").write_text("a file")
    result = gleaner("models", "predict", model, image, "--out", "taken")
    assert result.exit_code == 2
    assert "--out" in result.stderr
