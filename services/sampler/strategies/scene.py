"""Scene: what a strategy may look at: a prediction, its source's recent past, and what a shadow said of the frame. Pure."""

from dataclasses import dataclass

from services.sampler.recent.past import UNKNOWN, Past
from shared.streams.predictions import Prediction


@dataclass(slots=True)
class Scene:
    """One prediction and its moment.

    `gaps`: tracks that this frame does not show and that came back within five frames; counted while it waits.
    """

    prediction: Prediction
    past: Past = UNKNOWN
    shadow: Prediction | None = None
    gaps: int = 0
