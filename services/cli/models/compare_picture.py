"""The picture of a comparison: frames that differ, the old version's view on the left and the new one's on the right.

Promises: at most MOST_DRAWN frames, those first in which a person's verdict says that the new version is worse or better.
What both found is thin and grey; lost is red on the left, gained blue on the right, another class amber on both.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from services.cli import drawing
from services.cli.drawing import Colour, Fitted, Pixels
from services.cli.models.comparison import MOST_DRAWN, ComparedFrame, Comparison
from services.cli.models.matching import Found, Kind, Pair
from services.uploader.destinations.dataset import write_whole
from shared.errors import InvalidImage, SettingsError
from shared.imaging import decode

COLUMNS = 2
PICTURE_WIDTH_PX, PICTURE_HEIGHT_PX, CAPTION_HEIGHT_PX, BETWEEN_PX = 400, 240, 56, 4
COLOURS: dict[Kind, Colour] = {
    "both": (170, 165, 160),
    "lost": (60, 60, 210),
    "gained": (200, 110, 20),
    "changed": (0, 130, 230),
}
WORDS: dict[Kind, str] = {"both": "both", "lost": "lost", "gained": "gained", "changed": "another class for"}
FEW = 4
"""So many differences are named one by one."""


def draw(compared: Comparison, path: Path) -> Path | None:
    """Writes it, as JPEG or as the file's ending says. None where no frame that differs can be shown."""
    shown = [(one, picture) for one in compared.differing[:MOST_DRAWN] if (picture := _pixels(one)) is not None]
    if not shown:
        return None
    tiles = [_tile(one, picture) for one, picture in shown]
    title = f"{compared.old}  ->  {compared.new}"
    sheet = drawing.shrunk(drawing.laid_out(tiles, min(COLUMNS, len(tiles)), title, _below(compared, len(shown))))
    _write(path, sheet)
    return path


def _below(compared: Comparison, shown: int) -> str:
    counts = Counter(pair.kind for frame in compared.frames for pair in frame.differing)
    told = f"{counts['lost']} lost (red), {counts['gained']} gained (blue), {counts['changed']} another class (amber)"
    return f"{told}   |   {len(compared.differing)} of {len(compared.frames)} {compared.what} differ, {shown} shown"


def _tile(frame: ComparedFrame, picture: Pixels) -> Pixels:
    width_px = 2 * PICTURE_WIDTH_PX + BETWEEN_PX
    tile = drawing.blank(width_px, PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX, drawing.CARD)
    drawing.place(tile, _side(frame, picture, "old"), 0, 0)
    drawing.place(tile, _side(frame, picture, "new"), PICTURE_WIDTH_PX + BETWEEN_PX, 0)
    baseline_px, room_px = PICTURE_HEIGHT_PX + 22, width_px - 20
    drawing.write(tile, drawing.cut(summary(frame), 0.46, room_px), (10, baseline_px), 0.46)
    drawing.write(tile, drawing.cut(frame.name, 0.4, room_px), (10, baseline_px + 20), 0.4, drawing.GREY)
    return tile


def summary(frame: ComparedFrame) -> str:
    """`lost package 0.71 (people: worse); gained person 0.88 (not judged)`; of many, how many of each."""
    if len(frame.differing) <= FEW:
        return "; ".join(_sentences(frame))
    counts = Counter((pair.kind, pair.class_name) for pair in frame.differing)
    told = ", ".join(f"{WORDS[kind]} {number} {name}" for (kind, name), number in counts.most_common())
    return f"{told}; people say: {frame.better} better, {frame.worse} worse" if frame.judgements else told


def _sentences(frame: ComparedFrame) -> Iterator[str]:
    for pair in frame.differing:
        said = f" ({_said(frame, pair)})" if frame.judgements else ""
        if pair.old and pair.new:
            yield f"{pair.old.class_name} is now {_label(pair.new)}{said}"
        else:
            yield f"{pair.kind} {_label(pair.side)}{said}"


def _said(frame: ComparedFrame, pair: Pair) -> str:
    """By people, of this one."""
    if not frame.is_judged(pair):
        return "not judged"
    return f"people: {frame.effect_of(pair) or 'no better, no worse'}"


def _side(frame: ComparedFrame, picture: Pixels, side: str) -> Pixels:
    fitted = drawing.fitted(picture, PICTURE_WIDTH_PX, PICTURE_HEIGHT_PX)
    # What differs is drawn last, over the rest.
    for pair in sorted(frame.pairs, key=lambda one: one.differs):
        found = pair.old if side == "old" else pair.new
        if found is not None:
            _draw(fitted, found, COLOURS[pair.kind], pair.differs)
    drawing.label(fitted.pixels, side, (0, 0), drawing.MAT)
    return fitted.pixels


def _draw(on: Fitted, found: Found, colour: Colour, differs: bool) -> None:
    text = _label(found) if differs else ""
    if found.box is None:
        drawing.label(on.pixels, _label(found), (0, on.pixels.shape[0]), colour)
    else:
        drawing.box(on, found.box, colour, text, weight=2 if differs else 1)


def _label(found: Found) -> str:
    return f"{found.class_name} {found.confidence:.2f}"


def _pixels(frame: ComparedFrame) -> Pixels | None:
    try:
        return None if frame.image is None else np.asarray(decode(frame.image), np.uint8)
    except InvalidImage:
        return None


def _write(path: Path, sheet: Pixels) -> None:
    """Raises SettingsError with what to do about it."""
    try:
        write_whole(path, cv2.imencode(path.suffix or ".jpg", sheet)[1].tobytes())
    except cv2.error as error:
        raise SettingsError(f"--out: expected a file such as compare.jpg or compare.png, got {path}") from error
    except OSError as error:
        raise SettingsError(f"--out: {path} cannot be written: {error.strerror}") from error
