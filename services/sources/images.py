"""Image files as pictures: JPEG, PNG and WebP byte for byte, BMP and TIFF as JPEG.

Promises: what fits into a frame is never decoded. What is larger is encoded anew, upright, with falling quality and then
size, until it fits. A file that is no image goes out as it is: inference says why it is none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from services.sources.naming import readable
from services.sources.picture import Picture, Unreadable, rfc3339
from shared import imaging
from shared.errors import InvalidImage
from shared.streams.frames import MAX_FRAME_BYTES

AS_THEY_ARE = frozenset({".jpg", ".jpeg", ".png", ".webp"})
AS_JPEG = frozenset({".bmp", ".dib", ".tif", ".tiff"})
IMAGE_SUFFIXES = AS_THEY_ARE | AS_JPEG
QUALITY = 90
_LOWER_QUALITIES = (90, 80, 70)
_SMALLER = 0.75


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """A source made of image files, in this order."""

    source_id: str
    files: Sequence[Path]
    most_bytes: int = MAX_FRAME_BYTES

    @property
    def expected(self) -> int | None:
        return len(self.files)

    def pictures(self) -> Iterator[Picture | Unreadable]:
        for index, file in enumerate(self.files):
            yield self._picture(file, index)

    def _picture(self, file: Path, index: int) -> Picture | Unreadable:
        try:
            image, refitted = _fitting(_encoded(file), self.most_bytes)
            captured_s = file.stat().st_mtime
        except (OSError, InvalidImage) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return Unreadable(self.source_id, f"{readable(str(file))}: {why}")
        return Picture(
            source_id=self.source_id,
            image=image,
            frame_index=index,
            producer_frame_id=readable(file.name),
            captured_at=rfc3339(captured_s),
            content_type=imaging.sniff(image),
            refitted=refitted,
        )


def fit(image: imaging.Image, most_bytes: int = MAX_FRAME_BYTES) -> bytes:
    """The image as a JPEG of at most so many bytes: first at lower quality, then smaller."""
    for quality in _LOWER_QUALITIES:
        encoded = imaging.encode_jpeg(image, quality)
        if len(encoded) <= most_bytes:
            return encoded
    longest_px = max(1, int(max(image.shape[:2]) * _SMALLER))
    smaller = imaging.decode(imaging.preview(image, longest_px, QUALITY))
    return fit(smaller, most_bytes)


def _encoded(file: Path) -> bytes:
    """The file's bytes where a frame may hold them, else its pixels as JPEG."""
    data = file.read_bytes()
    if imaging.sniff(data) is not None or file.suffix.lower() not in AS_JPEG:
        return data
    return imaging.encode_jpeg(_pixels(data, file.suffix), QUALITY)


def _fitting(data: bytes, most_bytes: int) -> tuple[bytes, bool]:
    """(bytes of at most so many, whether they were encoded anew)."""
    if len(data) <= most_bytes:
        return data, False
    return fit(imaging.decode(data), most_bytes), True


def _pixels(data: bytes, suffix: str) -> imaging.Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        raise InvalidImage(f"expected a {suffix} image, got bytes that cannot be decoded: {error.err}") from error
    if image is None:
        raise InvalidImage(f"expected a {suffix} image, got {len(data):,} bytes that are none")
    return np.asarray(image, np.uint8)
