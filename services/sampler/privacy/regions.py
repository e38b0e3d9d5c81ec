"""Where something is hidden: masks and boxes as polygons in the pixels of one frame, rounded outwards. Pure.

Promises: what does not fit the frame is Withheld, since it would hide the wrong place.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.sampler.privacy.options import Masks, Size
from services.sampler.privacy.withheld import Withheld
from shared.streams.predictions import Box

Polygon = NDArray[np.int32]
"""(N, 2): x, y of its corners; they may lie outside of the frame."""

FAR_PX = 100_000
"""Beyond every picture: what lies farther out is cut off there."""
ASPECT_APART = 0.03
"""How far the shapes of two pictures may differ that are said to show the same: sizes are rounded to whole blocks."""


def of_masks(masks: Masks, size_px: Size) -> list[Polygon]:
    """Masks drawn on a picture of another shape are Withheld: the camera sees something else now."""
    if masks.of is not None:
        check_same_shape(masks.of, size_px, "a mask was drawn on a picture")
    width, height = size_px
    return [
        np.array([(round(x * width), round(y * height)) for x, y in region], np.int32) for region in masks.fractions()
    ]


def of_boxes(boxes: Sequence[Box], grow: float) -> list[Polygon]:
    """xyxy boxes in the frame's pixels, each side moved out by that part of the box."""
    return [_grown(*box, grow) for box in boxes]


def check_same_shape(one_px: Size, frame_px: Size, what: str) -> None:
    """Raises Withheld where one is no enlargement of the other."""
    (width, height), (frame_width, frame_height) = one_px, frame_px
    apart = abs(math.log(width * frame_height / (height * frame_width)))
    if apart > ASPECT_APART:
        raise Withheld(f"{what} of {width}x{height} pixels, the frame has {frame_width}x{frame_height}")


def _grown(left: float, top: float, right: float, bottom: float, grow: float) -> Polygon:
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise Withheld("a box to be hidden has coordinates that are no numbers")
    x, y = grow * (right - left), grow * (bottom - top)
    left, top = math.floor(left - x), math.floor(top - y)
    right, bottom = math.ceil(right + x), math.ceil(bottom + y)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.asarray(np.clip(corners, -FAR_PX, FAR_PX), np.int32)
