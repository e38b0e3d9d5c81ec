"""Seeing: pictures through the inference service's own lanes, without a log; what is said of them is what it would publish.

Promises: an answer per picture, in their order: a prediction, or why there will never be one.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.inference.batching import Lanes
from services.inference.config import InferenceOptions
from services.inference.plan import Plan
from services.inference.predicting import prediction_of
from shared.errors import InvalidImage
from shared.models.config import ModelConfig
from shared.models.model import Model
from shared.streams.frames import Frame, FrameRef
from shared.streams.predictions import Prediction

Outcome = Prediction | InvalidImage
SOURCE_ID = "pictures"


class Seeing:
    """A model and its lanes."""

    def __init__(self, model: Model, lanes: Lanes) -> None:
        self._model, self._lanes = model, lanes

    def see(self, images: Sequence[bytes]) -> list[Outcome]:
        """What the model says of these encoded pictures."""
        outcomes = zip(images, self._lanes.predict(images), strict=True)
        return [
            seen if isinstance(seen, InvalidImage) else prediction_of(self._model, _frame(image), seen)
            for image, seen in outcomes
        ]


@contextmanager
def seeing(config: ModelConfig, options: InferenceOptions | None = None) -> Iterator[Seeing]:
    """A model file, loaded. Raises SettingsError when it cannot work."""
    plan = Plan.of(options or InferenceOptions())
    model = Model(config, plan.engine)
    lanes = Lanes(model, plan)
    try:
        yield Seeing(model, lanes)
    finally:
        lanes.close()


def _frame(image: bytes) -> Frame:
    """As if it lay in a log."""
    sha256 = hashlib.sha256(image).hexdigest()
    time_ms = int(time.time() * 1000)
    ref = FrameRef(
        stream="frames", partition=0, offset=0, time_ms=time_ms, frame_id=sha256[:32], sha256=sha256, size=len(image)
    )
    return Frame(ref=ref, source_id=SOURCE_ID, image=image)
