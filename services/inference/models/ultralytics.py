"""Ultralytics detectors (YOLOv8, 9, 11, 12, v5u, and YOLO26 as exported by default): `output0` [batch, 4 + classes, N].

Promises: the boxes and scores of the family's own `predict`, to 0.01 px and 0.0001 (tested against it). Boxes arrive as
cxcywh in letterboxed pixels, scores already sigmoided; a model with free axes gets the smallest rectangle of its stride.
"""

import numpy as np

from services.inference.config import ModelConfig
from services.inference.models.family import Family, Findings, Signature
from services.inference.models.metadata import literal, stride_px
from services.inference.models.nms import suppress
from services.inference.preprocess import Floats, Letterbox, unit_tensor
from shared.errors import SettingsError
from shared.imaging import Image


class Ultralytics(Family):
    """Detect head without NMS inside."""

    name = "ultralytics"
    task = "detect"

    def __init__(self, signature: Signature, config: ModelConfig) -> None:
        super().__init__(signature, config)
        self._stride = stride_px(signature.metadata) if self.input.free_size else None

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

    def prepare(self, image: Image) -> Floats:
        height_px, width_px = image.shape[:2]
        return unit_tensor(self._letterbox(width_px, height_px).apply(image))

    def check(self, output: Floats) -> None:
        scores = output[4:]
        if not (scores.min() >= 0 and scores.max() <= 1):
            raise SettingsError(
                f"expected class scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: "
                "no Ultralytics detector, or one whose export left the sigmoid out"
            )

    def read(self, output: Floats, width_px: int, height_px: int) -> Findings:
        """`output` is (4 + classes, N)."""
        best = output[4:].max(axis=0)
        candidates = np.flatnonzero(best > self.config.lowest_confidence)
        class_ids, confidences = output[4:, candidates].argmax(axis=0), best[candidates]
        boxes = _xyxy(output[:4, candidates])
        kept = suppress(boxes, confidences, class_ids, self.config.iou, self.config.max_detections)
        return Findings(class_ids[kept], confidences[kept], self._letterbox(width_px, height_px).back(boxes[kept]))

    def _letterbox(self, width_px: int, height_px: int) -> Letterbox:
        return Letterbox.fit((width_px, height_px), self.input.size_px, self._stride)


def _xyxy(boxes: Floats) -> Floats:
    """(4, N) of centre and size as (N, 4) of corners."""
    centre, half = boxes[:2], boxes[2:] / 2
    return np.concatenate([centre - half, centre + half]).T


def _head_objection(signature: Signature) -> str | None:
    if literal(signature.metadata, "end2end", False) or (literal(signature.metadata, "args", {}) or {}).get("nms"):
        return "suppression is inside the graph; export it without (nms=False, end2end=False)"
    if (
        signature.metadata.get("head") == "RTDETRDecoder"
        or "rtdetr" in signature.metadata.get("description", "").lower()
    ):
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
