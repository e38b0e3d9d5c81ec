"""entropy: how much is left open by what the model said (SCIENCE C)."""

from collections.abc import Sequence
from math import log, log2
from typing import Literal

from pydantic import Field

from services.sampler.strategies.class_weights import Judged
from services.sampler.strategies.per_box import PerBoxStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability

_NOTHING_LEFT = 1e-6
"""Class scores are rounded: what they lack to 1 by less than this is no class."""


class Entropy(PerBoxStrategy):
    """`h(p) = -p log2 p - (1-p) log2(1-p)` of each box; a classifier: the entropy of its classes, 1 when all are alike."""

    type: Literal["entropy"] = "entropy"
    at_least: Probability = Field(default=0.05, description="detectors: weaker boxes are noise")

    def doubts(self, prediction: Prediction) -> Judged:
        if prediction.task == "classify":
            return [(of_classes([each.confidence for each in prediction.classes]), one) for one in self.top(prediction)]
        return [(binary(one.confidence), one) for one in self.selected(prediction) if one.confidence >= self.at_least]

    def words(self, prediction: Prediction, one: "Detection | ClassScore") -> str:
        return f"{one.class_name} {one.confidence:.2f}, much left open"


def binary(p: float) -> float:
    """Of yes or no, in bits: 1 at 0.5."""
    return -p * log2(p) - (1 - p) * log2(1 - p) if 0 < p < 1 else 0.0


def of_classes(confidences: Sequence[float]) -> float:
    """`H / log K` in [0, 1]. Where only the best classes are carried, what they lack to 1 counts as one class more."""
    left = 1 - sum(confidences)
    outcomes = [*confidences, left] if left > _NOTHING_LEFT else list(confidences)
    total = sum(outcomes)
    if len(outcomes) < 2 or total <= 0:
        return 0.0
    shares = (p / total for p in outcomes)
    return min(1.0, max(0.0, -sum(p * log(p) for p in shares if p > 0) / log(len(outcomes))))
