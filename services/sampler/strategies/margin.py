"""margin: the best class and the next best were nearly as likely (SCIENCE C).

A classifier has both in its class scores. A detector's boxes carry one class each: there the rival is a box of another class
in the same place, which models leave that suppress overlaps within a class only.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from services.sampler.strategies.class_weights import Judged
from services.sampler.strategies.overlap import iou
from services.sampler.strategies.per_box import PerBoxStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction


class Margin(PerBoxStrategy):
    """`1 - (p1 - p2)`, of each box that the product shows and that has a rival; a classifier: of its two best classes."""

    type: Literal["margin"] = "margin"
    iou: float = Field(
        default=0.5, gt=0, le=1, description="detectors: from this overlap on, a box of another class is a rival"
    )

    def doubts(self, prediction: Prediction) -> Judged:
        if prediction.task == "classify":
            return [(margin(prediction.classes), one) for one in self.top(prediction)]
        shown = [one for one in self.selected(prediction) if isinstance(one, Detection) and _is_shown(prediction, one)]
        rivals = ((one, self._rival(prediction, one)) for one in shown)
        return [(1.0 - abs(one.confidence - rival.confidence), one) for one, rival in rivals if rival]

    def words(self, prediction: Prediction, one: "Detection | ClassScore") -> str:
        rival: Detection | ClassScore | None
        if isinstance(one, Detection):
            rival = self._rival(prediction, one)
        else:
            rival = prediction.classes[1] if len(prediction.classes) > 1 else None
        other = f"{rival.class_name} {rival.confidence:.2f}" if rival else "something else"
        return f"{one.class_name} {one.confidence:.2f} or {other}"

    def _rival(self, prediction: Prediction, one: Detection) -> Detection | None:
        """The surest box of another class in the same place; it need not be shown, nor be of a selected class."""
        rivals = [
            other
            for other in prediction.detections
            if other.class_name != one.class_name and iou(one.box, other.box) >= self.iou
        ]
        return max(rivals, key=lambda other: other.confidence, default=None)


def margin(classes: Sequence[ClassScore]) -> float:
    """`1 - (p1 - p2)` of a classifier's two best classes; a class that stands alone has a rival of probability 0."""
    return 1.0 - abs(classes[0].confidence - (classes[1].confidence if len(classes) > 1 else 0.0))


def _is_shown(prediction: Prediction, one: Detection) -> bool:
    return one.confidence >= prediction.threshold_for(one.class_name)
