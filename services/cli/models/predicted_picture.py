"""A picture with what a model saw in it: boxes, names and key points, or a classifier's best classes in words.

Promises: the whole picture, its longer side between SMALLEST_PX and LARGEST_PX so that the letters can be read; the weakest
first, so that the surest lie on top.
"""

from pathlib import Path

import cv2
import numpy as np

from services.cli import drawing
from services.cli.contact_sheet import CLASS_COLOURS
from services.cli.drawing import Colour, Fitted, Pixels
from services.uploader.destinations.dataset import write_whole
from shared.errors import SettingsError
from shared.imaging import decode, encode_jpeg
from shared.streams.predictions import Detection, Prediction

SMALLEST_PX, LARGEST_PX = 480, 1600
LETTERS, LINE_PX, DOT_PX = 0.5, 26, 3
SURE = 0.25
"""A key point below it, which its model takes for hidden, is a ring."""


def write(path: Path, image: bytes, prediction: Prediction) -> None:
    """As JPEG. Raises SettingsError when it cannot be written."""
    encoded = encode_jpeg(drawn(np.asarray(decode(image), np.uint8), prediction))
    try:
        write_whole(path, encoded)
    except OSError as error:
        raise SettingsError(f"--out: {path} cannot be written: {error.strerror}; name another folder") from error


def drawn(picture: Pixels, prediction: Prediction) -> Pixels:
    """HxWx3 BGR."""
    fitted = drawing.fitted(picture, *_size_px(picture))
    for one in reversed(prediction.above_threshold()):
        _draw(fitted, one)
    for number, best in enumerate(prediction.classes):
        corner = (8, (8 + LINE_PX * (number + 1)) * drawing.SCALE)
        drawing.label(
            fitted.pixels, f"{best.class_name} {best.confidence:.2f}", corner, _colour(best.class_id), LETTERS
        )
    return drawing.shrunk(fitted.pixels)


def _draw(on: Fitted, found: Detection) -> None:
    text = f"{found.class_name} {found.confidence:.2f}"
    drawing.box(on, found.box, _colour(found.class_id), text, size=LETTERS)
    for x, y, share in found.keypoints:
        _dot(on.pixels, on.at(x, y), _colour(found.class_id), sure=share >= SURE)


def _dot(on: Pixels, at: tuple[int, int], colour: Colour, *, sure: bool) -> None:
    """Of a class's colour on white, so that it is seen on the object too."""
    cv2.circle(on, at, (DOT_PX + 1) * drawing.SCALE, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(on, at, DOT_PX * drawing.SCALE, colour, cv2.FILLED if sure else drawing.SCALE, cv2.LINE_AA)


def _size_px(picture: Pixels) -> tuple[int, int]:
    height, width = picture.shape[:2]
    longest = max(height, width)
    scale = min(max(longest, SMALLEST_PX), LARGEST_PX) / longest
    return max(1, round(width * scale)), max(1, round(height * scale))


def _colour(class_id: int) -> Colour:
    return CLASS_COLOURS[class_id % len(CLASS_COLOURS)]
