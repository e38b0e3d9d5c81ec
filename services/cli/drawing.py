"""Paper, tiles and letters for pictures that people look at.

Promises: sizes are in pixels of the finished picture; everything is drawn `SCALE` times as large and shrunk at the end, which
smooths the letters. Letters are plain ASCII, and a text never leaves its room.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red."""

SCALE = 2
PAPER, CARD, INK, GREY, MAT = (243, 241, 240), (255, 255, 255), (45, 38, 34), (135, 125, 118), (52, 46, 42)
GAP_PX, HEADER_PX = 16, 76
GREEN, RED, ASH = (86, 160, 60), (60, 60, 210), (222, 218, 216)
_FONT = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture on its mat; `zoom`, `left` and `top` say where a point of the picture lies, in drawn pixels."""

    pixels: Pixels
    zoom: float
    left: int
    top: int

    def at(self, x: float, y: float) -> tuple[int, int]:
        return self.left + round(x * self.zoom), self.top + round(y * self.zoom)


def laid_out(tiles: Sequence[Pixels], columns: int, title: str, below: str) -> Pixels:
    """Tiles of one size in rows, under two lines of text; not shrunk yet."""
    height_px, width_px = tiles[0].shape[0] // SCALE + GAP_PX, tiles[0].shape[1] // SCALE + GAP_PX
    rows, room_px = -(-len(tiles) // columns), columns * width_px - GAP_PX
    paper = blank(columns * width_px + GAP_PX, HEADER_PX + rows * height_px)
    write(paper, cut(title, 0.8, room_px), (GAP_PX + 4, 36), 0.8)
    write(paper, cut(below, 0.42, room_px), (GAP_PX + 4, 60), 0.42, GREY)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        place(paper, tile, GAP_PX + column * width_px, HEADER_PX + row * height_px)
    return paper


def blank(width_px: int, height_px: int, colour: Colour = PAPER) -> Pixels:
    return np.full((height_px * SCALE, width_px * SCALE, 3), colour, dtype=np.uint8)


def place(on: Pixels, what: Pixels, left_px: int, top_px: int) -> None:
    top, left = top_px * SCALE, left_px * SCALE
    on[top : top + what.shape[0], left : left + what.shape[1]] = what


def fitted(picture: Pixels, width_px: int, height_px: int) -> Fitted:
    """The whole picture, centred on a dark mat."""
    room_width, room_height = width_px * SCALE, height_px * SCALE
    zoom = min(room_width / picture.shape[1], room_height / picture.shape[0])
    size = (max(1, round(picture.shape[1] * zoom)), max(1, round(picture.shape[0] * zoom)))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    mat = blank(width_px, height_px, MAT)
    left, top = (room_width - size[0]) // 2, (room_height - size[1]) // 2
    mat[top : top + size[1], left : left + size[0]] = scaled
    return Fitted(mat, zoom, left, top)


def write(on: Pixels, text: str, at_px: tuple[int, int], size: float, colour: Colour = INK, weight: int = 1) -> None:
    """One line; `at_px` is where its first letter stands (left, baseline)."""
    at = (at_px[0] * SCALE, at_px[1] * SCALE)
    cv2.putText(on, plain(text), at, _FONT, size * SCALE, colour, weight, cv2.LINE_AA)


def dot(on: Pixels, centre_px: tuple[int, int], radius_px: int, colour: Colour) -> None:
    centre = (centre_px[0] * SCALE, centre_px[1] * SCALE)
    cv2.circle(on, centre, radius_px * SCALE, colour, cv2.FILLED, cv2.LINE_AA)


def box(
    on: Fitted, corners: Sequence[float], colour: Colour, text: str = "", *, weight: int = 2, size: float = 0.4
) -> None:
    """A box (left, top, right, bottom, in pixels of the picture) with its label, if it has one."""
    left, top, right, bottom = corners
    cv2.rectangle(on.pixels, on.at(left, top), on.at(right, bottom), colour, weight * SCALE, cv2.LINE_AA)
    if text:
        label(on.pixels, text, on.at(left, top), colour, size)


def label(on: Pixels, text: str, corner: tuple[int, int], colour: Colour, size: float = 0.4) -> None:
    """White on a colour, above the corner (in drawn pixels), or below it where there is no room."""
    text = plain(text)
    (width, height), under = cv2.getTextSize(text, _FONT, size * SCALE, 1)
    left = max(0, min(corner[0], on.shape[1] - width - 8))
    bottom = corner[1] if corner[1] >= height + under + 6 else corner[1] + height + under + 6
    cv2.rectangle(on, (left, bottom - height - under - 6), (left + width + 8, bottom), colour, cv2.FILLED)
    cv2.putText(on, text, (left + 4, bottom - under - 1), _FONT, size * SCALE, (255, 255, 255), 1, cv2.LINE_AA)


def width_of(text: str, size: float) -> int:
    """Pixels that the text takes in a line."""
    return int(cv2.getTextSize(plain(text), _FONT, size * SCALE, 1)[0][0] // SCALE) + 1


def cut(text: str, size: float, room_px: int) -> str:
    """The text, or as much of its beginning as there is room for, and dots."""
    if width_of(text, size) <= room_px:
        return text
    letters = len(text)
    while letters and width_of(text[:letters].rstrip() + "...", size) > room_px:
        letters -= 1
    return text[:letters].rstrip() + "..."


def lines(text: str, size: float, room_px: int, most: int) -> list[str]:
    """The text in lines that have room, broken between words; where there are more than `most`, the last ends in dots."""
    broken = [""]
    for word in plain(text).split():
        longer = f"{broken[-1]} {word}".strip()
        if width_of(longer, size) <= room_px:
            broken[-1] = longer
        else:
            broken.append(word)
    kept = [line for line in broken if line][:most]
    if len(broken) > most:
        kept[-1] += " ..."
    return [cut(line, size, room_px) for line in kept]


def plain(text: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def shrunk(sheet: Pixels) -> Pixels:
    """The finished picture."""
    return cv2.resize(sheet, None, fx=1 / SCALE, fy=1 / SCALE, interpolation=cv2.INTER_AREA).astype(np.uint8)
