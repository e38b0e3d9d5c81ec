"""YOLOX: [batch, one row for each cell, 5 + classes], as its `tools/export_onnx.py` writes it, decoded or not.

Promises: the boxes and scores of its `demo/ONNXRuntime`: BGR bytes as floats, the image at the top left, sizes cut off,
suppression across classes with its areas of one pixel more. Whether the grid is decoded already shows in a blank image.
"""

from typing import Any

import numpy as np

from shared.errors import SettingsError
from shared.models.families.boxes import corners
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.nms import chosen
from shared.models.families.yolo import STRIDES_PX, Form, cell_counts, form_of
from shared.models.placement import Floats, Placement
from shared.models.sidecar import InputOptions, NmsOptions, ResizeOptions, Sidecar

LARGEST_LOG = 20.0
"""e to this is more pixels than any image has; what is larger is no width."""


class Yolox(Family):
    """One row for each cell of the grids of stride 8, 16, 32 and perhaps 64."""

    name = "yolox"
    habits = Sidecar(
        input=InputOptions(color="bgr", scale=1.0, resize=ResizeOptions(align="top-left", rounding="trunc")),
        nms=NmsOptions(iou=0.45, class_agnostic=True),
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._decoded = bool(self.said.decoded)
        self._centres, self._strides = grid(self.signature)

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        return None if form_of(signature) is Form.POINTS else f"expected no metadata and one output {Form.POINTS.value}"

    def classes(self, signature: Signature) -> int:
        output = signature.outputs[0]
        columns = output.shape[-1]
        if len(output.shape) != 3 or not isinstance(columns, int) or columns < 6:
            raise SettingsError(f"no YOLOX: expected one output {Form.POINTS.value}; {signature}")
        if output.shape[1] not in cell_counts(signature):
            raise SettingsError(
                f"no YOLOX: expected {cell_counts(signature)[0]} rows, one for each cell of stride 8, 16 and 32, or "
                f"{cell_counts(signature)[1]} with stride 64; {signature}"
            )
        return columns - 5

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        rows = self.only_output(outputs)
        scores = rows[:, 4:]
        if not (scores.min() >= 0 and scores.max() <= 1):
            raise SettingsError(f"expected scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: no YOLOX")
        if (scores[:, 0] == 1).all():
            raise SettingsError("objectness is 1 everywhere, as YOLOv6 writes it: say `family: yolov5`, which reads it")
        if self.said.decoded is None:
            self._decoded = self._looks_decoded(rows)

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (cells, 5 + classes)."""
        rows = self.only_output(outputs)
        scores = rows[:, 5:] * rows[:, 4:5]
        best = scores.max(axis=1)
        candidates = np.flatnonzero(best > self.lowest_confidence)
        candidates = candidates[np.isfinite(rows[candidates]).all(axis=1)]
        class_ids, confidences = scores[candidates].argmax(axis=1), best[candidates]
        boxes = corners(self._boxes(rows[candidates, :4], candidates), "cxcywh") / _ratio(placement)
        # Its areas and overlaps count the last pixel too: those of boxes that reach one pixel further.
        kept = chosen(boxes + np.array([0, 0, 1, 1], np.float32), confidences, class_ids, self.said.nms, self.most)
        return Findings(class_ids[kept], confidences[kept], placement.clipped(boxes[kept]))

    def _boxes(self, columns: Floats, cells: Any) -> Floats:
        """cxcywh in pixels of the canvas (`utils/demo_utils.py: demo_postprocess`)."""
        if self._decoded:
            return columns
        strides = self._strides[cells][:, None]
        sizes = np.exp(np.minimum(columns[:, 2:], LARGEST_LOG)) * strides
        return np.concatenate([(columns[:, :2] + self._centres[cells]) * strides, sizes], axis=1)

    def _looks_decoded(self, rows: Floats) -> bool:
        """Decoded centres lie near their cells; offsets lie near zero, wherever the cell is."""
        centres = (self._centres + 0.5) * self._strides[:, None]
        return bool(np.median(np.abs(rows[:, :2] - centres)) < np.median(np.abs(rows[:, :2] - 0.5)))


def grid(signature: Signature) -> tuple[Floats, Floats]:
    """Each cell's place (cells, 2) in units of its stride, and its stride (cells,), in the order of the rows."""
    height, width = signature.inputs[0].shape[-2:]
    assert isinstance(height, int), "classes() refuses a free size"
    assert isinstance(width, int), "classes() refuses a free size"
    strides = (*STRIDES_PX, 64) if signature.outputs[0].shape[1] == cell_counts(signature)[1] else STRIDES_PX
    places, sizes = [], []
    for stride in strides:
        y, x = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([x.ravel(), y.ravel()], axis=1))
        sizes.append(np.full(x.size, stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _ratio(placement: Placement) -> np.float32:
    """One for both axes, as `preproc` returns it, whatever the cut-off sizes come to."""
    return np.float32(min(np.array(placement.canvas_px) / np.array(placement.image_px)))
