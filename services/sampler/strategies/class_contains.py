"""class_contains: one of these classes was seen. Roboflow's classes_based, serving detectors too (ROBOFLOW 5)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from services.sampler.strategies.scene import Scene
from services.sampler.strategies.selecting import SelectingStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction, Probability


class ClassContains(SelectingStrategy):
    """Matches when a box of these classes is shown; a classifier: when its top class is one of them."""

    type: Literal["class_contains"] = "class_contains"
    selected_class_names: tuple[str, ...] = Field(min_length=1, description="any of these classes is a match")
    minimum_confidence: Probability | None = Field(
        default=None,
        description="from this confidence on; default: the product threshold of its class (a classifier: any)",
    )

    def score(self, scene: Scene) -> float:
        return 1.0 if self._seen(scene.prediction) else 0.0

    def rule(self, scene: Scene) -> str:
        surest = max(self._seen(scene.prediction), key=lambda one: one.confidence)
        return f"{surest.class_name} seen ({surest.confidence:.2f})"

    def _seen(self, prediction: Prediction) -> "Sequence[Detection | ClassScore]":
        least = self.minimum_confidence
        if prediction.task == "classify":
            return [one for one in self.top(prediction) if one.confidence >= (least or 0.0)]
        return [
            one
            for one in self.selected(prediction)
            if one.confidence >= (prediction.threshold_for(one.class_name) if least is None else least)
        ]
