"""Looking: the pixels of a drawn frame in small, its hash and its sharpness, and what the store remembers of the latter.

Promises: no more pixels are decoded than the hash needs; the same bytes look the same in every process; one call of the store
for a batch of drawn frames, and one for each of their sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from services.sampler.duplicates import SIDE_PX, Gray, phash64
from services.sampler.quality import Quality, Sharpnesses, sharpness
from shared import imaging
from shared.errors import InvalidImage
from shared.ports.state import State
from shared.streams import keys

_REDUCED = {8: cv2.IMREAD_REDUCED_GRAYSCALE_8, 4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2}


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a frame looks like: `phash` of 8 bytes, and the variance of its Laplacian."""

    phash: bytes
    sharpness: float


@dataclass(frozen=True, slots=True)
class Met:
    """A drawn frame and how sharp it is; None where its pixels are gone."""

    source_id: str
    frame_id: str
    sharpness: float | None


def look(image: bytes) -> Appearance:
    """Raises InvalidImage."""
    small = gray(image)
    return Appearance(phash64(small), sharpness(small))


def gray(image: bytes) -> Gray:
    """The image in grey, HxW, upright: an eighth of its size, or as much more as leaves 32 pixels on each side.

    Raises InvalidImage.
    """
    shorter_px = min(imaging.dimensions(image))
    reduced = next((flag for by, flag in _REDUCED.items() if shorter_px // by >= SIDE_PX), cv2.IMREAD_GRAYSCALE)
    try:
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), reduced)
    except cv2.error as error:
        raise InvalidImage(f"corrupt {imaging.sniff(image)}: {error.err}") from error
    if pixels is None:
        raise InvalidImage(f"corrupt {imaging.sniff(image)} of {len(image):,} bytes: its pixels cannot be decoded")
    return np.asarray(pixels, np.uint8)


class QualityGate:
    """Whether drawn frames are poor pictures, by what the store remembers of their sources."""

    def __init__(self, collection: str, options: Quality, state: State, ttl_s: int) -> None:
        self._collection = collection
        self._options = options
        self._state = state
        self._ttl_s = ttl_s

    def are_poor(self, drawn: Sequence[Met]) -> list[bool]:
        """For each of a batch, in order. Raises Unavailable."""
        sources = sorted({one.source_id for one in drawn if one.sharpness is not None})
        if not self._options.enabled or not sources:
            return [False] * len(drawn)
        places = {source: keys.sharpness_key(self._collection, source) for source in sources}
        stored = dict(zip(sources, self._state.get_many(list(places.values())), strict=True))
        windows = {source: Sharpnesses(stored[source]) for source in sources}
        poor = [self._is_poor(one, windows) for one in drawn]
        for source, window in windows.items():
            if (now := window.to_bytes()) != stored[source]:
                self._state.put(places[source], now, self._ttl_s)
        return poor

    def _is_poor(self, met: Met, windows: dict[str, Sharpnesses]) -> bool:
        if met.sharpness is None:
            return False
        return windows[met.source_id].is_poor(met.frame_id, met.sharpness, self._options.least_sharpness)
