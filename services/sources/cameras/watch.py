"""Watching: is there a picture at all, and does it change?

Promises: silence is noticed by whoever asks, pictures or not; a picture that stays the same is one episode however long it
lasts. Bytes are compared as they are, decoded pictures by a small grey image that compression noise does not change.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from shared import imaging

Look = bytes | NDArray[np.int16]
"""What a picture looked like: its hash, where it was published as it came, else its small grey image."""

_SMALL_PX = (64, 36)
_NOISE = 3
"""Grey levels, over blocks of 1/64 x 1/36 of the picture: less is what an encoder does to a picture that stands still."""


def look_of(pixels: imaging.Image) -> Look:
    """A still scene with a clock in the picture differs each second: a digit changes its block by far more than noise."""
    small = cv2.resize(pixels, _SMALL_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.int16)


def alike(one: Look, other: Look) -> bool:
    if isinstance(one, bytes) or isinstance(other, bytes):
        return isinstance(one, bytes) and isinstance(other, bytes) and one == other
    return int(np.abs(one - other).max()) <= _NOISE


@dataclass(slots=True)
class Stillness:
    """Frozen: the same look for `frozen_s`. `episodes` counts each once."""

    frozen_s: float
    frozen: bool = field(default=False, init=False)
    episodes: int = field(default=0, init=False)
    _look: Look | None = field(default=None, init=False)
    _since_s: float = field(default=0.0, init=False)

    def saw(self, look: Look, at_s: float) -> None:
        """Compared with the episode's first picture, so that what changes slowly changes too."""
        if self._look is None or not alike(self._look, look):
            self._look, self._since_s, self.frozen = look, at_s, False
        elif not self.frozen and at_s - self._since_s >= self.frozen_s:
            self.frozen = True
            self.episodes += 1


@dataclass(slots=True)
class Silence:
    """Silent: no usable picture for `silent_s`."""

    silent_s: float
    last_s: float

    def saw(self, at_s: float) -> None:
        self.last_s = at_s

    def too_long(self, at_s: float) -> bool:
        return at_s - self.last_s >= self.silent_s
