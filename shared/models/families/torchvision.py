"""torchvision's detectors (Faster R-CNN, SSD, RetinaNet, FCOS, Mask R-CNN): boxes [n, 4], labels [n], scores [n].

Promises: what the torch model itself says. It resizes, normalises, suppresses and maps back inside the graph, so that an
image goes in as it is, RGB in 0..1; an export whose size is fixed gets it stretched. Outputs are told apart by rank and
type, since their names and order vary. Classes count from 1; 0 is the background.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.family import Findings, Outputs, Prepared, Signature, Tensor
from shared.models.families.finished import OneByOne, surest
from shared.models.placement import Placement


class Torchvision(OneByOne):
    """One image a run: the outputs have no frames axis."""

    name = "torchvision"
    called = "torchvision detector"

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if any(len(list(filter(kind, signature.outputs))) != 1 for kind in (_is_boxes, _is_labels, _is_scores)):
            return "expected three outputs without a frames axis: floats [n, 4], integers [n], floats [n]"
        return None

    def split(self, outputs: Outputs, frames: int) -> list[dict[str, NDArray[Any]]]:
        return [dict(outputs)]

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        boxes, labels, scores = self._three(outputs)
        if not (len(boxes) == len(labels) == len(scores)):
            shapes = ", ".join(str(one.shape) for one in (boxes, labels, scores))
            raise SettingsError(f"no torchvision detector: expected as many boxes as labels and scores, got {shapes}")

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        boxes, labels, scores = self._three(outputs)
        kept = surest(boxes, scores, self.lowest_confidence, self.most)
        return Findings(labels[kept].astype(np.intp), scores[kept], placement.back(boxes[kept]))

    def _three(self, outputs: Outputs) -> Sequence[NDArray[Any]]:
        """Boxes, labels, scores."""
        kinds = (_is_boxes, _is_labels, _is_scores)
        return [outputs[next(filter(kind, self.signature.outputs)).name] for kind in kinds]


def _is_boxes(tensor: Tensor) -> bool:
    return len(tensor.shape) == 2 and tensor.shape[1] == 4 and tensor.type in ("tensor(float)", "tensor(float16)")


def _is_labels(tensor: Tensor) -> bool:
    return len(tensor.shape) == 1 and tensor.type in ("tensor(int64)", "tensor(int32)")


def _is_scores(tensor: Tensor) -> bool:
    return len(tensor.shape) == 1 and tensor.type in ("tensor(float)", "tensor(float16)")
