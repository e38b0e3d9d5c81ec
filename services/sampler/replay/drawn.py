"""Drawn: one frame that a collection drew in a replay, and what became of it. Small: a replay holds all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.sampler.drawing import Draw
from shared.streams.predictions import Prediction

KEPT, UNDECIDED = "kept", "undecided"
NEAR_DUPLICATE, QUALITY = "near_duplicate", "quality"
GATES = (NEAR_DUPLICATE, QUALITY)


@dataclass(frozen=True, slots=True)
class Drawn:
    """`fired`: the strategies that drew it and were left their draw by the gates; `rules`: why, in words, of all that drew it.

    `outcome`: kept, a gate, `limit:NAME`, why there are no pixels; undecided: the sampler has not come to it yet. `is_certain`:
    False where a gate would have needed pixels that are gone; the outcome is then what was to be expected.
    """

    collection: str
    sample_id: str
    prediction_id: str
    frame_id: str
    place: tuple[int, int]
    source_id: str
    time_ms: int
    classes: tuple[str, ...]
    fired: tuple[str, ...]
    rules: Mapping[str, str]
    scores: Mapping[str, float]
    probabilities: Mapping[str, float]
    probability: float
    size: int
    outcome: str
    is_certain: bool = True

    @property
    def is_kept(self) -> bool:
        return self.outcome == KEPT


def drawn(
    collection: str,
    sample_id: str,
    draw: Draw,
    place: tuple[int, int],
    outcome: str,
    *,
    size: int,
    left: Draw | None = None,
    is_certain: bool = True,
) -> Drawn:
    """`left`: what the gates left of the draw, where they took something."""
    prediction, holds = draw.prediction, left or draw
    return Drawn(
        collection,
        sample_id,
        draw.prediction_id,
        prediction.frame.frame_id,
        place,
        prediction.source_id,
        prediction.frame.time_ms,
        shown(prediction),
        tuple(strategy.label for strategy in holds.fired),
        dict(draw.rules),
        draw.scores,
        holds.probabilities,
        holds.probability,
        size,
        outcome,
        is_certain,
    )


def shown(prediction: Prediction) -> tuple[str, ...]:
    """The classes that the product shows on the frame; a classifier's best one if it is sure enough."""
    if prediction.task == "classify":
        best = prediction.classes[:1]
        return tuple(one.class_name for one in best if one.confidence >= prediction.threshold_for(one.class_name))
    return tuple(sorted({one.class_name for one in prediction.above_threshold()}))
