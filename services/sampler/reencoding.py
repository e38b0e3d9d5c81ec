"""Smaller images where that is asked for: scaled down, encoded again, kept below a number of bytes. And boxes to go with them.

Promises: pure; the same pixels and options give the same bytes. Images only become smaller. What is encoded here has no
metadata: EXIF with its place and thumbnail is gone, its orientation is in the pixels.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from pydantic import Field

from shared.errors import InvalidImage
from shared.imaging import JPEG, PNG, WEBP, Image
from shared.settings import Config
from shared.streams.predictions import Box, Detection, Keypoint, Prediction

QUALITY = 95
"""Where none is asked for: what the model saw should not change by being stored."""
QUALITIES = (85, 75, 65, 55)
SHRINK = 0.8
_ENDINGS = {JPEG: ".jpg", PNG: ".png", WEBP: ".webp"}
_QUALITY_FLAGS = {JPEG: cv2.IMWRITE_JPEG_QUALITY, WEBP: cv2.IMWRITE_WEBP_QUALITY}


class ImageOptions(Config):
    """What is stored of a frame instead of its own bytes. Nothing set: its own bytes."""

    max_side_px: int | None = Field(
        default=None, ge=64, le=65_500, description="larger images are scaled down to this longer side, boxes with them"
    )
    jpeg_quality: int | None = Field(
        default=None, ge=30, le=100, description="images are stored as JPEG of this quality, whatever they were"
    )
    max_bytes: int | None = Field(
        default=None, ge=10_000, description="larger files become JPEG of lower quality, then smaller, until they fit"
    )


def needs_encoding(data: bytes, image: Image, options: ImageOptions) -> bool:
    """Whether these bytes are not what the options ask for."""
    too_wide = options.max_side_px is not None and max(image.shape[:2]) > options.max_side_px
    too_long = options.max_bytes is not None and len(data) > options.max_bytes
    return too_wide or too_long or options.jpeg_quality is not None


def encoded(image: Image, content_type: str, options: ImageOptions) -> tuple[bytes, str, Image]:
    """(bytes, content type, the image in them) of a BGR image. Raises InvalidImage where the format cannot hold it."""
    if options.max_side_px is not None:
        image = _no_longer_than(image, options.max_side_px)
    content_type = JPEG if options.jpeg_quality is not None else content_type
    data = _bytes_of(image, content_type, options.jpeg_quality or QUALITY)
    if options.max_bytes is None or len(data) <= options.max_bytes:
        return data, content_type, image
    return _fitted(image, options.jpeg_quality or QUALITY, options.max_bytes)


def scaled(prediction: Prediction, width_px: int, height_px: int) -> Prediction:
    """The prediction as if its frame had that size: boxes, key points, width and height. Thousandths of a pixel."""
    if (width_px, height_px) == (prediction.width_px, prediction.height_px):
        return prediction
    x, y = width_px / prediction.width_px, height_px / prediction.height_px
    detections = tuple(_scaled(one, x, y) for one in prediction.detections)
    return prediction.model_copy(update={"width_px": width_px, "height_px": height_px, "detections": detections})


def _scaled(detection: Detection, x: float, y: float) -> Detection:
    left, top, right, bottom = detection.box
    box: Box = (round(left * x, 3), round(top * y, 3), round(right * x, 3), round(bottom * y, 3))
    points: tuple[Keypoint, ...] = tuple((round(a * x, 3), round(b * y, 3), sure) for a, b, sure in detection.keypoints)
    return detection.model_copy(update={"box": box, "keypoints": points})


def _fitted(image: Image, quality: int, most_bytes: int) -> tuple[bytes, str, Image]:
    """The first that fits; the last is a picture of a few pixels, which always does."""
    for smaller, lower in _ever_smaller(image, quality):
        data = _bytes_of(smaller, JPEG, lower)
        if len(data) <= most_bytes:
            break
    return data, JPEG, smaller


def _ever_smaller(image: Image, quality: int) -> Iterator[tuple[Image, int]]:
    """Quality goes first, since boxes need their pixels; then sides."""
    for lower in (quality, *(one for one in QUALITIES if one < quality)):
        yield image, lower
    side_px = max(image.shape[:2])
    while side_px > 1:
        side_px = int(side_px * SHRINK)
        yield _no_longer_than(image, max(1, side_px)), min(quality, QUALITIES[-1])


def _no_longer_than(image: Image, side_px: int) -> Image:
    height_px, width_px = image.shape[:2]
    scale = side_px / max(height_px, width_px)
    if scale >= 1:
        return image
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _bytes_of(image: Image, content_type: str, quality: int) -> bytes:
    flag = _QUALITY_FLAGS.get(content_type)
    try:
        done, data = cv2.imencode(_ENDINGS[content_type], image, [] if flag is None else [flag, quality])
    except cv2.error as error:
        raise InvalidImage(f"cannot write {image.shape} pixels as {content_type}: {error.err}") from error
    if not done:
        raise InvalidImage(f"cannot write {image.shape} pixels as {content_type}")
    return data.tobytes()
