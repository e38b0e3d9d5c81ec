"""Ultralytics models with suppression inside: YOLOv10, YOLO26 `nms=False`, any `nms=True`: [batch, most, 6 + …].

Promises: rows as the family's own `predict` gives them. xyxy in letterboxed pixels (turned boxes: cxcywh, the angle last),
score, class, then what the head adds. Nothing is suppressed again; what the graph left out no lower threshold brings back.
"""

from typing import Any

import numpy as np

from shared.errors import SettingsError
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature, free_stride
from shared.models.families.finished import surest
from shared.models.families.keypoints import columns_of, keypoint_shape, keypoints_in
from shared.models.families.metadata import literal
from shared.models.families.turned import around
from shared.models.families.yolo import Form, form_of
from shared.models.placement import Floats, Placement

SCORE, CLASS, BEHIND = 4, 5, 6


class UltralyticsEnd2End(Family):
    """Rows of box, score and class, the surest first; what is empty has a score of 0."""

    name = "ultralytics-e2e"

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if form_of(signature) is not Form.FINAL:
            return f"expected one output {Form.FINAL.value}"
        columns, least = signature.outputs[0].shape[2], BEHIND + behind(signature)
        exact = signature.metadata.get("task") != "segment"
        if isinstance(columns, int) and (columns < least or (exact and columns > least)):
            return f"suppression is said to be inside; expected {least} columns, got {list(signature.outputs[0].shape)}"
        return None

    def classes(self, signature: Signature) -> int | None:
        columns = signature.outputs[0].shape[-1] if signature.outputs else 0
        if len(signature.outputs[0].shape) != 3 or (isinstance(columns, int) and columns < BEHIND):
            raise SettingsError(f"no model with suppression inside: expected {Form.FINAL.value}; {signature}")
        names = literal(signature.metadata, "names")
        return len(names) if isinstance(names, dict | list | tuple) else None

    def known_of_input(self) -> dict[str, Any]:
        return {**super().known_of_input(), "stride": free_stride(self)}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        rows = self.only_output(outputs)
        scores, classes = rows[:, SCORE], rows[:, CLASS]
        if not ((scores >= 0).all() and (scores <= 1).all() and (classes == np.round(classes)).all()):
            raise SettingsError(
                "expected rows of x0, y0, x1, y1, score, class: the fifth column of a grey image's output goes from "
                f"{scores.min():.3g} to {scores.max():.3g}. If this is no model with suppression inside, say its `family`"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (most, 6 + …)."""
        rows = self.only_output(outputs)
        scores = np.where(rows[:, CLASS] >= 0, rows[:, SCORE], 0)
        rows = rows[surest(rows, scores, self.lowest_confidence, self.most)]
        shape = keypoint_shape(self.signature.metadata)
        points = None if shape is None else keypoints_in(rows[:, BEHIND:], shape, placement)
        boxes = placement.back(self._corners(rows))
        return Findings(rows[:, CLASS].astype(np.intp), rows[:, SCORE], boxes, points)

    def _corners(self, rows: Floats) -> Floats:
        if self.signature.metadata.get("task") != "obb" or rows.shape[1] <= BEHIND:
            return rows[:, :4]
        return around(np.concatenate([rows[:, :4], rows[:, BEHIND : BEHIND + 1]], axis=1))


def behind(signature: Signature) -> int:
    """Columns behind the class: an angle, key points, or (at least one) mask coefficients."""
    task = signature.metadata.get("task", "detect")
    return (columns_of(signature.metadata) or 0) if task == "pose" else int(task in ("obb", "segment"))
