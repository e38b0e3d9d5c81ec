"""Inside of a polygon nothing is left of what was there, outside of it nothing changes, whatever lies where."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.sampler.privacy.hiding import CELLS, hide
from services.sampler.privacy.options import Masks, Method
from services.sampler.privacy.regions import check_same_shape, of_boxes, of_masks
from services.sampler.privacy.withheld import Withheld
from shared.imaging import Image
from tests.unit.services.sampler.privacy.seen import frame_px

METHODS: tuple[Method, ...] = ("black", "pixelate", "blur")
WIDTH_PX, HEIGHT_PX = 96, 64
anywhere = st.floats(-300, 300)


def inside_of(left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
    """Which pixels of the frame a box touches; its far edges count, too."""
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    return np.asarray((x + 1 > left) & (x < right) & (y + 1 > top) & (y < bottom))


def hidden(image: Image, box: tuple[float, float, float, float], method: Method, grow: float = 0.0) -> Image:
    changed = image.copy()
    for polygon in of_boxes([box], grow):
        hide(changed, polygon, method)
    return changed


@given(anywhere, anywhere, st.floats(0, 200), st.floats(0, 200))
def test_black_covers_every_pixel_that_a_box_touches_and_none_two_pixels_away(
    left: float, top: float, width: float, height: float
) -> None:
    before = frame_px(WIDTH_PX, HEIGHT_PX)
    after = hidden(before, (left, top, left + width, top + height), "black")
    touched = inside_of(left, top, left + width, top + height)
    near = inside_of(left - 2, top - 2, left + width + 2, top + height + 2)
    assert (after[touched] == 0).all()
    assert (after[~near] == before[~near]).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_is_left_says_nothing_of_the_pixels_but_a_few_averages(method: Method) -> None:
    """Two frames with the same averages and different pixels look the same once they are hidden."""
    signs = np.where(np.indices((60, 60)).sum(axis=0) % 2, 40, -40)[..., None]
    one, other = (np.full((60, 60, 3), 120) + sign * signs for sign in (1, -1))
    box = (0, 0, 60, 60)
    after = [hidden(np.asarray(frame, np.uint8), box, method) for frame in (one, other)]
    assert (after[0] == after[1]).all()


def test_a_mosaic_has_no_more_than_its_cells() -> None:
    after = hidden(frame_px(), (10.5, 10.5, 100, 73), "pixelate")
    assert len(np.unique(after[10:74, 10:101].reshape(-1, 3), axis=0)) <= CELLS * CELLS


@pytest.mark.parametrize("method", METHODS)
def test_outside_of_a_polygon_nothing_changes(method: Method) -> None:
    before = frame_px(100, 100)
    after = before.copy()
    (triangle,) = of_masks(Masks.model_validate([[[0, 0], [0.5, 0], [0, 0.5]]]), (100, 100))
    hide(after, triangle, method)
    y, x = np.mgrid[:100, :100]
    assert (after[x + y > 51] == before[x + y > 51]).all()
    assert (after[x + y < 50] != before[x + y < 50]).any()


def test_boxes_grow_on_each_side_by_their_part() -> None:
    (polygon,) = of_boxes([(100, 50, 200, 70)], 0.1)
    assert polygon.tolist() == [[90, 48], [210, 48], [210, 72], [90, 72]]


def test_a_box_that_is_no_number_is_withheld() -> None:
    with pytest.raises(Withheld, match="no numbers"):
        of_boxes([(0, 0, float("inf"), 9)], 0.1)


@pytest.mark.parametrize("frame", [(1920, 1080), (640, 360), (640, 352), (3840, 2160)])
def test_a_mask_goes_with_the_same_picture_in_another_size(frame: tuple[int, int]) -> None:
    masks = Masks.model_validate({"of": [1920, 1080], "regions": [[0, 540, 960, 1080]]})
    (polygon,) = of_masks(masks, frame)
    assert polygon.tolist()[2] == [frame[0] // 2, frame[1]]


@pytest.mark.parametrize("frame", [(1080, 1920), (640, 480), (1440, 1080)])
def test_a_picture_of_another_shape_is_another_picture(frame: tuple[int, int]) -> None:
    with pytest.raises(Withheld, match=f"1920x1080 pixels, the frame has {frame[0]}x{frame[1]}"):
        check_same_shape((1920, 1080), frame, "a mask was drawn on a picture")
