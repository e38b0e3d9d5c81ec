"""uncertain: the model's own doubt, of all kinds (SCIENCE C). The default for what it sees wrongly; misses it ranks badly.

Promises: the noisy-or of `near`, how close a confidence is to its threshold, and of what a model leaves open in what it says:
`margin` for classifiers, `least_confidence` for detectors.
"""

from math import exp
from operator import itemgetter
from typing import Literal

from pydantic import Field

from services.sampler.strategies.class_weights import Judged, WeightedStrategy
from services.sampler.strategies.margin import margin
from services.sampler.strategies.scene import Scene
from shared.settings import Config
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability

NEAR_WIDTH = 0.15
"""At this distance from the threshold `near` is 1/e."""


class Parts(Config):
    """What each part counts for; 0 leaves it out."""

    near: Probability = Field(
        default=0.6, description="exp(-abs(p - threshold) / 0.15) of the closest box or top class"
    )
    margin: Probability = Field(default=0.6, description="classifiers: 1 - (p1 - p2) of the two best classes")
    least_confidence: Probability = Field(
        default=0.6, description="detectors: 1 - p of the least sure box that is shown"
    )


class Uncertain(WeightedStrategy):
    """`1 - (1 - a_near * near) * (1 - a_open * open)`, open being margin or least_confidence."""

    type: Literal["uncertain"] = "uncertain"
    parts: Parts = Parts()

    def score(self, scene: Scene) -> float:
        prediction = scene.prediction
        if prediction.task == "classify" or prediction.class_thresholds or self.error_rates:
            return self._mixed(prediction, _largest(self._near(prediction)), _largest(self._open(prediction)))
        # The same for most predictions at a third of the time: the closest confidence on each side of the threshold decides.
        threshold, above, below = prediction.threshold, 2.0, -1.0
        for one in self.selected(prediction):
            confidence = one.confidence
            if confidence >= threshold:
                if confidence < above:
                    above = confidence
            elif confidence > below:
                below = confidence
        if above > 1.0:
            return 0.0 if below < 0.0 else self._mixed(prediction, exp((below - threshold) / NEAR_WIDTH), 0.0)
        distance = min(above - threshold, threshold - below) if below >= 0.0 else above - threshold
        return self._mixed(prediction, exp(-distance / NEAR_WIDTH), 1.0 - above)

    def rule(self, scene: Scene) -> str:
        prediction = scene.prediction
        near, left_open = self._near(prediction), self._open(prediction)
        if self._is_open(prediction, near, left_open):
            return _words_open(prediction, _first(left_open))
        one = _first(near)
        return f"{one.class_name} {one.confidence:.2f}, near {prediction.threshold_for(one.class_name):.2f}"

    def looked_at(self, scene: Scene) -> float:
        near, left_open = self._near(scene.prediction), self._open(scene.prediction)
        return _first(left_open if self._is_open(scene.prediction, near, left_open) else near).confidence

    def _is_open(self, prediction: Prediction, near: Judged, left_open: Judged) -> bool:
        """Is what it leaves open the larger part?"""
        return self.parts.near * _largest(near) < self._part_open(prediction) * _largest(left_open)

    def _mixed(self, prediction: Prediction, near: float, left_open: float) -> float:
        return 1.0 - (1.0 - self.parts.near * near) * (1.0 - self._part_open(prediction) * left_open)

    def _part_open(self, prediction: Prediction) -> float:
        return self.parts.margin if prediction.task == "classify" else self.parts.least_confidence

    def _near(self, prediction: Prediction) -> Judged:
        looked_at = self.top(prediction) if prediction.task == "classify" else self.selected(prediction)
        distances = ((abs(one.confidence - prediction.threshold_for(one.class_name)), one) for one in looked_at)
        return self.weighted((exp(-distance / NEAR_WIDTH), one) for distance, one in distances)

    def _open(self, prediction: Prediction) -> Judged:
        if prediction.task == "classify":
            return self.weighted((margin(prediction.classes), one) for one in self.top(prediction))
        return self.weighted(
            (1.0 - one.confidence, one)
            for one in self.selected(prediction)
            if one.confidence >= prediction.threshold_for(one.class_name)
        )


def _largest(judged: Judged) -> float:
    return max(judged, key=itemgetter(0))[0] if judged else 0.0


def _first(judged: Judged) -> "Detection | ClassScore":
    return max(judged, key=itemgetter(0))[1]


def _words_open(prediction: Prediction, one: "Detection | ClassScore") -> str:
    if prediction.task == "classify" and len(prediction.classes) > 1:
        rival = prediction.classes[1]
        return f"{one.class_name} {one.confidence:.2f} or {rival.class_name} {rival.confidence:.2f}"
    return f"{one.class_name}, {one.confidence:.2f} sure"
