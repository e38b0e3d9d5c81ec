"""below_threshold: the model saw something and was not sure enough of it to say so."""

from typing import Literal

from pydantic import Field, model_validator

from services.sampler.strategies.strategy import MatchStrategy
from shared.streams.predictions import Prediction, Probability


class BelowThreshold(MatchStrategy):
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

    def match(self, prediction: Prediction) -> tuple[float, str] | None:
        looked_at = self.selected(prediction)
        if prediction.task == "classify":
            looked_at = looked_at[:1] if looked_at and looked_at[0] is prediction.classes[0] else []
        unsure = [
            one for one in looked_at if self.at_least <= one.confidence < self._threshold(prediction, one.class_name)
        ]
        if not unsure:
            return None
        best = max(unsure, key=lambda one: one.confidence)
        threshold = self._threshold(prediction, best.class_name)
        return best.confidence, f"{best.class_name} {best.confidence:.2f}, below {threshold:.2f}"

    def _threshold(self, prediction: Prediction, class_name: str) -> float:
        return prediction.threshold_for(class_name) if self.threshold is None else self.threshold
