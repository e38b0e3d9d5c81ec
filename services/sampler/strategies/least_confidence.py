"""least_confidence: how far the model was from sure of what it said (SCIENCE C, lc)."""

from typing import Literal

from services.sampler.strategies.class_weights import Judged
from services.sampler.strategies.per_box import PerBoxStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction


class LeastConfidence(PerBoxStrategy):
    """`1 - p` of each box that the product shows; a classifier: of its top class."""

    type: Literal["least_confidence"] = "least_confidence"

    def doubts(self, prediction: Prediction) -> Judged:
        if prediction.task == "classify":
            return [(1.0 - one.confidence, one) for one in self.top(prediction)]
        usual, differing = prediction.threshold, prediction.class_thresholds
        if not differing:
            return [(1.0 - p, one) for one in self.selected(prediction) if (p := one.confidence) >= usual]
        return [
            (1.0 - p, one)
            for one in self.selected(prediction)
            if (p := one.confidence) >= differing.get(one.class_name, usual)
        ]

    def words(self, prediction: Prediction, one: "Detection | ClassScore") -> str:
        return f"{one.class_name}, {one.confidence:.2f} sure"
