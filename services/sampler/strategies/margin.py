"""margin: the best class and the next best were nearly as likely (SCIENCE C).

A classifier has both in its class scores. A detector's boxes carry one class each: there the rival is a box of another class
in the same place, which models leave that suppress overlaps within a class only.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from services.sampler.strategies.class_weights import Judged
from services.sampler.strategies.overlap import iou
from services.sampler.strategies.per_box import PerBoxStrategy
from shared.streams.predictions import ClassScore, Detection, Prediction

CROWD = 16
"""From so many boxes on it pays to look only at those that are near."""
Near = Callable[[float, float], Sequence[Detection]]
"""The boxes whose left edge lies between two numbers."""


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
        near = _near(prediction.detections)
        rivals = ((one, self._rival(near, one)) for one in shown)
        return [(1.0 - abs(one.confidence - rival.confidence), one) for one, rival in rivals if rival]

    def words(self, prediction: Prediction, one: "Detection | ClassScore") -> str:
        rival: Detection | ClassScore | None
        if isinstance(one, Detection):
            rival = self._rival(_near(prediction.detections), one)
        else:
            rival = prediction.classes[1] if len(prediction.classes) > 1 else None
        other = f"{rival.class_name} {rival.confidence:.2f}" if rival else "something else"
        return f"{one.class_name} {one.confidence:.2f} or {other}"

    def _rival(self, near: Near, one: Detection) -> Detection | None:
        """The surest box of another class in the same place; it need not be shown, nor be of a selected class."""
        left, _, right, _ = one.box
        width = right - left
        # Overlap along the width alone says how far away its left edge may be; a pixel more, for rounding.
        rivals = [
            other
            for other in near(right - width / self.iou - 1, left + width * (1 - self.iou) + 1)
            if other.class_name != one.class_name and iou(one.box, other.box) >= self.iou
        ]
        return max(rivals, key=lambda other: other.confidence, default=None)


def _near(detections: Sequence[Detection]) -> Near:
    """A box that shares enough of a place begins close to it: in a crowd few of all pairs need a look."""
    if len(detections) < CROWD:
        return lambda least, most: detections
    ordered = sorted(detections, key=_left)
    lefts = [one.box[0] for one in ordered]
    return lambda least, most: ordered[bisect_left(lefts, least) : bisect_right(lefts, most)]


def _left(one: Detection) -> float:
    return one.box[0]


def margin(classes: Sequence[ClassScore]) -> float:
    """`1 - (p1 - p2)` of a classifier's two best classes; a class that stands alone has a rival of probability 0."""
    return 1.0 - abs(classes[0].confidence - (classes[1].confidence if len(classes) > 1 else 0.0))


def _is_shown(prediction: Prediction, one: Detection) -> bool:
    return one.confidence >= prediction.threshold_for(one.class_name)
