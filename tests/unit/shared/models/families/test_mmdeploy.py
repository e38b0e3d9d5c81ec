"""How an image goes into a model of MMDeploy: its habits, its pipeline.json, a sidecar; and the rows that come out."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SettingsError
from shared.models.families.family import Signature, Tensor
from shared.models.families.mmdeploy import MMDeploy, rescaled
from shared.models.pipeline_json import said_by_pipeline
from shared.models.placement import as_it_is
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture
from tests.families.written import FOLDER

DETS = Tensor("dets", ("batch", "n", 5), "tensor(float)")
LABELS = Tensor("labels", ("batch", "n"), "tensor(int64)")
FREE = Tensor("input", ("batch", 3, "height", "width"), "tensor(float)")
FIXED = Tensor("input", (1, 3, 64, 96), "tensor(float)")
SIDES = st.integers(1, 4000)


def family(image: Tensor = FREE, **said: Any) -> MMDeploy:
    return MMDeploy(Signature((image,), (DETS, LABELS)), Sidecar.model_validate(said))


def pipeline(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"pipeline": {"tasks": [{"name": "Preprocess", "transforms": list(steps)}, {"name": "postprocess"}]}}


@given(SIDES, SIDES)
def test_an_image_fits_the_edges_whichever_way_it_stands(width: int, height: int) -> None:
    scaled = rescaled((width, height), (1333, 800))
    assert max(scaled) <= 1333
    assert min(scaled) <= 800
    assert max(scaled) == 1333 or min(scaled) == 800
    assert rescaled((height, width), (1333, 800)) == scaled[::-1]


def test_free_axes_keep_the_proportions_with_zeros_below_and_right() -> None:
    resize = {"mode": "shortest_edge", "shortest_px": 50, "longest_px": 90}
    prepared = family(input={"resize": resize}).prepare(picture(100, 70))
    assert prepared.placement.scaled_px == (71, 50)
    assert prepared.tensor.shape == (3, 64, 96)
    assert (prepared.tensor[:, 50:] == 0).all()
    assert (prepared.tensor[:, :, 71:] == 0).all()
    assert (prepared.tensor[:, :50, :71] != 0).mean() > 0.9


def test_a_fixed_size_is_filled() -> None:
    assert family(FIXED).prepare(picture(100, 70)).placement.scaled_px == (96, 64)


def test_grey_lies_around_the_bytes() -> None:
    resize = {"mode": "letterbox", "pad_value": 114}
    prepared = family(FIXED, input={"resize": resize, "mean": [100, 100, 100], "std": [2, 2, 2]}).prepare(
        picture(64, 64)
    )
    assert prepared.placement.scaled_px == (64, 64)
    assert (prepared.tensor[:, :, 64:] == 7).all()


def test_the_default_is_imagenets_mean_of_rgb_bytes() -> None:
    prepared = family(FIXED).prepare(np.full((64, 96, 3), (0, 0, 255), np.uint8))
    assert prepared.tensor[0, 0, 0] == pytest.approx((255 - 123.675) / 58.395)
    assert prepared.tensor[2, 0, 0] == pytest.approx((0 - 103.53) / 57.375)


def test_padding_rows_are_left_out() -> None:
    dets = np.array([[1, 1, 5, 5, 0.4], [2, 2, 6, 6, 0.8], [0, 0, 0, 0, 0], [3, 3, 4, 4, -1]], np.float32)
    seen = family().read({"dets": dets, "labels": np.array([3, 0, 0, -1])}, as_it_is((10, 10)))
    assert seen.class_ids.tolist() == [0, 3]
    assert seen.confidences.tolist() == pytest.approx([0.8, 0.4])


@pytest.mark.parametrize(
    "outputs",
    [
        (DETS,),
        (Tensor("dets", (1, 300, 4), "tensor(float)"), Tensor("labels", (1, 300, 91), "tensor(float)")),
        (Tensor("dets", (1, "n", 6), "tensor(float)"), LABELS),
    ],
)
def test_rf_detr_and_turned_boxes_are_others(outputs: tuple[Tensor, ...]) -> None:
    assert MMDeploy.objection(Signature((FREE,), outputs)) is not None
    with pytest.raises(SettingsError, match="no detector of MMDeploy"):
        MMDeploy(Signature((FREE,), outputs), Sidecar())


def test_the_pipeline_of_rtmdet_is_grey_and_bgr() -> None:
    said = said_by_pipeline(json.loads((FOLDER / "mmdeploy_rtmdet" / "pipeline.json").read_text()))
    assert said.input.model_dump(exclude_none=True) == {
        "size": (160, 160),
        "color": "bgr",
        "scale": 1.0,
        "mean": (103.53, 116.28, 123.675),
        "std": (57.375, 57.12, 58.395),
        "resize": {"mode": "letterbox", "align": "top-left", "pad_value": 114},
    }


@pytest.mark.parametrize(
    ("steps", "resize"),
    [
        ([{"type": "Resize", "size": [1333, 800], "keep_ratio": True}], {"mode": "shortest_edge", "shortest_px": 800}),
        ([{"type": "Resize", "size": [640, 480], "keep_ratio": False}], {"mode": "stretch"}),
        (
            [{"type": "Resize", "size": 64, "keep_ratio": True}, {"type": "Pad", "size": [96, 64]}],
            {"mode": "letterbox"},
        ),
        ([{"type": "CenterCrop", "crop_size": 3}], {}),
    ],
)
def test_the_pipelines_resize_is_read(steps: list[dict[str, Any]], resize: dict[str, Any]) -> None:
    said = said_by_pipeline(pipeline(*steps)).input.resize.model_dump(exclude_none=True)
    assert resize.items() <= said.items()
    assert bool(said) == bool(resize)


def test_a_size_is_written_width_first_and_said_height_first() -> None:
    assert said_by_pipeline(pipeline({"type": "Resize", "size": [640, 480]})).input.size == (480, 640)


@pytest.mark.parametrize("other", [{}, {"pipeline": {}}, {"pipeline": []}, {"pipeline": {"tasks": [3]}}, pipeline()])
def test_another_programs_file_says_nothing(other: dict[str, Any]) -> None:
    assert said_by_pipeline(other) == Sidecar()


@pytest.mark.parametrize(
    "step",
    [
        {"type": "Normalize", "mean": "grey"},
        {"type": "Normalize", "mean": [1, 2], "std": [1, 1, 1]},
        {"type": "Resize", "size": [0, -3], "keep_ratio": True},
    ],
)
def test_values_that_no_image_can_have_are_refused(step: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="expected the steps"):
        said_by_pipeline(pipeline(step))


@given(SIDES, SIDES, st.sampled_from(["stretch", "letterbox", "shortest_edge", "none"]), st.booleans())
def test_any_image_lies_on_its_canvas(width: int, height: int, mode: str, fixed: bool) -> None:
    said = {"size": [64, 96], "resize": {"mode": mode, "shortest_px": 60, "longest_px": 90}}
    placement = family(FIXED if fixed else FREE, input=said).preparation.place((width, height))
    assert placement.scaled_px[0] <= placement.canvas_px[0]
    assert placement.scaled_px[1] <= placement.canvas_px[1]
    assert placement.canvas_px == (96, 64) or (not fixed and mode in ("shortest_edge", "none"))


@pytest.mark.parametrize("mode", ["stretch", "letterbox", "shortest_edge", "none"])
@pytest.mark.parametrize("size_px", [(300, 200), (20, 300), (50, 40)])
def test_a_fixed_input_always_gets_its_size(size_px: tuple[int, int], mode: str) -> None:
    assert family(FIXED, input={"resize": {"mode": mode}}).prepare(picture(*size_px)).tensor.shape == (3, 64, 96)
