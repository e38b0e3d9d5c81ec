"""below_threshold: the model saw something and was not sure enough of it to say so."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.selecting import SelectingStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability


class BelowThreshold(SelectingStrategy):
    """Matches when a detection's (a classifier: the top class's) confidence is in [at_least, threshold)."""

    type: Literal["below_threshold"] = "below_threshold"
    threshold: Probability | None = Field(
        default=None, description="default: the product threshold of the detection's class"
    )
    at_least: Probability = Field(default=0.0, description="weaker than this is no doubt but noise")

    @model_validator(mode="after")
    def _ordered(self) -> "BelowThreshold":
        if self.threshold is not None and self.at_least >= self.threshold:
            raise ValueError(f"at_least ({self.at_least}) must be below threshold ({self.threshold})")
        return self

    def score(self, scene: Scene) -> float:
        prediction = scene.prediction
        usual = prediction.threshold if self.threshold is None else self.threshold
        differing = prediction.class_thresholds if self.threshold is None else {}
        at_least = self.at_least
        for one in self._looked_at(prediction):
            if at_least <= one.confidence < (differing.get(one.class_name, usual) if differing else usual):
                return 1.0
        return 0.0

    def rule(self, scene: Scene) -> str:
        best = self._best(scene.prediction)
        threshold = self._threshold(scene.prediction, best.class_name)
        return f"{best.class_name} {best.confidence:.2f}, below {threshold:.2f}"

    def looked_at(self, scene: Scene) -> float:
        return self._best(scene.prediction).confidence

    def _best(self, prediction: Prediction) -> "Detection | ClassScore":
        unsure = (
            one
            for one in self._looked_at(prediction)
            if self.at_least <= one.confidence < self._threshold(prediction, one.class_name)
        )
        return max(unsure, key=lambda one: one.confidence)

    def _looked_at(self, prediction: Prediction) -> "Sequence[Detection | ClassScore]":
        return self.top(prediction) if prediction.task == "classify" else self.selected(prediction)

    def _threshold(self, prediction: Prediction, class_name: str) -> float:
        return prediction.threshold_for(class_name) if self.threshold is None else self.threshold
