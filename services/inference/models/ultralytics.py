"""Ultralytics detectors (YOLOv8, 9, 11, 12, v5u, and YOLO26 as exported by default): `output0` [batch, 4 + classes, N].

Promises: the boxes and scores of the family's own `predict`, to 0.01 px and 0.0001 (tested against it). Boxes arrive as
cxcywh in letterboxed pixels, scores already sigmoided; a model with free axes gets the smallest rectangle of its stride.
"""

from typing import Any

import numpy as np

from services.inference.models.boxes import corners
from services.inference.models.family import Family, Findings, Outputs, Prepared, Signature, free_stride
from services.inference.models.metadata import literal
from services.inference.models.nms import suppress
from services.inference.placement import Placement
from services.inference.sidecar import NmsOptions, Sidecar
from shared.errors import SettingsError


class Ultralytics(Family):
    """Detect head without NMS inside."""

    name = "ultralytics"
    habits = Sidecar(nms=NmsOptions(iou=0.7))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        task = signature.metadata.get("task", "detect")
        return f"its task is {task}" if task != "detect" else _head_objection(signature) or _layout_objection(signature)

    def classes(self, signature: Signature) -> int:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no Ultralytics detector: {objection}; {signature}")
        columns = signature.outputs[0].shape[1]
        return columns - 4 if isinstance(columns, int) else len(literal(signature.metadata, "names", ()))

    def known_of_input(self) -> dict[str, Any]:
        return {**super().known_of_input(), "stride": free_stride(self)}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        scores = self.only_output(outputs)[4:]
        if not (scores.min() >= 0 and scores.max() <= 1):
            raise SettingsError(
                f"expected class scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: "
                "no Ultralytics detector, or one whose export left the sigmoid out"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (4 + classes, N)."""
        output = self.only_output(outputs)
        best = output[4:].max(axis=0)
        candidates = np.flatnonzero(best > self.lowest_confidence)
        class_ids, confidences = output[4:, candidates].argmax(axis=0), best[candidates]
        boxes = corners(output[:4, candidates].T, "cxcywh")
        kept = suppress(boxes, confidences, class_ids, self.said.nms.iou or 0.7, self.most)
        return Findings(class_ids[kept], confidences[kept], placement.back(boxes[kept]))


def _head_objection(signature: Signature) -> str | None:
    if literal(signature.metadata, "end2end", False) or (literal(signature.metadata, "args", {}) or {}).get("nms"):
        return "suppression is inside the graph"
    if signature.metadata.get("head") == "RTDETRDecoder" or "rtdetr" in signature.metadata.get(
        "description", ""
    ).lower().replace("-", ""):
        return "it is an RT-DETR"
    return None


def _layout_objection(signature: Signature) -> str | None:
    if len(signature.outputs) != 1 or len(signature.outputs[0].shape) != 3:
        return "expected one output of rank 3"
    _, columns, length = signature.outputs[0].shape
    names = literal(signature.metadata, "names")
    if not isinstance(columns, int):
        return None if names else "neither the output's second axis nor the metadata say how many classes there are"
    if columns < 5 or (isinstance(length, int) and length <= columns):
        return f"expected an output [batch, 4 + classes, many], got {list(signature.outputs[0].shape)}"
    return None
