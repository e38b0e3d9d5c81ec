"""close_to_threshold: the model could have gone either way. Parameters and strictness are Roboflow's (ROBOFLOW 5)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.selecting import SelectingStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability


class CloseToThreshold(SelectingStrategy):
    """Matches when enough confidences lie strictly within epsilon of the threshold."""

    type: Literal["close_to_threshold"] = "close_to_threshold"
    threshold: Probability | None = Field(
        default=None, description="default: the product threshold of the detection's class"
    )
    epsilon: float = Field(default=0.1, gt=0, le=1, description="half width: abs(confidence - threshold) < epsilon")
    minimum_objects_close_to_threshold: int = Field(
        default=1, ge=1, description="detectors: so many boxes must be close"
    )
    only_top_classes: bool = Field(default=True, description="classifiers: look at the top class alone")

    def score(self, scene: Scene) -> float:
        prediction = scene.prediction
        usual = prediction.threshold if self.threshold is None else self.threshold
        differing = prediction.class_thresholds if self.threshold is None else {}
        epsilon = self.epsilon
        missing = 1 if prediction.task == "classify" else self.minimum_objects_close_to_threshold
        for one in self._looked_at(prediction):
            if abs(one.confidence - (differing.get(one.class_name, usual) if differing else usual)) < epsilon:
                missing -= 1
                if not missing:
                    return 1.0
        return 0.0

    def rule(self, scene: Scene) -> str:
        nearest = self._nearest(scene.prediction)
        return f"{nearest.class_name} {nearest.confidence:.2f}, near {self._threshold(scene.prediction, nearest):.2f}"

    def looked_at(self, scene: Scene) -> float:
        return self._nearest(scene.prediction).confidence

    def _nearest(self, prediction: Prediction) -> "Detection | ClassScore":
        return min(self._looked_at(prediction), key=lambda one: self._distance(prediction, one))

    def _looked_at(self, prediction: Prediction) -> "Sequence[Detection | ClassScore]":
        if prediction.task == "classify" and self.only_top_classes:
            return self.top(prediction)
        return self.selected(prediction)

    def _distance(self, prediction: Prediction, one: "Detection | ClassScore") -> float:
        return abs(one.confidence - self._threshold(prediction, one))

    def _threshold(self, prediction: Prediction, one: "Detection | ClassScore") -> float:
        return prediction.threshold_for(one.class_name) if self.threshold is None else self.threshold
