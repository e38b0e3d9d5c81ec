"""Ultralytics detectors (YOLOv8, 9, 11, 12, v5u; v10 and YOLO26 as exported by default): `output0` [batch, 4 + classes, N].

Promises: the boxes and scores of the family's own `predict`, to 0.01 px and 0.0001 (tested against it). Boxes arrive as
cxcywh in letterboxed pixels, scores already sigmoided; a model with free axes gets the smallest rectangle of its stride.
Behind the classes: mask coefficients (left alone), key points, or an angle (the upright rectangle around the turned box).
"""

from typing import Any

import numpy as np

from shared.errors import SettingsError
from shared.models.families.boxes import corners
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature, free_stride
from shared.models.families.keypoints import columns_of, keypoint_shape, keypoints_in
from shared.models.families.metadata import literal
from shared.models.families.nms import chosen
from shared.models.families.turned import around, suppress_turned
from shared.models.families.yolo import Form, form_of
from shared.models.placement import Placement
from shared.models.sidecar import NmsOptions, Sidecar

HEADS = ("detect", "segment", "pose", "obb")
BEHIND = {"detect": 0, "obb": 1}
"""Columns behind the class scores; with masks or key points it depends."""


class Ultralytics(Family):
    """Detect, segment, pose and obb heads without suppression inside."""

    name = "ultralytics"
    habits = Sidecar(nms=NmsOptions(iou=0.7))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        form, task = form_of(signature), signature.metadata.get("task", "detect")
        if task not in HEADS:
            return f"its task is {task}"
        if form is Form.FINAL:
            return "suppression is inside the graph"
        if form is Form.QUERIES:
            return "it is an RT-DETR"
        if form is not Form.COLUMNS:
            return f"expected one output {Form.COLUMNS.value}"
        if not isinstance(signature.outputs[0].shape[1], int) and not literal(signature.metadata, "names"):
            return "neither the output's second axis nor the metadata say how many classes there are"
        return None

    def classes(self, signature: Signature) -> int:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no Ultralytics detector: {objection}; {signature}")
        named = len(literal(signature.metadata, "names", ()))
        columns = signature.outputs[0].shape[1]
        if not isinstance(columns, int):
            return named
        behind = columns_of(signature.metadata) if self.head == "pose" else BEHIND.get(self.head)
        return named if behind is None else columns - 4 - behind

    @property
    def head(self) -> str:
        """What kind of head wrote the output."""
        said = self.said.task
        return said if said not in (None, "auto") else self.signature.metadata.get("task", "detect")

    def known_of_input(self) -> dict[str, Any]:
        return {**super().known_of_input(), "stride": free_stride(self)}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        scores = self.only_output(outputs)[4 : 4 + len(self.names)]
        if not (scores.min() >= 0 and scores.max() <= 1):
            raise SettingsError(
                f"expected class scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: "
                "no Ultralytics detector, or one whose export left the sigmoid out"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (4 + classes + what is behind them, N)."""
        output, end = self.only_output(outputs), 4 + len(self.names)
        best = output[4:end].max(axis=0)
        candidates = np.flatnonzero(best > self.lowest_confidence)
        candidates = candidates[np.isfinite(output[:, candidates]).all(axis=0)]
        class_ids, confidences = output[4:end, candidates].argmax(axis=0), best[candidates]
        boxes, behind = output[:4, candidates].T, output[end:, candidates].T
        if self.head == "obb":
            turned = np.concatenate([boxes, behind[:, :1]], axis=1)
            kept = chosen(turned, confidences, class_ids, self.said.nms, self.most, by=suppress_turned)
            boxes = around(turned)
        else:
            boxes = corners(boxes, "cxcywh")
            kept = chosen(boxes, confidences, class_ids, self.said.nms, self.most)
        shape = keypoint_shape(self.signature.metadata) if self.head == "pose" else None
        points = None if shape is None else keypoints_in(behind[kept], shape, placement)
        return Findings(class_ids[kept], confidences[kept], placement.back(boxes[kept]), points)
