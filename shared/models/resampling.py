"""Resizing as Pillow does it: a filter whose support grows with the reduction, so that no source pixel is skipped.

Promises: each byte is that of `PIL.Image.resize` with the same filter (tested against it; from Pillow 13 on it may go
down before across where a side is squeezed, and differs by a level there). Classifiers are trained on such pictures, and
OpenCV's resize, which skips pixels, costs them classes.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shared.imaging import Image

Interpolation = Literal["bilinear", "bicubic", "lanczos"]
Weights = NDArray[np.float64]

FRACTION_BITS = 22
"""Pillow weighs bytes in fixed point (`Resample.c: PRECISION_BITS`); so do we, or a tie falls to the other side."""


def resize_antialiased(image: Image, size_px: tuple[int, int], interpolation: Interpolation = "bilinear") -> Image:
    """HxWx3 bytes at (width, height): across, then down, rounded to bytes in between."""
    width, height = size_px
    across = _resample(image.transpose(1, 0, 2), width, interpolation).transpose(1, 0, 2)
    return np.ascontiguousarray(_resample(across, height, interpolation))


def _resample(image: Image, length: int, interpolation: Interpolation) -> Image:
    """Along the first axis."""
    if image.shape[0] == length:
        return image
    image = np.ascontiguousarray(image)
    index, weight = _taps(image.shape[0], length, interpolation)
    total = np.full((length, *image.shape[1:]), 1 << (FRACTION_BITS - 1), np.int32)
    for tap in range(index.shape[1]):
        total += image[index[:, tap]] * weight[:, tap, None, None]
    return np.asarray(np.clip(total >> FRACTION_BITS, 0, 255), np.uint8)


def _taps(source: int, length: int, interpolation: Interpolation) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Which source rows make each row and how much of them, (length, taps) each (`Resample.c: precompute_coeffs`)."""
    reach, curve = FILTERS[interpolation]
    scale = source / length
    stretch = max(scale, 1.0)
    centre = (np.arange(length) + 0.5) * scale
    first = np.maximum(np.floor(centre - reach * stretch + 0.5), 0)
    end = np.minimum(np.floor(centre + reach * stretch + 0.5), source)
    index = first[:, None] + np.arange(int((end - first).max()))
    weight = np.where(index < end[:, None], curve((index - centre[:, None] + 0.5) / stretch), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    fixed = np.trunc(weight * (1 << FRACTION_BITS) + np.copysign(0.5, weight))
    return np.minimum(index, source - 1).astype(np.intp), fixed.astype(np.int32)


def _triangle(x: Weights) -> Weights:
    return np.asarray(np.maximum(0.0, 1 - np.abs(x)), np.float64)


def _cubic(x: Weights) -> Weights:
    """Keys' kernel with a = -0.5, Pillow's; OpenCV and torch without antialiasing use -0.75."""
    a, x = -0.5, np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(x: Weights) -> Weights:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


FILTERS: dict[Interpolation, tuple[float, Callable[[Weights], Weights]]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _cubic),
    "lanczos": (3.0, _lanczos),
}
"""For each interpolation: how far it reaches, in source pixels where nothing is reduced, and its weight at a distance."""
