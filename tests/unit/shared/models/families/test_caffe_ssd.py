"""Rows of seven numbers up to the end mark; BGR bytes as floats, stretched."""

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.caffe_ssd import CaffeSsd
from shared.models.families.family import Signature, Tensor
from shared.models.placement import as_it_is
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture

IMAGE = Tensor("data", (1, 3, 30, 30), "tensor(float)")
ROWS = Tensor("detection_out", (1, 1, "n", 7), "tensor(float)")


def family(*outputs: Tensor) -> CaffeSsd:
    return CaffeSsd(Signature((IMAGE,), outputs or (ROWS,)), Sidecar(names=("background", "face")))


def test_rows_count_up_to_the_end_mark() -> None:
    rows = [
        [0, 1, 0.3, 0, 0, 0.5, 0.5],
        [0, 1, 0.9, 0.1, 0.2, 0.5, 1.2],
        [0, np.nan, 0.9, 0, 0, 1, 1],
        [-1, 0, 0, 0, 0, 0, 0],
        [0, 1, 0.8, 0, 0, 1, 1],
    ]
    seen = family().read({"detection_out": np.array([rows], np.float32)}, as_it_is((200, 100)))
    assert seen.confidences.tolist() == pytest.approx([0.9, 0.3])
    assert seen.boxes is not None
    assert seen.boxes == pytest.approx(np.array([[20, 20, 100, 100], [0, 0, 100, 50]], np.float32))


def test_pixels_go_in_as_they_are() -> None:
    image = picture(30, 30)
    assert np.array_equal(family().prepare(image).tensor, image.transpose(2, 0, 1).astype(np.float32))


def test_names_that_begin_with_the_background_count_from_it() -> None:
    assert family().names == ("background", "face")


@pytest.mark.parametrize("shape", [(1, 1, "n", 6), (1, "n", 7), (1, 3, "n", 7)])
def test_other_shapes_are_none_of_these(shape: tuple[int | str, ...]) -> None:
    with pytest.raises(SettingsError, match=r"\[1, 1, n, 7\]"):
        family(Tensor("detection_out", shape, "tensor(float)"))


def test_outputs_of_other_shapes_are_refused_at_the_start() -> None:
    found = family()
    with pytest.raises(SettingsError, match="rows of 7 numbers"):
        found.check({"detection_out": np.zeros((1, 2, 6), np.float32)}, found.prepare(picture(30, 30)))
