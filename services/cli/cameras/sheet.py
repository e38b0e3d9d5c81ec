"""One picture of all cameras: a frame of each with its name, size and rate; a dead one is a grey tile that says why.

Promises: every camera has a tile, in the settings' order; forty are legible on one sheet. Nothing secret is drawn: addresses
are those that people may see.
"""

import math
from collections.abc import Sequence

import numpy as np

from services.cli import drawing
from services.cli.drawing import Pixels
from services.sources.cameras.probe import Probed
from shared.errors import InvalidImage
from shared.imaging import decode

TILE_PX, PICTURE_HEIGHT_PX, CAPTION_HEIGHT_PX = 336, 189, 50
_SHEET_ASPECT = 16 / 10
_WORDS = {
    "unauthorized": "wrong password",
    "too_many": "too many viewers",
    "broken": "cannot be opened",
    "lost": "connection lost",
    "ended": "stream ended",
    "silent": "no picture",
}
_FEW = 4
"""So few are shown twice as large."""


def sheet(cameras: Sequence[Probed], title: str, below: str) -> Pixels:
    """`title` and `below` are the two lines at its top."""
    paper = drawing.laid_out([_tile(camera) for camera in cameras], columns_for(len(cameras)), title, below)
    return paper if len(cameras) <= _FEW else drawing.shrunk(paper)


def columns_for(tiles: int) -> int:
    """So many that the sheet is about as wide as a screen, and the last row is not nearly empty."""
    tile_aspect = TILE_PX / (PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX)
    most = max(1, math.ceil(math.sqrt(tiles * _SHEET_ASPECT / tile_aspect)))
    rows = -(-tiles // most)
    return -(-tiles // rows) if tiles else 1


def _tile(camera: Probed) -> Pixels:
    tile = drawing.blank(TILE_PX, PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX, drawing.CARD)
    drawing.place(tile, _seen(camera), 0, 0)
    baseline_px, room_px = PICTURE_HEIGHT_PX + 20, TILE_PX - 36
    drawing.dot(tile, (16, baseline_px - 5), 5, drawing.GREEN if camera.fine else drawing.RED)
    drawing.write(tile, drawing.cut(camera.source_id, 0.5, room_px), (28, baseline_px), 0.5)
    told = facts(camera) if camera.fine else f"{state(camera)}: {camera.address}" if camera.picture else camera.address
    drawing.write(tile, drawing.cut(told, 0.38, room_px), (28, baseline_px + 19), 0.38, drawing.GREY)
    return tile


def facts(camera: Probed) -> str:
    """`1920x1080   h264   25 -> 1 frames/s`; nothing where nothing is known."""
    if not camera.width_px:
        return ""
    more = camera.native_fps is not None and rate(camera.native_fps) != rate(camera.fps)
    own = f"{rate(camera.native_fps or 0.0)} -> " if more else ""
    return f"{camera.width_px}x{camera.height_px}   {camera.codec}   {own}{rate(camera.fps)} frames/s"


def rate(fps: float) -> str:
    """As people write rates: 25, 9.7, 0.25."""
    return f"{fps:.2g}" if fps < 1 else f"{fps:.1f}".removesuffix(".0")


def _seen(camera: Probed) -> Pixels:
    """Its picture; without one, what is wrong."""
    try:
        if camera.picture:
            return drawing.fitted(np.asarray(decode(camera.picture), np.uint8), TILE_PX, PICTURE_HEIGHT_PX).pixels
    except InvalidImage:
        return _grey("no usable picture", camera.why or "what it sent cannot be decoded")
    return _grey(state(camera), camera.why or "")


def state(camera: Probed) -> str:
    """`ok`, or what is wrong in a few words."""
    if camera.fault is None:
        return "ok" if camera.picture else "no picture"
    return _WORDS.get(camera.fault, camera.fault.replace("_", " "))


def _grey(words: str, sentence: str) -> Pixels:
    ground = drawing.blank(TILE_PX, PICTURE_HEIGHT_PX, drawing.ASH)
    said = drawing.lines(sentence, 0.38, TILE_PX - 40, most=5)
    top_px = (PICTURE_HEIGHT_PX - 30 - 17 * len(said)) // 2 + 20
    left_px = (TILE_PX - drawing.width_of(words, 0.66)) // 2
    drawing.write(ground, words, (max(20, left_px), top_px), 0.66, drawing.INK)
    for number, line in enumerate(said):
        left_px = (TILE_PX - drawing.width_of(line, 0.38)) // 2
        drawing.write(ground, line, (left_px, top_px + 28 + 17 * number), 0.38, drawing.GREY)
    return ground
