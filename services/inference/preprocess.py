"""From pixels to a model's input, and from a model's coordinates back to pixels.

Promises: the same numbers as the model families' own code, whose place is cited; tested against it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging import Image

Floats = NDArray[np.float32]
PAD_VALUE = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """An image scaled to fit a canvas, centred, the rest grey (Ultralytics 8.4, `data/augment.py: LetterBox`)."""

    image_px: tuple[int, int]
    scaled_px: tuple[int, int]
    left_top_px: tuple[int, int]
    canvas_px: tuple[int, int]

    @staticmethod
    def fit(image_px: tuple[int, int], canvas_px: tuple[int, int], stride: int | None = None) -> "Letterbox":
        """All sizes are (width, height). With a `stride`, the canvas shrinks to the smallest multiple that holds it."""
        ratio = min(canvas_px[0] / image_px[0], canvas_px[1] / image_px[1])
        scaled = _scaled(image_px, ratio)
        room = (canvas_px[0] - scaled[0], canvas_px[1] - scaled[1])
        if stride is not None:
            room = (room[0] % stride, room[1] % stride)
        left_top = (round(room[0] / 2 - 0.1), round(room[1] / 2 - 0.1))
        return Letterbox(image_px, scaled, left_top, (scaled[0] + room[0], scaled[1] + room[1]))

    def apply(self, image: Image) -> Image:
        """The canvas as HxWx3 BGR."""
        if self.scaled_px != self.image_px:
            image = np.asarray(cv2.resize(image, self.scaled_px, interpolation=cv2.INTER_LINEAR), np.uint8)
        canvas = np.full((self.canvas_px[1], self.canvas_px[0], 3), PAD_VALUE, np.uint8)
        (left, top), (width, height) = self.left_top_px, self.scaled_px
        canvas[top : top + height, left : left + width] = image
        return canvas

    def back(self, boxes: Floats) -> Floats:
        """Boxes (N, 4) xyxy from canvas to image pixels, clipped to the image; each axis by its own rounded scale."""
        scale = np.array([self.scaled_px[0] / self.image_px[0], self.scaled_px[1] / self.image_px[1]] * 2, np.float32)
        moved = (boxes - np.array(self.left_top_px * 2, np.float32)) / scale
        return np.asarray(np.clip(moved, 0, np.array(self.image_px * 2, np.float32)), np.float32)


def _scaled(image_px: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Python's `round` goes to the even neighbour at .5; so does the reference."""
    return max(1, round(image_px[0] * ratio)), max(1, round(image_px[1] * ratio))


def unit_tensor(image: Image) -> Floats:
    """HxWx3 BGR bytes as a (3, H, W) RGB tensor in 0..1."""
    planes = np.empty((3, *image.shape[:2]), np.float32)
    for channel, plane in enumerate(planes):
        np.divide(image[:, :, 2 - channel], np.float32(255), out=plane)
    return planes


def centre_crop(image: Image, canvas_px: tuple[int, int]) -> Image:
    """Shortest side to the canvas, antialiased, then the middle of it; a canvas that is no square is simply filled.

    Source: torchvision `Resize` and `CenterCrop` as Ultralytics' `classify_transforms` uses them, on Pillow images.
    """
    width, height = canvas_px
    if width != height:
        return resize_antialiased(image, canvas_px)
    image_height, image_width = image.shape[:2]
    shortest = min(image_width, image_height)
    scaled = resize_antialiased(image, (int(width * image_width / shortest), int(height * image_height / shortest)))
    top, left = round((scaled.shape[0] - height) / 2), round((scaled.shape[1] - width) / 2)
    return scaled[top : top + height, left : left + width]


def resize_antialiased(image: Image, size_px: tuple[int, int]) -> Image:
    """Bilinear with a support that grows with the reduction, as Pillow does it: across, then down, bytes in between."""
    across = _resample(image.transpose(1, 0, 2), size_px[0]).transpose(1, 0, 2)
    return _resample(across, size_px[1])


def _resample(image: Image, length: int) -> Image:
    if image.shape[0] == length:
        return image
    index, weight = _taps(image.shape[0], length)
    total = np.zeros((length, *image.shape[1:]), np.float32)
    for tap in range(index.shape[1]):
        total += image[index[:, tap]] * weight[:, tap, None, None]
    return np.asarray(np.clip(np.floor(total + 0.5), 0, 255), np.uint8)


def _taps(source: int, length: int) -> tuple[NDArray[np.intp], Floats]:
    """Which source rows make each row and how much of them, (length, taps) each (Pillow `Resample.c`, triangle filter)."""
    scale = source / length
    support = max(scale, 1.0)
    centre = (np.arange(length) + 0.5) * scale
    first = np.maximum(np.floor(centre - support + 0.5), 0)
    index = first[:, None] + np.arange(int(np.ceil(support)) * 2 + 1)
    end = np.minimum(np.floor(centre + support + 0.5), source)[:, None]
    distance = np.abs(index + 0.5 - centre[:, None]) / support
    weight = np.where(index < end, np.maximum(0.0, 1 - distance), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.minimum(index, source - 1).astype(np.intp), weight.astype(np.float32)
