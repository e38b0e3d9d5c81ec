"""How something is hidden. Black by default: mosaics and blurs of faces and plates have been read again.

Promises: inside of the polygon nothing is left but, with pixelate and blur, the averages of at most 6 x 6 cells; outside of it
nothing changes. (Hill et al., PETS 2016: text under mosaic and blur; McPherson et al., 2016: faces.)
"""

import cv2
import numpy as np

from services.sampler.privacy.options import Method
from services.sampler.privacy.regions import Polygon
from shared.imaging import Image

CELLS = 6
"""On the longer side of what is hidden: whatever its size, 36 colours at most are left of it."""


def hide(image: Image, polygon: Polygon, method: Method) -> None:
    """Changes the image, HxWx3, in place. A polygon that lies outside of it changes nothing."""
    height_px, width_px = image.shape[:2]
    left, top = np.clip(polygon.min(axis=0), 0, (width_px, height_px))
    right, bottom = np.clip(polygon.max(axis=0) + 1, 0, (width_px, height_px))
    if left >= right or top >= bottom:
        return
    part = image[top:bottom, left:right]
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, [polygon - np.array((left, top), np.int32)], 1)
    part[inside == 1] = 0 if method == "black" else _averaged(part, method)[inside == 1]


def _averaged(part: Image, method: Method) -> Image:
    """A blur is the mosaic with smooth edges: a Gaussian's could be undone by who knows its width."""
    height_px, width_px = part.shape[:2]
    cell_px = max(height_px, width_px) / CELLS
    cells = (max(1, int(width_px / cell_px)), max(1, int(height_px / cell_px)))
    small = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    curve = cv2.INTER_NEAREST if method == "pixelate" else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=curve), np.uint8)
