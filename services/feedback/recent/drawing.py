"""Boxes drawn on an image, for people: what the product shows in full, what it does not show in dashes.

Promises: pure. Whatever numbers a box has, nothing is drawn outside of the image and nothing raises; letters are plain ASCII,
since the font has no others, and a class that cannot be written in them is named by its number.
"""

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np

from shared.imaging import Image
from shared.streams.predictions import Box, Detection, Prediction

Colour = tuple[int, int, int]
Point = tuple[int, int]

COLOURS: tuple[Colour, ...] = (
    (0, 159, 230),
    (233, 180, 86),
    (115, 158, 0),
    (66, 228, 240),
    (178, 114, 0),
    (0, 94, 213),
    (167, 121, 204),
)
"""Blue, green, red. Okabe and Ito's palette, which people tell apart who see colours differently."""
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
MAX_LABEL_CHARS = 40
MAX_BOXES = 500
DASH_PX = 8
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def shrunk(image: Image, longest_px: int) -> Image:
    """With a longer side of at most that; never enlarged."""
    scale = longest_px / _longest(image)
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def draw(on: Image, prediction: Prediction, *, weak: bool = False) -> None:
    """Draws into the image, HxWx3, whatever its size is beside the prediction's. `weak`: in dashes, what is below threshold."""
    across = on.shape[1] / prediction.width_px, on.shape[0] / prediction.height_px
    detections = sorted(prediction.detections, key=lambda one: one.confidence)[-MAX_BOXES:]
    for detection in detections:  # the surest are drawn last, over the others
        is_weak = detection.confidence < prediction.threshold_for(detection.class_name)
        if weak or not is_weak:
            _draw_box(on, detection, _scaled(detection.box, across, on), dashed=is_weak)
    if prediction.task == "classify" and prediction.classes:
        best = prediction.classes[0]
        _draw_label(on, label(best.class_name, best.class_id, best.confidence), (0, 0), _colour(best.class_id))


def label(class_name: str, class_id: int, confidence: float) -> str:
    """`package 0.91`, in ASCII."""
    return f"{_ascii(class_name)[:MAX_LABEL_CHARS] or f'class {class_id}'} {confidence:.2f}"


def _ascii(text: str) -> str:
    """Accents are taken off; what then still is no ASCII becomes `?`; empty where nothing readable is left."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    written = "".join(one if " " <= one <= "~" else "?" for one in plain).strip()
    return written if any(one.isalnum() for one in written) else ""


def _scaled(box: Box, across: tuple[float, float], on: Image) -> tuple[Point, Point]:
    """Its corners in pixels of this image, inside of it."""
    left, right = (_inside(x * across[0], on.shape[1]) for x in (box[0], box[2]))
    top, bottom = (_inside(y * across[1], on.shape[0]) for y in (box[1], box[3]))
    return (left, top), (right, bottom)


def _inside(value: float, size_px: int) -> int:
    return round(min(max(value, 0.0), size_px - 1.0))


def _draw_box(on: Image, detection: Detection, corners: tuple[Point, Point], *, dashed: bool) -> None:
    colour, thickness = _colour(detection.class_id), _thickness(on)
    (left, top), (right, bottom) = corners
    if dashed:
        _dashes(on, [(left, top), (right, top), (right, bottom), (left, bottom)], colour, max(1, thickness // 2))
    else:
        cv2.rectangle(on, (left, top), (right, bottom), colour, thickness, cv2.LINE_AA)
    _draw_label(on, label(detection.class_name, detection.class_id, detection.confidence), (left, top), colour)


def _dashes(on: Image, corners: Sequence[Point], colour: Colour, thickness: int) -> None:
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        length = max(abs(x1 - x0), abs(y1 - y0), 1)
        for at in range(0, length, 2 * DASH_PX):
            begin, end = at / length, min(at + DASH_PX, length) / length
            points = [(round(x0 + (x1 - x0) * part), round(y0 + (y1 - y0) * part)) for part in (begin, end)]
            cv2.line(on, points[0], points[1], colour, thickness, cv2.LINE_AA)


def _draw_label(on: Image, text: str, corner: Point, colour: Colour) -> None:
    """Above the corner, or below it where there is no room; moved left where it would leave the image."""
    size, weight = _font_size(on), max(1, _thickness(on) // 2)
    (width, height), under = cv2.getTextSize(text, _FONT, size, weight)
    left = max(0, min(corner[0], on.shape[1] - width - 6))
    tall = height + under + 4
    top = corner[1] - tall if corner[1] >= tall else corner[1]
    cv2.rectangle(on, (left, top), (left + width + 6, top + tall), colour, cv2.FILLED)
    cv2.putText(on, text, (left + 3, top + height + 2), _FONT, size, _ink(colour), weight, cv2.LINE_AA)


def _ink(colour: Colour) -> Colour:
    """Black on a light colour, white on a dark one."""
    return BLACK if 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] > 120 else WHITE


def _colour(class_id: int) -> Colour:
    return COLOURS[class_id % len(COLOURS)]


def _thickness(on: Image) -> int:
    return max(1, round(_longest(on) / 400))


def _font_size(on: Image) -> float:
    return min(max(_longest(on) / 1600, 0.4), 2.0)


def _longest(image: Image) -> int:
    height_px, width_px = image.shape[:2]
    return max(int(height_px), int(width_px))
