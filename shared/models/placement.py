"""Where an image lies on a model's canvas, and the way back from the canvas to the image.

Promises: sizes and offsets to the pixel as the families' own code computes them, whose place is cited. All sizes are
(width, height), all boxes xyxy.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging import Image

Floats = NDArray[np.float32]
PAD_VALUE = 114
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """An image of `image_px`, scaled to `scaled_px`, whose corner lies at `left_top_px` of a canvas."""

    image_px: Size
    scaled_px: Size
    left_top_px: Size
    canvas_px: Size

    def apply(self, image: Image, pad_value: int = PAD_VALUE) -> Image:
        """The canvas as HxWx3; bilinear without antialiasing, as most detectors are trained."""
        if self.scaled_px != self.image_px:
            image = np.asarray(cv2.resize(image, self.scaled_px, interpolation=cv2.INTER_LINEAR), np.uint8)
        return self.padded(image, pad_value)

    def padded(self, scaled: Image, pad_value: int = PAD_VALUE) -> Image:
        """An image of `scaled_px` on its canvas; itself where it fills it."""
        if self.scaled_px == self.canvas_px:
            return scaled
        canvas = np.full((self.canvas_px[1], self.canvas_px[0], 3), pad_value, np.uint8)
        (left, top), (width, height) = self.left_top_px, self.scaled_px
        canvas[top : top + height, left : left + width] = scaled
        return canvas

    def back(self, boxes: Floats) -> Floats:
        """Boxes (N, 4) from canvas to image pixels, clipped to the image; each axis by its own rounded scale.

        Source: Ultralytics >= 8.4.180, `utils/ops.py: scale_boxes`; the exact inverse of `apply`.
        """
        return self.clipped((boxes - np.array(self.left_top_px * 2, np.float32)) / self._scale())

    def points_back(self, points: Floats) -> Floats:
        """Points (..., 2) from canvas to image pixels, clipped like boxes."""
        moved = (points - np.array(self.left_top_px, np.float32)) / self._scale()[:2]
        return np.asarray(np.clip(moved, 0, np.array(self.image_px, np.float32)), np.float32)

    def spread(self, boxes: Floats) -> Floats:
        """Boxes in 0..1 of the image (families that stretch) to image pixels, clipped to the image."""
        return self.clipped(boxes * np.array(self.image_px * 2, np.float32))

    def clipped(self, boxes: Floats) -> Floats:
        return np.asarray(np.clip(boxes, 0, np.array(self.image_px * 2, np.float32)), np.float32)

    def _scale(self) -> Floats:
        return np.array([self.scaled_px[0] / self.image_px[0], self.scaled_px[1] / self.image_px[1]] * 2, np.float32)


def letterbox(
    image_px: Size,
    canvas_px: Size,
    *,
    stride: int | None = None,
    align: Literal["center", "top-left"] = "center",
    rounding: Literal["round", "trunc"] = "round",
) -> Placement:
    """Scaled to fit, the rest grey. With a `stride`, the canvas shrinks to the smallest multiple that holds the image.

    Source: Ultralytics 8.4, `data/augment.py: LetterBox`; top-left and trunc: YOLOX, `data/data_augment.py: preproc`.
    """
    ratio = min(canvas_px[0] / image_px[0], canvas_px[1] / image_px[1])
    scaled = _scaled(image_px, ratio, rounding)
    room = (canvas_px[0] - scaled[0], canvas_px[1] - scaled[1])
    if stride is not None:
        room = (room[0] % stride, room[1] % stride)
    left_top = (round(room[0] / 2 - 0.1), round(room[1] / 2 - 0.1)) if align == "center" else (0, 0)
    return Placement(image_px, scaled, left_top, (scaled[0] + room[0], scaled[1] + room[1]))


def stretch(image_px: Size, canvas_px: Size) -> Placement:
    """The image fills the canvas, whatever becomes of its proportions."""
    return Placement(image_px, canvas_px, (0, 0), canvas_px)


def as_it_is(image_px: Size) -> Placement:
    """The canvas is the image."""
    return Placement(image_px, image_px, (0, 0), image_px)


def shortest_edge(image_px: Size, shortest_px: int, longest_px: int | None = None, multiple_px: int = 1) -> Placement:
    """The shorter edge to `shortest_px`, unless the longer one would pass `longest_px`; the canvas is what comes out.

    Source: transformers, `image_transforms.py: get_size_with_aspect_ratio` (whole pixels, cut off); YOLOS cuts both down
    to multiples of 16 (`image_processing_yolos.py`). No edge vanishes, however long the other one is.
    """
    short, long = min(image_px), max(image_px)
    size = float(shortest_px)
    if longest_px is not None and long / short * shortest_px > longest_px:
        size = longest_px * short / long
        shortest_px = round(size)
    other = long if short == shortest_px else int(size * long / short)
    edges = [max(multiple_px, edge - edge % multiple_px) for edge in (shortest_px, other)]
    scaled = (edges[0], edges[1]) if image_px[0] <= image_px[1] else (edges[1], edges[0])
    return Placement(image_px, scaled, (0, 0), scaled)


def _scaled(image_px: Size, ratio: float, rounding: Literal["round", "trunc"]) -> Size:
    """Python's `round` goes to the even neighbour at .5; so does the reference."""
    whole = round if rounding == "round" else int
    return max(1, whole(image_px[0] * ratio)), max(1, whole(image_px[1] * ratio))
