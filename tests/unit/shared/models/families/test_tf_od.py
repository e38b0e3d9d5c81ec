"""TF Object Detection: names with and without `:0`, boxes yxyx in 0..1, floats for classes, bytes or floats in 0..255 in."""

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.family import Signature, Tensor
from shared.models.families.tf_od import OUTPUTS, TfOd
from shared.models.placement import as_it_is
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture

SHAPES = {"detection_boxes": (1, 5, 4), "detection_scores": (1, 5), "detection_classes": (1, 5)}


def signature(ending: str = "", shape: tuple[int | str, ...] = (1, "h", "w", 3), kind: str = "uint8") -> Signature:
    outputs = tuple(Tensor(name + ending, SHAPES[name], "tensor(float)") for name in OUTPUTS)
    return Signature((Tensor(f"input_tensor{ending}", shape, f"tensor({kind})"),), outputs)


def rows(ending: str = "") -> dict[str, NDArray[np.float32]]:
    """One frame: a weak row, a sure one, one in between, two of padding."""
    boxes = [[0, 0, 1, 1], [0.1, 0.2, 0.5, 0.6], [0.5, 0, 1, 1.5], [0, 0, 0, 0], [0, 0, 0, 0]]
    values = (np.array(boxes), np.array([0.04, 0.9, 0.3, 0, 0]), np.array([1.0, 3.0, 2.0, 1.0, 1.0]))
    return {name + ending: value.astype(np.float32) for name, value in zip(OUTPUTS, values, strict=True)}


@pytest.mark.parametrize("ending", ["", ":0"])
def test_rows_are_read_by_name(ending: str) -> None:
    seen = TfOd(signature(ending), Sidecar()).read(rows(ending), as_it_is((200, 100)))
    assert seen.class_ids.tolist() == [3, 2]
    assert seen.confidences.tolist() == pytest.approx([0.9, 0.3])
    assert seen.boxes is not None
    assert seen.boxes == pytest.approx(np.array([[40, 10, 120, 50], [0, 50, 200, 100]], np.float32))


def test_a_sidecar_may_say_what_the_four_numbers_mean() -> None:
    said = Sidecar.model_validate({"boxes": {"format": "xyxy", "space": "input"}})
    arrays = {**rows(), "detection_boxes": np.array([[1, 2, 3, 4]] * 5, np.float32)}
    seen = TfOd(signature(), said).read(arrays, as_it_is((200, 100)))
    assert seen.boxes is not None
    assert seen.boxes[0].tolist() == [1, 2, 3, 4]


def test_a_class_that_is_no_number_is_left_out() -> None:
    arrays = {**rows(), "detection_classes": np.array([1, np.nan, 2, 1, 1], np.float32)}
    assert TfOd(signature(), Sidecar()).read(arrays, as_it_is((20, 10))).class_ids.tolist() == [2]


def test_bytes_go_in_as_they_are_rgb_and_channels_last() -> None:
    image = picture(31, 20)
    family = TfOd(signature(), Sidecar())
    tensor = family.prepare(image).tensor
    assert tensor.dtype == np.uint8
    assert np.array_equal(tensor, image[:, :, ::-1])
    assert family.feeds([family.prepare(image)])["input_tensor"].shape == (1, 20, 31, 3)


def test_floats_go_in_as_0_to_255_and_a_fixed_size_is_filled() -> None:
    prepared = TfOd(signature(shape=(1, 16, 24, 3), kind="float"), Sidecar()).prepare(picture(48, 32))
    assert prepared.tensor.shape == (16, 24, 3)
    assert prepared.tensor.max() > 100
    assert prepared.placement.canvas_px == (24, 16)


def test_a_free_batch_axis_is_not_used() -> None:
    assert TfOd(signature(":0", ("n", "h", "w", 3)), Sidecar()).input.batch == 1


def test_a_missing_output_is_named() -> None:
    whole = signature()
    assert TfOd.objection(whole) is None
    assert "there is no detection_classes" in (TfOd.objection(Signature(whole.inputs, whole.outputs[:2])) or "")
    with pytest.raises(SettingsError, match="detection_classes"):
        TfOd(Signature(whole.inputs, whole.outputs[:2]), Sidecar())


def test_outputs_of_other_shapes_are_refused_at_the_start() -> None:
    family = TfOd(signature(), Sidecar())
    with pytest.raises(SettingsError, match="got for one frame"):
        family.check({**rows(), "detection_boxes": np.zeros((5, 6), np.float32)}, family.prepare(picture(20, 10)))


def test_classes_count_from_1() -> None:
    assert TfOd(signature(), Sidecar(names=("cart", "crate"))).names == ("class0", "cart", "crate")
