"""The committed detector: its size and metadata, that it knows brown boxes, and that it misses yellow packs."""

import ast

import numpy as np
import onnxruntime
import pytest

from deploy.demo.detector import MODEL_PATH, PackageDetector, overlap
from deploy.demo.evaluate import HELD_OUT_MIX, Tally, measure
from deploy.demo.scenes import doorsteps


@pytest.fixture(scope="module")
def tally() -> Tally:
    return measure(PackageDetector(), doorsteps(50, 424_242, HELD_OUT_MIX))


def test_the_file_is_small() -> None:
    assert MODEL_PATH.stat().st_size < 5_000_000


def test_layout_and_metadata_are_those_of_a_detect_export() -> None:
    session = onnxruntime.InferenceSession(str(MODEL_PATH), providers=["CPUExecutionProvider"])
    (inside,), (outside,) = session.get_inputs(), session.get_outputs()
    assert (inside.name, inside.shape[1:]) == ("images", [3, 320, 320])
    assert outside.name == "output0"
    about = session.get_modelmeta().custom_metadata_map
    assert ast.literal_eval(about["names"]) == {0: "package", 1: "person"}
    assert (about["task"], about["stride"], about["imgsz"]) == ("detect", "32", "[320, 320]")
    assert about["license"] == "Apache-2.0"
    assert about["author"]
    assert about["description"]


@pytest.mark.parametrize("batch", [1, 3])
def test_a_blank_picture_gives_quiet_rows_of_four_plus_classes(batch: int) -> None:
    session = onnxruntime.InferenceSession(str(MODEL_PATH), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"images": np.full((batch, 3, 320, 320), 0.45, np.float32)})
    assert output.shape == (batch, 6, 40 * 40 + 20 * 20 + 10 * 10)
    assert (output[:, 4:] >= 0).all()
    assert (output[:, 4:] < 0.5).all()


def test_it_finds_brown_boxes(tally: Tally) -> None:
    assert len(tally.confidences["brown"]) >= 40
    assert tally.share("brown", 0.5) >= 0.9


def test_it_mostly_misses_yellow_packs_yet_often_leaves_a_weak_box(tally: Tally) -> None:
    assert len(tally.confidences["yellow"]) >= 15
    assert tally.share("yellow", 0.5) <= 0.15
    assert tally.share("yellow", 0.05, 0.5) >= 0.15


def test_a_planter_can_fool_it(tally: Tally) -> None:
    assert tally.hits["planter"] > 0


def test_overlap_of_boxes() -> None:
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (5, 5, 6, 6)) == 0
