"""Gates: near-duplicates and poor pictures, for informative strategies alone. The floor never meets them.

Promises: pixels are looked at for drawn frames alone; a gate sets a probability that was known before the draw to 0, it never
takes away what the floor drew (SCIENCE A.2, D).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.sampler.config import NamedCollection
from services.sampler.drawing import Draw
from services.sampler.duplicates import near, signature
from services.sampler.keeping import Pixels
from services.sampler.looking import Appearance, Met, QualityGate, look
from shared.errors import InvalidImage
from shared.ports.state import Near, State


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gates know of a drawn frame. `poor`: the quality gate closed; `near`: what the store compares it with."""

    poor: bool = False
    near: Near | None = None
    phash: str | None = None
    signature: str | None = None


OPEN = Gated()


class Gates:
    """The gates of one collection."""

    def __init__(self, name: str, options: NamedCollection, state: State, memo_s: int) -> None:
        self._name = name
        self._near, self._quality = options.near_duplicates, options.quality
        self._memo_s = memo_s
        self._sharp_enough = QualityGate(name, options.quality, state, memo_s)

    def look(self, draws: Sequence[Draw], pixels: Sequence[Pixels]) -> list[Gated]:
        """For each of a batch, in order. Raises Unavailable."""
        if not self._near.enabled and not self._quality.enabled:
            return [OPEN] * len(draws)
        looks = [_appearance(draw, seen) for draw, seen in zip(draws, pixels, strict=True)]
        poor = self._sharp_enough.are_poor([_met(*pair) for pair in zip(draws, looks, strict=True)])
        return [self._gated(*three) for three in zip(draws, looks, poor, strict=True)]

    def _gated(self, draw: Draw, seen: Appearance | None, poor: bool) -> Gated:
        if seen is None:
            return OPEN
        seen_as = signature(draw.prediction)
        compared = None if poor or not self._near.enabled else self._compared(draw, seen, seen_as)
        return Gated(poor, compared, seen.phash.hex(), seen_as.hex())

    def _compared(self, draw: Draw, seen: Appearance, seen_as: bytes) -> Near:
        # What the floor alone drew is compared, to know which probability to store, and joins no ring (SCIENCE D.3).
        informative = any(not strategy.floor for strategy in draw.fired)
        return near(self._near, self._name, draw.prediction, seen.phash, seen_as, add=informative, memo_s=self._memo_s)


def _appearance(draw: Draw, pixels: Pixels) -> Appearance | None:
    """None where no gate could take anything away, or where there are no pixels."""
    if not draw.is_gated or not pixels.frame:
        return None
    try:
        return look(pixels.frame)
    except InvalidImage:
        return None


def _met(draw: Draw, seen: Appearance | None) -> Met:
    prediction = draw.prediction
    return Met(prediction.source_id, prediction.frame.frame_id, None if seen is None else seen.sharpness)
