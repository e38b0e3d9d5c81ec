"""ghost: something was almost seen, a weak box just below the threshold (SCIENCE C). It finds what the model misses."""

from operator import itemgetter
from typing import Literal

from pydantic import Field

from services.sampler.strategies.class_weights import Judged, WeightedStrategy
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability


class Ghost(WeightedStrategy):
    """`p / t` of the strongest box in [at_least, t), t the product threshold of its class. Of detectors alone."""

    type: Literal["ghost"] = "ghost"
    at_least: Probability = Field(default=0.05, description="weaker boxes are noise")

    def score(self, scene: Scene) -> float:
        prediction = scene.prediction
        if prediction.task == "classify":
            return 0.0
        if prediction.class_thresholds or self.error_rates:
            return max((score for score, _ in self._ghosts(prediction)), default=0.0)
        threshold, strongest = prediction.threshold, 0.0
        for one in self.selected(prediction):
            if strongest < one.confidence < threshold:
                strongest = one.confidence
        return strongest / threshold if strongest and strongest >= self.at_least else 0.0

    def rule(self, scene: Scene) -> str:
        one = self._strongest(scene.prediction)
        threshold = scene.prediction.threshold_for(one.class_name)
        return f"{one.class_name} {one.confidence:.2f}, almost seen (shown from {threshold:.2f} on)"

    def looked_at(self, scene: Scene) -> float:
        return self._strongest(scene.prediction).confidence

    def _strongest(self, prediction: Prediction) -> "Detection | ClassScore":
        return max(self._ghosts(prediction), key=itemgetter(0))[1]

    def _ghosts(self, prediction: Prediction) -> Judged:
        return self.weighted(
            (one.confidence / threshold, one)
            for one in self.selected(prediction)
            if self.at_least <= one.confidence < (threshold := prediction.threshold_for(one.class_name))
        )
