"""One picture of what was chosen and why: a grid of a dataset's images with their boxes and the reasons in words.

Promises: deterministic; at most `most` images, dealt round-robin over the strategies so that each is seen; an image that
cannot be read is left out. Reads the dataset's fragments, writes one PNG.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from services.cli import drawing
from services.cli.drawing import SCALE, Colour, Fitted, Pixels
from services.uploader.destinations.dataset import read_fragment, write_whole
from services.uploader.formats.coco import OF_NEIGHBOURS, Fragment
from shared.errors import GleanerError

COLUMNS = 4
TILE_WIDTH_PX, PICTURE_HEIGHT_PX, CAPTION_HEIGHT_PX = 360, 250, 84
_ROOM_PX = TILE_WIDTH_PX - 20
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
    drawn = drawing.laid_out(tiles, min(COLUMNS, len(tiles)), title, below)
    return cv2.imencode(".png", drawing.shrunk(drawn))[1].tobytes()


def varied(fragments: Sequence[Fragment]) -> list[Fragment]:
    """The same fragments, dealt round-robin over the strategies that chose them."""
    piles: dict[str, list[Fragment]] = {}
    for fragment in sorted(fragments, key=lambda one: str(one["sample_id"])):
        piles.setdefault(strategy_of(fragment), []).append(fragment)
    rounds = zip_longest(*(piles[strategy] for strategy in sorted(piles)))
    return [fragment for one_round in rounds for fragment in one_round if fragment is not None]


def strategy_of(fragment: Fragment) -> str:
    """The most particular strategy that chose it: `random` counts only where nothing else did."""
    alone = "neighbour" if fragment.get(OF_NEIGHBOURS[0]) else "verdict"
    names = [str(reason["strategy"]) for reason in fragment["reasons"]] or [alone]
    return next((name for name in names if name not in _GENERAL), names[0])


def why(fragment: Fragment) -> str:
    """The reasons in words."""
    rules = [str(reason["rule"]) for reason in fragment["reasons"]]
    said = [_said(verdict) for verdict in fragment["verdicts"]]
    return "; ".join([*rules, *_beside(fragment), *said]) or "no reason was kept"


def _beside(fragment: Fragment) -> list[str]:
    """Of a neighbour: when it was, and beside which sample."""
    kept, after_ms = (fragment.get(name) for name in OF_NEIGHBOURS)
    if kept is None or after_ms is None:
        return []
    return [f"{abs(after_ms) / 1000:.1f} s {'before' if after_ms < 0 else 'after'} sample {str(kept)[:8]}"]


def _said(verdict: Fragment) -> str:
    if verdict["kind"] == "affirmed":
        return "nobody objected"
    what = str(verdict.get("reason") or verdict["kind"]).replace("_", " ")
    return f"a person said: {what}"


def _by_strategy(fragments: Sequence[Fragment]) -> str:
    counts = Counter(map(strategy_of, fragments))
    return " | ".join(f"{name.replace('_', ' ')}: {count}" for name, count in sorted(counts.items()))


def _tile(picture: Pixels, fragment: Fragment) -> Pixels:
    tile = drawing.blank(TILE_WIDTH_PX, PICTURE_HEIGHT_PX + CAPTION_HEIGHT_PX, drawing.CARD)
    drawing.place(tile, _framed(picture, fragment), 0, 0)
    for line, text in enumerate(drawing.lines(why(fragment), 0.42, _ROOM_PX, _CAPTION_LINES)):
        drawing.write(tile, text, (10, PICTURE_HEIGHT_PX + 20 + 17 * line), 0.42)
    origin = drawing.cut(_origin(fragment), 0.38, _ROOM_PX)
    drawing.write(tile, origin, (10, PICTURE_HEIGHT_PX + 74), 0.38, drawing.GREY)
    return tile


def _framed(picture: Pixels, fragment: Fragment) -> Pixels:
    """The whole picture with its boxes, centred on a dark mat."""
    fitted = drawing.fitted(picture, TILE_WIDTH_PX, PICTURE_HEIGHT_PX)
    for doubt in fragment.get("doubts", ()):
        _draw_doubt(fitted, doubt)
    for box in fragment["boxes"]:
        _draw_box(fitted, box)
    if badge := fragment.get("badge"):
        height, width = fitted.pixels.shape[:2]
        drawing.label(fitted.pixels, badge, (width, height), BADGE)
    return fitted.pixels


def _draw_doubt(on: Fitted, doubt: Fragment) -> None:
    """A weak box that was the reason: corners only, so that nobody takes it for an annotation."""
    x, y, width, height = doubt["bbox"]
    reach = round(min(width, height) * on.zoom / 4)
    for across, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        corner = on.at(x + across * width, y + down * height)
        for end in ((corner[0] + reach * (1 - 2 * across), corner[1]), (corner[0], corner[1] + reach * (1 - 2 * down))):
            cv2.line(on.pixels, corner, end, DOUBT, 2 * SCALE, cv2.LINE_AA)
    drawing.label(on.pixels, f"{doubt['class_name']} {doubt['confidence']:.2f}?", on.at(x, y), DOUBT)


def _draw_box(on: Fitted, box: Fragment) -> None:
    x, y, width, height = box["bbox"]
    colour = CLASS_COLOURS[int(box["class_id"]) % len(CLASS_COLOURS)]
    cv2.rectangle(on.pixels, on.at(x, y), on.at(x + width, y + height), colour, 2 * SCALE, cv2.LINE_AA)
    flags = "".join(f" [{flag.replace('_', ' ')}]" for flag in box["flags"])
    drawing.label(on.pixels, f"{box['class_name']} {box['confidence']:.2f}{flags}", on.at(x, y), colour)


def _origin(fragment: Fragment) -> str:
    """Source and time, and what people said about the whole image."""
    moment = datetime.fromtimestamp(fragment["log_time_ms"] / 1000, UTC)
    flags = "".join(f"  [{flag.replace('_', ' ')}]" for flag in fragment["flags"])
    return f"{fragment['source_id']}  {moment:%Y-%m-%d %H:%M:%S}{flags}"
