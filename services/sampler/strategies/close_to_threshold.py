"""close_to_threshold: the model could have gone either way. Parameters and strictness are Roboflow's (ROBOFLOW 5)."""

from typing import Literal

from pydantic import Field

from services.sampler.strategies.strategy import MatchStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability


class CloseToThreshold(MatchStrategy):
    """Matches when enough confidences lie strictly within epsilon of the threshold."""

    type: Literal["close_to_threshold"] = "close_to_threshold"
    threshold: Probability | None = Field(
        default=None, description="default: the product threshold of the detection's class"
    )
    epsilon: float = Field(default=0.1, gt=0, le=1, description="half width: abs(confidence - threshold) < epsilon")
    minimum_objects_close_to_threshold: int = Field(default=1, ge=1)
    only_top_classes: bool = Field(default=True, description="classifiers: look at the top class alone")

    def match(self, prediction: Prediction) -> tuple[float, str] | None:
        usual = prediction.threshold if self.threshold is None else self.threshold
        differing = prediction.class_thresholds if self.threshold is None else {}
        epsilon = self.epsilon
        close = [
            one
            for one in self._looked_at(prediction)
            if abs(one.confidence - differing.get(one.class_name, usual)) < epsilon
        ]
        if len(close) < (1 if prediction.task == "classify" else self.minimum_objects_close_to_threshold):
            return None
        nearest = min(close, key=lambda one: self._distance(prediction, one))
        threshold = self._threshold(prediction, nearest)
        return nearest.confidence, f"{nearest.class_name} {nearest.confidence:.2f}, near {threshold:.2f}"

    def _looked_at(self, prediction: Prediction) -> "list[Detection | ClassScore]":
        selected = self.selected(prediction)
        if prediction.task == "classify" and self.only_top_classes:
            return [one for one in selected if one is prediction.classes[0]]
        return selected

    def _distance(self, prediction: Prediction, one: "Detection | ClassScore") -> float:
        return abs(one.confidence - self._threshold(prediction, one))

    def _threshold(self, prediction: Prediction, one: "Detection | ClassScore") -> float:
        return prediction.threshold_for(one.class_name) if self.threshold is None else self.threshold
