"""Quality: is a drawn frame much less sharp than its source's drawn frames of late? Pure.

Promises: the same answer for the same frame and the same window; a frame that a window has met already (a batch that was handed
in again) gets its answer again and is not counted twice. A camera that stays blurred becomes the new normal.
"""

import struct
from statistics import median

import cv2
from pydantic import Field

from services.sampler.duplicates import Gray
from shared.settings import Config
from shared.streams import ids

WINDOW, ENOUGH = 64, 8
_ENTRY = struct.Struct(">Qd?")


class Quality(Config):
    """Which drawn frames are too poor a picture to teach anything. The floor's are kept all the same."""

    enabled: bool = True
    least_sharpness: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="share of the median sharpness of the source's last drawn frames below which one is poor",
    )


def sharpness(gray: Gray) -> float:
    """The variance of the Laplacian: how much edge there is. `gray`: HxW."""
    _, deviation = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_32F))
    return float(deviation[0, 0]) ** 2


class Sharpnesses:
    """The last drawn frames of a source, oldest first: which, how sharp, and whether poor. At most `WINDOW`."""

    def __init__(self, stored: bytes | None = None) -> None:
        # What another version left in another form is begun anew.
        readable = stored if stored and len(stored) % _ENTRY.size == 0 else b""
        self._met: list[tuple[int, float, bool]] = list(_ENTRY.iter_unpack(readable))

    def is_poor(self, frame_id: str, sharpness: float, least_share: float) -> bool:
        """Judged by the frames before it; then it is one of them."""
        name = int(ids.make_id("sharpness", frame_id)[:16], 16)
        for other, _, poor in self._met:
            if other == name:
                return poor
        poor = len(self._met) >= ENOUGH and sharpness < least_share * median(value for _, value, _ in self._met)
        self._met = [*self._met, (name, sharpness, poor)][-WINDOW:]
        return poor

    def to_bytes(self) -> bytes:
        return b"".join(_ENTRY.pack(*one) for one in self._met)
