"""Classifiers: probabilities or logits, told apart by a blank picture; and a refusal where nobody says how pixels go in."""

from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.classify import Classify
from shared.models.families.family import Signature, Tensor
from shared.models.placement import as_it_is
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture

ROW = (Tensor("output", (1, 3), "tensor(float)"),)
SQUARE = Tensor("input", (1, 3, 32, 32), "tensor(float)")
FREE = Tensor("pixel_values", ("batch", "channels", "height", "width"), "tensor(float)")
ULTRALYTICS = {"task": "classify", "names": "{0: 'a', 1: 'b', 2: 'c'}"}
MEAN = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
PROBABLE, LOGITS = [0.2, 0.7, 0.1], [-1.0, 2.0, 0.5]


def family(image: Tensor = SQUARE, metadata: dict[str, str] | None = None, **said: Any) -> Classify:
    return Classify(Signature((image,), ROW, metadata or {}), Sidecar.model_validate(said))


def row(values: list[float]) -> dict[str, NDArray[np.float32]]:
    return {"output": np.array(values, np.float32)}


def checked(blank: list[float], **said: Any) -> Classify:
    found = family(**{"input": MEAN, **said})
    found.check(row(blank), found.prepare(picture(40, 40)))
    return found


def test_probabilities_are_taken_as_they_are() -> None:
    seen = checked(PROBABLE).read(row([0.1, 0.3, 0.6]), as_it_is((9, 9)))
    assert seen.class_ids.tolist() == [2, 1, 0]
    assert seen.confidences.tolist() == pytest.approx([0.6, 0.3, 0.1])


@pytest.mark.parametrize("blank", [LOGITS, [0.2, 0.7, 0.3], [-0.1, 0.6, 0.5]])
def test_what_is_no_probability_of_a_blank_picture_gets_softmax(blank: list[float]) -> None:
    seen = checked(blank).read(row(LOGITS), as_it_is((9, 9)))
    expected = np.exp(LOGITS) / np.exp(LOGITS).sum()
    assert seen.class_ids.tolist() == [1, 2, 0]
    assert seen.confidences == pytest.approx(np.sort(expected)[::-1])


def test_a_sidecar_settles_the_activation() -> None:
    seen = checked(PROBABLE, scores={"activation": "sigmoid"}).read(row([0.0, -9.0, 9.0]), as_it_is((9, 9)))
    assert seen.confidences.tolist() == pytest.approx([0.999877, 0.5, 0.000123], abs=1e-5)
    assert checked(LOGITS, scores={"activation": "none"}).read(row(LOGITS), as_it_is((9, 9))).confidences[0] == 2


@pytest.mark.parametrize("blank", [PROBABLE, LOGITS])
def test_numbers_that_are_none_name_no_class(blank: list[float]) -> None:
    found = checked(blank)
    assert found.read(row([float("nan")] * 3), as_it_is((9, 9))).class_ids.tolist() == []
    assert found.read(row([0.2, float("nan"), 0.8]), as_it_is((9, 9))).class_ids.tolist() == [2, 0]


def test_who_says_nothing_is_given_lines_to_paste() -> None:
    with pytest.raises(SettingsError) as caught:
        family(Tensor("input0", (1, 3, 224, 224), "tensor(float)"))
    lines = str(caught.value).split("`")[1::2]
    torchvision, timm = (Sidecar.model_validate(yaml.safe_load(line)).input for line in lines)
    assert (torchvision.center_crop, torchvision.resize.shortest_px, torchvision.resize.interpolation) == (
        224,
        256,
        None,
    )
    assert (timm.center_crop, timm.resize.shortest_px, timm.resize.interpolation) == (224, 256, "bicubic")
    assert family(input=torchvision).preparation.mean == (0.485, 0.456, 0.406)


def test_the_family_alone_is_enough_where_softmax_is_inside() -> None:
    found = family(family="classify")
    found.check(row(PROBABLE), found.prepare(picture(40, 40)))
    assert found.preparation.mean is None
    with pytest.raises(SettingsError, match="Hugging Face"):
        found.check(row(LOGITS), found.prepare(picture(40, 40)))


def test_ultralytics_says_it_in_the_file() -> None:
    assert family(metadata=ULTRALYTICS).prepare(picture(70, 50)).tensor.shape == (3, 32, 32)


def test_a_blank_picture_that_gives_no_numbers_is_refused() -> None:
    with pytest.raises(SettingsError, match="a number for each class"):
        checked([float("nan"), 0, 1])


def test_the_middle_is_cut_out_of_what_is_larger() -> None:
    image = np.zeros((60, 180, 3), np.uint8)
    image[:, 60:120] = 200
    crop = family(input={**MEAN, "resize": {"shortest_px": 40}, "center_crop": 32}).prepare(image).tensor
    assert crop.shape == (3, 32, 32)
    assert (crop[:, :, 4:-4] > 0.5).all()


@pytest.mark.parametrize(
    ("options", "size_px"),
    [
        ({"center_crop": 48}, (48, 48)),
        ({"size": [40, 56], "resize": {"mode": "stretch"}}, (56, 40)),
        ({"size": [48, 48]}, (48, 48)),
    ],
)
def test_a_free_size_is_what_is_said(options: dict[str, Any], size_px: tuple[int, int]) -> None:
    found = family(FREE, input={**MEAN, **options})
    assert found.input.size_px == size_px
    assert found.prepare(picture(100, 70)).tensor.shape == (3, size_px[1], size_px[0])


def test_a_free_size_that_nobody_says_is_refused() -> None:
    with pytest.raises(SettingsError, match="size of the image"):
        family(FREE, input=MEAN)


@pytest.mark.parametrize(
    ("image", "output"),
    [
        (SQUARE, Tensor("output", ("n", 7), "tensor(float)")),  # YOLOv7's detections
        (Tensor("images", ("batch", 3, 64, 64), "tensor(float)"), Tensor("output", ("n", 7), "tensor(float)")),
        (SQUARE, Tensor("output", (1, 3, 2), "tensor(float)")),
        (SQUARE, Tensor("output", (1, "classes"), "tensor(float)")),
        (Tensor("ids", (1, 128), "tensor(float)"), ROW[0]),
    ],
)
def test_other_layouts_are_none_of_these(image: Tensor, output: Tensor) -> None:
    assert Classify.objection(Signature((image,), (output,))) is not None


def test_seven_classes_are_classes() -> None:
    output = Tensor("logits", ("batch", 7), "tensor(float)")
    assert Classify.objection(Signature((Tensor("x", ("batch", 3, 64, 64), "tensor(float)"),), (output,))) is None
