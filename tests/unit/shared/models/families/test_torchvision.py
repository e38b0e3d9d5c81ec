"""torchvision's outputs are told apart by rank and type, whatever their names and order; an image goes in as it is."""

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.family import Outputs, Signature, Tensor
from shared.models.families.torchvision import Torchvision
from shared.models.placement import as_it_is
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture

BOXES = Tensor("1099", ("n", 4), "tensor(float)")
LABELS = Tensor("1069", ("n",), "tensor(int64)")
SCORES = Tensor("1068", ("n",), "tensor(float)")
MASKS = Tensor("masks", ("n", 1, "height", "width"), "tensor(float)")
ONE_IMAGE = Tensor("images", (3, "height", "width"), "tensor(float)")
FREE = Tensor("images", ("batch", 3, "height", "width"), "tensor(float)")
FIXED = Tensor("images", (1, 3, 48, 64), "tensor(float)")


def family(image: Tensor = FREE, *outputs: Tensor, **said: object) -> Torchvision:
    return Torchvision(Signature((image,), outputs or (BOXES, LABELS, SCORES)), Sidecar.model_validate(said))


@pytest.mark.parametrize("outputs", [(BOXES, LABELS, SCORES), (BOXES, SCORES, LABELS), (SCORES, MASKS, BOXES, LABELS)])
def test_the_outputs_are_found_in_any_order(outputs: tuple[Tensor, ...]) -> None:
    arrays = {"1099": np.array([[1, 2, 3, 4]], np.float32), "1069": np.array([2]), "1068": np.array([0.5], np.float32)}
    seen = family(FREE, *outputs).read(arrays, as_it_is((10, 10)))
    assert (seen.class_ids.tolist(), seen.confidences.tolist()) == ([2], [0.5])
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    "outputs",
    [
        (BOXES, LABELS),
        (BOXES, SCORES, SCORES),
        (BOXES, LABELS, Tensor("scores", ("batch", "n"), "tensor(float)")),
        (Tensor("boxes", ("batch", "n", 4), "tensor(float)"), LABELS, SCORES),
    ],
)
def test_other_outputs_are_refused(outputs: tuple[Tensor, ...]) -> None:
    assert "floats [n, 4]" in (Torchvision.objection(Signature((FREE,), outputs)) or "")
    with pytest.raises(SettingsError, match="no torchvision detector"):
        family(FREE, *outputs)


def test_an_image_goes_in_as_it_is_and_alone() -> None:
    """The outputs have no frames axis: a free batch axis is none to use."""
    found = family(FREE)
    assert found.input.batch == 1
    assert found.prepare(picture(70, 50)).tensor.shape == (3, 50, 70)
    assert found.feeds([found.prepare(picture(70, 50))])["images"].shape == (1, 3, 50, 70)


def test_an_input_without_a_frames_axis_is_fed_without_one() -> None:
    found = family(ONE_IMAGE)
    assert found.feeds([found.prepare(picture(70, 50))])["images"].shape == (3, 50, 70)


def test_a_fixed_size_is_filled_and_boxes_are_led_back() -> None:
    found = family(FIXED)
    prepared = found.prepare(picture(128, 48))
    assert prepared.tensor.shape == (3, 48, 64)
    arrays = {
        "1099": np.array([[8, 8, 16, 16]], np.float32),
        "1069": np.array([1]),
        "1068": np.array([0.9], np.float32),
    }
    seen = found.read(arrays, prepared.placement)
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[16, 8, 32, 16]]


def test_weak_rows_and_rows_without_numbers_are_left_out_and_the_surest_comes_first() -> None:
    scores = np.array([0.05, 0.2, np.nan, 0.9, 0.8], np.float32)
    boxes = np.array([[0, 0, 5, 5]] * 4 + [[0, 0, np.inf, 5]], np.float32)
    arrays = {"1099": boxes, "1069": np.array([1, 2, 3, 4, 5]), "1068": scores}
    assert family().read(arrays, as_it_is((10, 10))).class_ids.tolist() == [4, 2]


@pytest.mark.parametrize("names", [["cart", "crate"], {1: "cart", 2: "crate"}, ["__background__", "cart", "crate"]])
def test_class_1_is_the_first_name_or_that_after_the_background(names: object) -> None:
    assert family(names=names).names[1:] == ("cart", "crate")


def test_names_may_count_from_0_where_it_is_said() -> None:
    assert family(names=["cart", "crate"], class_base=0).names == ("cart", "crate")


def test_three_lengths_are_refused_at_the_start() -> None:
    found = family()
    arrays: Outputs = {"1099": np.zeros((2, 4)), "1069": np.zeros(1, np.int64), "1068": np.zeros(2)}
    with pytest.raises(SettingsError, match="as many boxes"):
        found.check(arrays, found.prepare(picture(30, 20)))
