"""detection_count: more, or fewer, objects than expected. Roboflow's detections_number_based, as strict (ROBOFLOW 5)."""

from typing import Literal

from pydantic import Field, model_validator

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy
from shared.streams.predictions import Prediction, Probability


class DetectionCount(ClassesStrategy):
    """Matches when the number of shown boxes is > more_than and < less_than, where given. Of detectors alone."""

    type: Literal["detection_count"] = "detection_count"
    more_than: int | None = Field(default=None, ge=0, description="matches from one more on")
    less_than: int | None = Field(default=None, ge=1, description="matches up to one less; 1: frames without any")
    minimum_confidence: Probability | None = Field(
        default=None, description="boxes count from this confidence on; default: the product threshold of their class"
    )

    @model_validator(mode="after")
    def _some_number(self) -> "DetectionCount":
        more, less = self.more_than, self.less_than
        if more is None and less is None:
            raise ValueError("expected more_than, less_than or both, got neither")
        if more is not None and less is not None and less - more < 2:
            raise ValueError(f"no number is more than {more} and less than {less}")
        return self

    def score(self, scene: Scene) -> float:
        prediction = scene.prediction
        if prediction.task == "classify":
            return 0.0
        count = self._count(prediction)
        enough = self.more_than is None or count > self.more_than
        return 1.0 if enough and (self.less_than is None or count < self.less_than) else 0.0

    def rule(self, scene: Scene) -> str:
        expected = [
            f"{word} than {number}"
            for word, number in (("more", self.more_than), ("less", self.less_than))
            if number is not None
        ]
        count = self._count(scene.prediction)
        return f"{count} detection{'s' * (count != 1)}, {' and '.join(expected)}"

    def _count(self, prediction: Prediction) -> int:
        least = self.minimum_confidence
        if least is None and prediction.class_thresholds:
            return sum(one.confidence >= prediction.threshold_for(one.class_name) for one in self.selected(prediction))
        limit = prediction.threshold if least is None else least
        return sum([one.confidence >= limit for one in self.selected(prediction)])
