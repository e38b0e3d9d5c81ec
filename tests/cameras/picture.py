"""What a simulated camera sees: a scene with a number in black and white cells, which JPEG and H.264 leave readable.

Promises: `read_number` finds the number in whatever size the picture arrives, or raises ValueError.
"""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from shared import imaging

Scene = Callable[[str, int, int, int], imaging.Image]
"""(camera's name, number, width_px, height_px) → what it sees."""

NUMBER_BITS, CHECK_BITS = 20, 4
CELLS = 2 + NUMBER_BITS + CHECK_BITS  # a white and a black one say what white and black are
_CHECK_MODULO = 13


def draw(scene: Scene, name: str, number: int, width_px: int, height_px: int) -> imaging.Image:
    """The scene with its number along the lower edge."""
    image = np.array(scene(name, number, width_px, height_px), np.uint8)
    bits = _bits(number)
    top = height_px - _strip_height(height_px)
    image[top:] = 0
    for at, bit in enumerate(bits):
        left, right = _cell(at, width_px)
        image[top:, left:right] = 255 * bit
    return image


@lru_cache(maxsize=512)
def jpeg(scene: Scene, name: str, number: int, width_px: int, height_px: int, quality: int) -> bytes:
    return imaging.encode_jpeg(draw(scene, name, number, width_px, height_px), quality)


def read_number(image: bytes) -> int:
    """The number of an encoded picture. Raises ValueError where there is none, InvalidImage where there is no picture."""
    return read_number_of(imaging.decode(image))


def read_number_of(image: imaging.Image) -> int:
    """The number of pixels. Raises ValueError where there is none."""
    height_px, width_px = image.shape[:2]
    strip = image[height_px - _strip_height(height_px) :].mean(axis=2)
    rows = strip[strip.shape[0] // 4 : -max(1, strip.shape[0] // 4)]
    shades = [float(rows[:, slice(*_middle_of(*_cell(at, width_px)))].mean()) for at in range(CELLS)]
    if shades[0] - shades[1] < 100:
        raise ValueError(f"no number in this picture of {width_px}x{height_px}: its first two cells are {shades[:2]}")
    grey = (shades[0] + shades[1]) / 2
    number = sum(1 << at for at, shade in enumerate(shades[2 : 2 + NUMBER_BITS]) if shade > grey)
    if _bits(number) != [shade > grey for shade in shades]:
        raise ValueError(f"number {number} does not fit its check cells: the picture is damaged")
    return number


def plain(name: str, number: int, width_px: int, height_px: int) -> imaging.Image:
    """A wall and a floor in the camera's own colour, its name, and a parcel that walks by."""
    hue = sum(name.encode()) * 37 % 180
    wall, floor, parcel = (_colour(hue, *shade) for shade in ((70, 200), (90, 130), (190, 235)))
    image = np.full((height_px, width_px, 3), wall, np.uint8)
    ground = height_px * 2 // 3
    image[ground:] = floor
    side = max(8, height_px // 5)
    left = number * max(2, width_px // 40) % (width_px - side)
    image[ground - side // 2 : ground + side // 2, left : left + side] = parcel
    scale = height_px / 300
    at = (width_px // 20, height_px // 7)
    cv2.putText(image, name, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), max(1, int(2 * scale)), cv2.LINE_AA)
    return image


def _colour(hue: int, saturation: int, value: int) -> tuple[int, int, int]:
    blue, green, red = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)


def _bits(number: int) -> list[bool]:
    number %= 1 << NUMBER_BITS
    whole = number | (number % _CHECK_MODULO) << NUMBER_BITS
    return [True, False, *(bool(whole >> at & 1) for at in range(NUMBER_BITS + CHECK_BITS))]


def _cell(at: int, width_px: int) -> tuple[int, int]:
    return (at + 1) * width_px // (CELLS + 2), (at + 2) * width_px // (CELLS + 2)


def _strip_height(height_px: int) -> int:
    return max(8, height_px // 10)


def _middle_of(left: int, right: int) -> tuple[int, int]:
    quarter = max(1, (right - left) // 4)
    return left + quarter, right - quarter
