"""disagreement: a second model, the shadow, sees the frame differently (SCIENCE C). It may find what leaves no other trace."""

from typing import ClassVar, Literal

from pydantic import Field

from services.sampler.strategies.matching import SAME_OBJECT_IOU, matches
from services.sampler.strategies.scene import Scene
from services.sampler.strategies.strategy import ClassesStrategy
from shared.streams.predictions import Detection, Prediction


class Disagreement(ClassesStrategy):
    """Detectors: 1 - F1 of the shown boxes. Classifiers: half the summed difference of their class scores.

    A frame that the shadow did not predict, or predicted another task of, is no interest.
    """

    waits_shadow: ClassVar[bool] = True

    type: Literal["disagreement"] = "disagreement"
    iou: float = Field(
        default=SAME_OBJECT_IOU, gt=0, le=1, description="detectors: from this overlap on it is one object"
    )
    only_top_classes: bool = Field(
        default=False, description="classifiers: 1 where the top classes differ, else 0, whatever the scores"
    )

    def score(self, scene: Scene) -> float:
        ours, theirs = scene.prediction, scene.shadow
        if theirs is None or ours.task != theirs.task:
            return 0.0
        if ours.task == "detect":
            return self._of_boxes(self._shown(ours), self._shown(theirs))
        return self._of_top_classes(ours, theirs) if self.only_top_classes else self._of_classes(ours, theirs)

    def rule(self, scene: Scene) -> str:
        ours, theirs = scene.prediction, scene.shadow
        if ours.task == "classify":
            return f"{_top(ours)} here, {_top(theirs)} by the shadow model ({self.score(scene):.2f} apart)"
        seen, by_shadow = self._shown(ours), self._shown(theirs) if theirs else []
        same = matches(seen, by_shadow, self.iou)
        return f"{len(seen)} seen here, {len(by_shadow)} by the shadow model, {same} of them the same"

    def _shown(self, prediction: Prediction) -> list[Detection]:
        return [
            one
            for one in self.selected(prediction)
            if isinstance(one, Detection) and one.confidence >= prediction.threshold_for(one.class_name)
        ]

    def _of_boxes(self, ours: list[Detection], theirs: list[Detection]) -> float:
        total = len(ours) + len(theirs)
        return 1.0 - 2.0 * matches(ours, theirs, self.iou) / total if total else 0.0

    def _of_classes(self, ours: Prediction, theirs: Prediction) -> float:
        """Total variation. A class that a model does not name has probability 0."""
        left = {one.class_name: one.confidence for one in self.selected(ours)}
        right = {one.class_name: one.confidence for one in self.selected(theirs)}
        names = sorted({*left, *right})
        return min(1.0, sum(abs(left.get(name, 0.0) - right.get(name, 0.0)) for name in names) / 2)

    def _of_top_classes(self, ours: Prediction, theirs: Prediction) -> float:
        tops, names = {_top(ours), _top(theirs)}, self.selected_class_names
        looked_at = names is None or not tops.isdisjoint(names)
        return 1.0 if len(tops) > 1 and looked_at else 0.0


def _top(prediction: Prediction | None) -> str:
    return prediction.classes[0].class_name if prediction and prediction.classes else "nothing"
