"""Sights: what is known of a drawn frame's pixels: what the frame shows while it is there, else what its design recorded.

Promises: reads alone; a frame of which nothing can be known any more is said to be so, never guessed at.
"""

from dataclasses import dataclass

import numpy as np

from services.sampler.drawing import Draw
from services.sampler.keeping import Pixels
from services.sampler.looking import Appearance, look
from services.sampler.privacy.veil import Veiled
from services.sampler.replay.facts import Fact, Facts
from shared.errors import InvalidMessage, RecordGone
from shared.ports.log import Reader
from shared.runtime.pixels import FramePixels
from shared.streams import frames
from shared.streams.predictions import Prediction

BEFORE_GATES = frozenset({"expired", "unreadable", "withheld"})
"""Why there was no image, whatever strategies, gates and limits said."""
_NO_PIXELS = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Sight:
    """What of a frame is known. `pixels`: as the sampler would have had them, but for what they show.

    `known`: whether gates can tell what they would have done; `sharpness`: None where only the hash was recorded; then `poor`
    is what the quality gate said live.
    """

    pixels: Pixels
    known: bool = True
    phash: bytes | None = None
    sharpness: float | None = None
    poor: bool = False


class Sights:
    def __init__(self, reader: Reader, frame_pixels: FramePixels, facts: Facts) -> None:
        self._reader, self._frame_pixels, self._facts = reader, frame_pixels, facts

    def of(self, draw: Draw) -> Sight:
        """Raises Unavailable."""
        prediction = draw.prediction
        fact = self._facts.of_frame(prediction.frame.frame_id)
        if fact is not None and fact.missing in BEFORE_GATES:
            return Sight(Pixels(missing=fact.missing))
        size = fact.size if fact is not None and fact.size else prediction.frame.size
        pixels = Pixels(Veiled(bytes(size), prediction.content_type or "image/jpeg", _NO_PIXELS))
        return self._seen(prediction, fact, pixels) if draw.is_gated else Sight(pixels)

    def _seen(self, prediction: Prediction, fact: Fact | None, pixels: Pixels) -> Sight:
        shown = self._shown(prediction)
        if shown is not None:
            return Sight(pixels, phash=shown.phash, sharpness=shown.sharpness)
        if fact is not None and fact.phash is not None:
            return Sight(pixels, phash=bytes.fromhex(fact.phash), poor=fact.gate == "quality")
        return Sight(pixels, known=False)

    def _shown(self, prediction: Prediction) -> Appearance | None:
        """What the frame shows while it is there."""
        ref = prediction.frame
        try:
            frame = frames.decode(self._reader.read(ref.stream, ref.partition, ref.offset))
            image = self._frame_pixels.image_if_there(frame) if frame.ref == ref else None
            return None if image is None else look(image)
        except (RecordGone, InvalidMessage):
            return None
