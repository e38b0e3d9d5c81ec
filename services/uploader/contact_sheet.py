"""One picture of what was chosen and why: a grid of a dataset's images with their boxes and the reasons in words.

Promises: deterministic; at most `most` images, dealt round-robin over the strategies so that each is seen; an image that
cannot be read is left out. Reads the dataset's fragments, writes one PNG.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

import cv2
import numpy as np
import numpy.typing as npt

from services.uploader.destinations.dataset import read_fragment, write_whole
from services.uploader.formats.coco import Fragment
from shared.errors import GleanerError

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Blue, green, red."""

COLUMNS = 4
SCALE = 2
"""Drawn twice as large and shrunk at the end: that smooths the letters."""
TILE_WIDTH_PX, PICTURE_HEIGHT_PX, CAPTION_HEIGHT_PX, GAP_PX, HEADER_PX = 360, 250, 84, 16, 76
PAPER, CARD, INK, GREY, MAT = (243, 241, 240), (255, 255, 255), (45, 38, 34), (135, 125, 118), (52, 46, 42)
DOUBT: Colour = (150, 60, 200)
BADGE: Colour = (60, 130, 40)
CLASS_COLOURS: tuple[Colour, ...] = (
    (86, 180, 60),
    (40, 140, 240),
    (220, 130, 40),
    (170, 80, 200),
    (60, 76, 231),
    (180, 170, 30),
    (120, 90, 240),
    (100, 200, 200),
)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_LETTERS_PER_LINE = 54
_CAPTION_LINES = 3
_GENERAL = frozenset({"random", "every_nth"})


def contact_sheet(folder: Path, out: Path, most: int = 24) -> Path:
    """Makes the sheet of a dataset folder as a PNG at `out`. Raises GleanerError when there is no readable image."""
    fragments = [one for path in sorted((folder / "samples").glob("*.json")) if (one := read_fragment(path))]
    shown: list[tuple[Pixels, Fragment]] = []
    for fragment in varied(fragments):
        picture = cv2.imread(str(folder / "images" / fragment["file_name"])) if len(shown) < most else None
        if picture is not None:
            shown.append((picture.astype(np.uint8), fragment))
    if not shown:
        raise GleanerError(f"no image to show in {folder}: expected a dataset with images/ and samples/ that has some")
    title = f"{len(fragments)} chosen" + (f", {len(shown)} shown" if len(shown) < len(fragments) else "")
    write_whole(out, sheet(shown, title, _by_strategy(fragments)))
    return out


def sheet(shown: Sequence[tuple[Pixels, Fragment]], title: str, below: str) -> bytes:
    """A PNG of at least one picture, each with its fragment, under two lines of text. A fragment's `badge` is drawn too."""
    tiles = [_tile(picture, fragment) for picture, fragment in shown]
    drawn = _shrunk(np.vstack([_header(title, below, min(COLUMNS, len(tiles))), _grid(tiles)]))
    return cv2.imencode(".png", drawn)[1].tobytes()


def varied(fragments: Sequence[Fragment]) -> list[Fragment]:
    """The same fragments, dealt round-robin over the strategies that chose them."""
    piles: dict[str, list[Fragment]] = {}
    for fragment in sorted(fragments, key=lambda one: str(one["sample_id"])):
        piles.setdefault(strategy_of(fragment), []).append(fragment)
    rounds = zip_longest(*(piles[strategy] for strategy in sorted(piles)))
    return [fragment for one_round in rounds for fragment in one_round if fragment is not None]


def strategy_of(fragment: Fragment) -> str:
    """The most particular strategy that chose it: `random` counts only where nothing else did."""
    names = [str(reason["strategy"]) for reason in fragment["reasons"]] or ["verdict"]
    return next((name for name in names if name not in _GENERAL), names[0])


def why(fragment: Fragment) -> str:
    """The reasons in words."""
    rules = [str(reason["rule"]) for reason in fragment["reasons"]]
    said = [_said(verdict) for verdict in fragment["verdicts"]]
    return "; ".join([*rules, *said]) or "no reason was kept"


def _said(verdict: Fragment) -> str:
    what = str(verdict.get("reason") or verdict["kind"]).replace("_", " ")
    return f"a person said: {what}"


def _by_strategy(fragments: Sequence[Fragment]) -> str:
    counts = Counter(map(strategy_of, fragments))
    return " | ".join(f"{name.replace('_', ' ')}: {count}" for name, count in sorted(counts.items()))


def _header(title: str, below: str, columns: int) -> Pixels:
    header = _blank(HEADER_PX, columns * (TILE_WIDTH_PX + GAP_PX) + GAP_PX, PAPER)
    _write(header, _cut(title, columns * _LETTERS_PER_LINE // 2), (GAP_PX + 4, 36), 0.8, INK)
    _write(header, _cut(below, columns * _LETTERS_PER_LINE), (GAP_PX + 4, 60), 0.42, GREY)
    return header


def _grid(tiles: Sequence[Pixels]) -> Pixels:
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    height_px, width_px = PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX + GAP_PX, TILE_WIDTH_PX + GAP_PX
    grid = _blank(rows * height_px, columns * width_px + GAP_PX, PAPER)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = row * height_px * SCALE, (column * width_px + GAP_PX) * SCALE
        grid[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return grid


def _tile(picture: Pixels, fragment: Fragment) -> Pixels:
    tile = _blank(PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX, TILE_WIDTH_PX, CARD)
    tile[: PICTURE_HEIGHT_PX * SCALE] = _framed(picture, fragment)
    for line, text in enumerate(_lines(why(fragment))):
        _write(tile, text, (10, PICTURE_HEIGHT_PX + 20 + 17 * line), 0.42, INK)
    _write(tile, _cut(_origin(fragment), _LETTERS_PER_LINE + 4), (10, PICTURE_HEIGHT_PX + 74), 0.38, GREY)
    return tile


def _framed(picture: Pixels, fragment: Fragment) -> Pixels:
    """The whole picture with its boxes, centred on a dark mat."""
    height_px, width_px = picture.shape[:2]
    room_width, room_height = TILE_WIDTH_PX * SCALE, PICTURE_HEIGHT_PX * SCALE
    zoom = min(room_width / width_px, room_height / height_px)
    fitted = cv2.resize(picture, (max(1, round(width_px * zoom)), max(1, round(height_px * zoom))))
    frame = _blank(PICTURE_HEIGHT_PX, TILE_WIDTH_PX, MAT)
    top, left = (room_height - fitted.shape[0]) // 2, (room_width - fitted.shape[1]) // 2
    frame[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    for doubt in fragment.get("doubts", ()):
        _draw_doubt(frame, doubt, zoom, left, top)
    for box in fragment["boxes"]:
        _draw_box(frame, box, zoom, left, top)
    if badge := fragment.get("badge"):
        _label(frame, badge, (frame.shape[1], frame.shape[0]), BADGE)
    return frame


def _draw_doubt(frame: Pixels, doubt: Fragment, zoom: float, left: int, top: int) -> None:
    """A weak box that was the reason: corners only, so that nobody takes it for an annotation."""
    x, y, width, height = (number * zoom for number in doubt["bbox"])
    reach = round(min(width, height) / 4)
    for across, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        corner = (left + round(x + across * width), top + round(y + down * height))
        for end in ((corner[0] + reach * (1 - 2 * across), corner[1]), (corner[0], corner[1] + reach * (1 - 2 * down))):
            cv2.line(frame, corner, end, DOUBT, 2 * SCALE, cv2.LINE_AA)
    _label(frame, f"{doubt['class_name']} {doubt['confidence']:.2f}?", (left + round(x), top + round(y)), DOUBT)


def _draw_box(frame: Pixels, box: Fragment, zoom: float, left: int, top: int) -> None:
    x, y, width, height = (number * zoom for number in box["bbox"])
    first, last = (left + round(x), top + round(y)), (left + round(x + width), top + round(y + height))
    colour = CLASS_COLOURS[int(box["class_id"]) % len(CLASS_COLOURS)]
    cv2.rectangle(frame, first, last, colour, 2 * SCALE, cv2.LINE_AA)
    flags = "".join(f" [{flag.replace('_', ' ')}]" for flag in box["flags"])
    _label(frame, f"{box['class_name']} {box['confidence']:.2f}{flags}", first, colour)


def _label(frame: Pixels, text: str, corner: tuple[int, int], colour: Colour) -> None:
    """White on the class's colour, above the box, or inside it where there is no room."""
    text = _ascii(text)
    (width, height), below = cv2.getTextSize(text, _FONT, 0.4 * SCALE, 1)
    left = max(0, min(corner[0], frame.shape[1] - width - 8))
    bottom = corner[1] if corner[1] >= height + below + 6 else corner[1] + height + below + 6
    cv2.rectangle(frame, (left, bottom - height - below - 6), (left + width + 8, bottom), colour, cv2.FILLED)
    cv2.putText(frame, text, (left + 4, bottom - below - 1), _FONT, 0.4 * SCALE, (255, 255, 255), 1, cv2.LINE_AA)


def _origin(fragment: Fragment) -> str:
    """Source and time, and what people said about the whole image."""
    moment = datetime.fromtimestamp(fragment["log_time_ms"] / 1000, UTC)
    flags = "".join(f"  [{flag.replace('_', ' ')}]" for flag in fragment["flags"])
    return f"{fragment['source_id']}  {moment:%Y-%m-%d %H:%M:%S}{flags}"


def _lines(text: str) -> list[str]:
    lines = wrap(text, _LETTERS_PER_LINE) or [""]
    kept = lines[:_CAPTION_LINES]
    return [*kept[:-1], _cut(kept[-1] + " ...", _LETTERS_PER_LINE)] if len(lines) > len(kept) else kept


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 3].rstrip() + "..."


def _write(on: Pixels, text: str, at_px: tuple[int, int], size: float, colour: Colour) -> None:
    cv2.putText(on, _ascii(text), (at_px[0] * SCALE, at_px[1] * SCALE), _FONT, size * SCALE, colour, 1, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV's letters are plain ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _blank(height_px: int, width_px: int, colour: Colour) -> Pixels:
    return np.full((height_px * SCALE, width_px * SCALE, 3), colour, dtype=np.uint8)


def _shrunk(sheet: Pixels) -> Pixels:
    return cv2.resize(sheet, None, fx=1 / SCALE, fy=1 / SCALE, interpolation=cv2.INTER_AREA).astype(np.uint8)
