"""What four numbers mean: corners or centre and size, pixels of the input or shares of it, in to xyxy of the image."""

from typing import Literal

import numpy as np

from shared.models.placement import Floats, Placement

BoxFormat = Literal["xyxy", "cxcywh", "yxyx"]
BoxSpace = Literal["input", "normalized", "original"]


def corners(boxes: Floats, form: BoxFormat) -> Floats:
    """Boxes (N, 4) as xyxy (N, 4)."""
    if form == "xyxy":
        return boxes
    if form == "yxyx":
        return boxes[:, [1, 0, 3, 2]]
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def in_image(boxes: Floats, form: BoxFormat, space: BoxSpace, placement: Placement) -> Floats:
    """Boxes (N, 4) as xyxy in pixels of the original image, clipped to it. `normalized`: shares of the stretched canvas."""
    xyxy = corners(boxes, form)
    if space == "original":
        return placement.clipped(xyxy)
    if space == "normalized":
        xyxy = xyxy * np.array(placement.canvas_px * 2, np.float32)
    return placement.back(xyxy)
