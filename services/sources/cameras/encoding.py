"""Encoding: what a frame will hold. Images go as they came wherever they can.

Promises: at most MAX_FRAME_BYTES; JPEG, PNG and WebP whose header is whole, upright as the settings want them. Pixels are
decoded and encoded anew only where they must be: not such an image, to be turned, or too large.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from av import VideoFrame

from services.sources.cameras import jpeg
from services.sources.cameras.watch import Look, look_of
from services.sources.images import fit
from shared import imaging
from shared.errors import InvalidImage
from shared.streams.frames import MAX_FRAME_BYTES

_SCAN = b"\xff\xda"
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One image, its size as displayed, what it looked like, and whether it was made smaller to fit."""

    image: bytes
    content_type: str
    width_px: int
    height_px: int
    look: Look
    refitted: bool = False


def as_it_came(data: bytes, rotate: int, quality: int) -> Encoded:
    """Of a packet that is an image. Raises InvalidImage with the reason: no pixels, garbage, cut off."""
    content_type = imaging.sniff(data)
    if content_type == imaging.JPEG:
        data = jpeg.whole(data)
    width_px, height_px = imaging.dimensions(data)
    if rotate or len(data) > MAX_FRAME_BYTES:
        return from_pixels(imaging.decode(data), rotate, quality)
    return Encoded(data, content_type or imaging.JPEG, width_px, height_px, _hash(data, content_type))


def _hash(data: bytes, content_type: str | None) -> bytes:
    """Of a JPEG only the last scan: some cameras write the time into what stands before it, also while they are frozen."""
    start = max(0, data.rfind(_SCAN)) if content_type == imaging.JPEG else 0
    return hashlib.blake2b(memoryview(data)[start:], digest_size=16).digest()


def from_frame(frame: VideoFrame, rotate: int, quality: int) -> Encoded:
    """Of a decoded picture. Raises InvalidImage: damaged, or without pixels."""
    if frame.is_corrupt:
        raise InvalidImage("the picture arrived damaged: part of its data was lost on the way")
    if not frame.width or not frame.height:
        raise InvalidImage(f"a picture of {frame.width}x{frame.height} pixels has nothing to see")
    if frame.width * frame.height > imaging.MAX_PIXELS:
        raise InvalidImage(f"a picture of {frame.width}x{frame.height} pixels is too large")
    pixels = np.asarray(frame.to_ndarray(format="bgr24", threads=1), np.uint8)
    # The stream's display matrix counts counter-clockwise.
    return from_pixels(pixels, (rotate - round(frame.rotation / 90) * 90) % 360, quality)


def from_pixels(pixels: imaging.Image, rotate: int, quality: int) -> Encoded:
    """`rotate`: degrees clockwise, a multiple of 90."""
    if rotate:
        pixels = np.asarray(cv2.rotate(pixels, _TURNS[rotate]), np.uint8)
    image = imaging.encode_jpeg(pixels, quality)
    refitted = len(image) > MAX_FRAME_BYTES
    image = fit(pixels) if refitted else image
    width_px, height_px = imaging.dimensions(image)
    return Encoded(image, imaging.JPEG, width_px, height_px, look_of(pixels), refitted)
