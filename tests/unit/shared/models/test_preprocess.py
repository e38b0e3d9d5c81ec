"""Letterboxes go there and back; the antialiased resize is Pillow's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.models.placement import PAD_VALUE, letterbox
from shared.models.preprocess import centre_crop, unit_tensor
from shared.models.resampling import resize_antialiased
from tests.unit.shared.models.built_models import picture

SIDES = st.integers(1, 4000)
CANVASES = st.sampled_from([(640, 640), (192, 192), (320, 192), (192, 320)])


@given(SIDES, SIDES, CANVASES, st.sampled_from([None, 32]))
def test_the_scaled_image_lies_inside_the_canvas(
    width: int, height: int, canvas_px: tuple[int, int], stride: int | None
) -> None:
    box = letterbox((width, height), canvas_px, stride=stride)
    for axis in (0, 1):
        assert box.left_top_px[axis] >= 0
        assert box.left_top_px[axis] + box.scaled_px[axis] <= box.canvas_px[axis] <= canvas_px[axis]
        assert stride is not None or box.canvas_px[axis] == canvas_px[axis]
        assert stride is None or box.canvas_px[axis] % stride == 0


@given(SIDES, SIDES, CANVASES, st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4))
def test_there_and_back_is_where_it_was(
    width: int, height: int, canvas_px: tuple[int, int], corners: list[float]
) -> None:
    box = letterbox((width, height), canvas_px)
    original = np.array([corners], np.float32) * np.array([width, height] * 2, np.float32)
    scale = np.array(box.scaled_px * 2, np.float32) / np.array(box.image_px * 2, np.float32)
    there = original * scale + np.array(box.left_top_px * 2, np.float32)
    # float32 has 24 bits: on the canvas 1e-4 px, which the way back divides by the scale
    assert np.abs(box.back(there.astype(np.float32)) - original).max() <= 2e-4 / scale.min()


def test_the_image_stands_centred_on_grey() -> None:
    canvas = letterbox((50, 100), (64, 64)).apply(np.full((100, 50, 3), 7, np.uint8))
    assert canvas.shape == (64, 64, 3)
    assert (canvas[:, 16:48] == 7).all()
    assert (canvas[:, :16] == PAD_VALUE).all()
    assert (canvas[:, 48:] == PAD_VALUE).all()


@pytest.mark.parametrize(
    ("image_px", "scaled_px", "left_top_px"),
    # .5 goes to the even neighbour; an odd room puts its extra pixel right and below
    [
        ((1280, 5), (640, 2), (0, 319)),
        ((1280, 7), (640, 4), (0, 318)),
        ((517, 333), (640, 412), (0, 114)),
        ((1280, 721), (640, 360), (0, 140)),
    ],
)
def test_sizes_are_rounded_as_the_reference_rounds(
    image_px: tuple[int, int], scaled_px: tuple[int, int], left_top_px: tuple[int, int]
) -> None:
    box = letterbox(image_px, (640, 640))
    assert (box.scaled_px, box.left_top_px) == (scaled_px, left_top_px)


def test_boxes_are_clipped_to_the_image() -> None:
    back = letterbox((100, 50), (64, 64)).back(np.array([[-9, -9, 99, 99]], np.float32))
    assert back.tolist() == [[0, 0, 100, 50]]


def test_the_tensor_is_red_first() -> None:
    tensor = unit_tensor(np.array([[[10, 20, 255]]], np.uint8))
    assert tensor.ravel().tolist() == pytest.approx([1, 20 / 255, 10 / 255])


@pytest.mark.parametrize("size_px", [(224, 224), (31, 77), (400, 20), (640, 480), (1, 1)])
def test_the_antialiased_resize_is_pillows(size_px: tuple[int, int]) -> None:
    image = picture(301, 203)
    expected = np.asarray(Image.fromarray(image).resize(size_px, Image.Resampling.BILINEAR)).astype(int)
    difference = np.abs(resize_antialiased(image, size_px).astype(int) - expected)
    # Pillow counts in fixed point: now and then a tie falls to the other side
    assert difference.max() <= 1
    assert difference.mean() < 0.03


def test_the_centre_is_cut_out() -> None:
    image = np.zeros((60, 180, 3), np.uint8)
    image[:, 60:120] = 200
    assert (centre_crop(image, (60, 60)) == 200).all()
    assert centre_crop(image, (62, 30)).shape == (30, 62, 3)
    assert (centre_crop(image, (62, 30))[:, [0, -1]] == 0).all()
