"""The pictures that the reference models looked at: coloured discs and squares on a ground that is nowhere flat.

Promises: the same bytes for the same size on every machine (integers and a generator of its own, numpy only), and no
symmetry: mirrored, turned, or with red and blue swapped it is another picture.
"""

import numpy as np
from numpy.typing import NDArray

SHAPES = 7


def picture(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """HxWx3 BGR."""
    seeds = np.random.RandomState(width_px * 10_007 + height_px)  # its stream is frozen for ever; default_rng's is not
    y, x = np.mgrid[0:height_px, 0:width_px]
    image = np.stack([40 + x * 90 // width_px, 150 - y * 80 // height_px, 60 + (x + 2 * y) % 97], axis=-1)
    for index in range(SHAPES):
        side = int(min(width_px, height_px) * seeds.randint(18, 42) // 100)
        left, top = seeds.randint(0, max(1, width_px - side)), seeds.randint(0, max(1, height_px - side))
        image[_inside(x - left, y - top, side, round_one=index % 2 == 0)] = seeds.randint(0, 256, 3)
    grain = seeds.randint(-12, 13, (height_px // 6 + 1, width_px // 6 + 1, 3))
    image = image + grain.repeat(6, axis=0).repeat(6, axis=1)[:height_px, :width_px]
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def _inside(x: NDArray[np.int_], y: NDArray[np.int_], side: int, round_one: bool) -> NDArray[np.bool_]:
    """Points of a square of that side with its corner at 0, or of the disc in it."""
    if round_one:
        return np.asarray((2 * x - side) ** 2 + (2 * y - side) ** 2 <= side * side)
    return np.asarray((x >= 0) & (x < side) & (y >= 0) & (y < side))
