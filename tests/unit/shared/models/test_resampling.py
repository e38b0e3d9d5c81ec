"""The antialiased resize gives Pillow's bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from shared.models.resampling import FILTERS, Interpolation, resize_antialiased
from tests.unit.shared.models.built_models import picture

SIDES = st.integers(1, 200)


def pillow(image: NDArray[np.uint8], size_px: tuple[int, int], interpolation: Interpolation) -> NDArray[np.uint8]:
    """Across, then down, in two calls: in one, the order depends on Pillow's version."""
    filter_ = Image.Resampling[interpolation.upper()]
    across = Image.fromarray(image).resize((size_px[0], image.shape[0]), filter_)
    return np.asarray(across.resize(size_px, filter_))


@pytest.mark.parametrize("interpolation", sorted(FILTERS))
@pytest.mark.parametrize("size_px", [(224, 224), (31, 77), (400, 20), (640, 480), (1, 1), (301, 203)])
def test_a_picture_is_resized_as_pillow_resizes_it(size_px: tuple[int, int], interpolation: Interpolation) -> None:
    image = picture(301, 203)
    assert np.array_equal(resize_antialiased(image, size_px, interpolation), pillow(image, size_px, interpolation))


@settings(max_examples=60)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(sorted(FILTERS)))
def test_noise_of_any_size_is_resized_as_pillow_resizes_it(
    width: int, height: int, to_width: int, to_height: int, interpolation: Interpolation
) -> None:
    image = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    size_px = (to_width, to_height)
    assert np.array_equal(resize_antialiased(image, size_px, interpolation), pillow(image, size_px, interpolation))


@pytest.mark.parametrize("interpolation", sorted(FILTERS))
def test_a_picture_that_keeps_its_shape_is_resized_as_pillow_does_it_in_one_call(interpolation: Interpolation) -> None:
    image = picture(320, 240)
    expected = Image.fromarray(image).resize((96, 72), Image.Resampling[interpolation.upper()])
    assert np.array_equal(resize_antialiased(image, (96, 72), interpolation), np.asarray(expected))


def test_a_reduced_chequer_is_grey_and_not_one_of_its_colours() -> None:
    chequer = np.indices((64, 64)).sum(axis=0) % 2 * 255
    image = np.repeat(chequer[:, :, None], 3, axis=2).astype(np.uint8)
    for interpolation in FILTERS:
        assert np.abs(resize_antialiased(image, (16, 16), interpolation).astype(int) - 127)[2:-2, 2:-2].max() <= 2
