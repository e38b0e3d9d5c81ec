"""YOLOv5 (the original repository), YOLOv7 `--grid`, YOLOv6: [batch, N, 5 + classes], objectness before the classes.

Promises: the boxes and scores of yolov5's `detect.py`, but for its rounding to whole pixels. Boxes arrive as cxcywh in
letterboxed pixels; what counts is objectness x class. A model with free axes still gets the full canvas, as there.
"""

import numpy as np

from shared.errors import SettingsError
from shared.models.families.boxes import corners
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.nms import chosen
from shared.models.families.yolo import Form, form_of
from shared.models.placement import Floats, Placement
from shared.models.sidecar import NmsOptions, Sidecar


class Yolov5(Family):
    """One row for each anchor."""

    name = "yolov5"
    habits = Sidecar(nms=NmsOptions(iou=0.45), max_det=1000)

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if form_of(signature) is not Form.ROWS:
            return f"expected one output {Form.ROWS.value}"
        if "task" in signature.metadata:
            return (
                "its metadata are Ultralytics', whose rows have no objectness: if these have none, say `family: yolov5` and "
                "`scores: {objectness: false}`"
            )
        return None

    def classes(self, signature: Signature) -> int | None:
        output = signature.outputs[0]
        columns = output.shape[-1]
        if len(output.shape) != 3 or (isinstance(columns, int) and columns <= self._first):
            raise SettingsError(f"no YOLOv5: expected one output {Form.ROWS.value}; {signature}")
        return columns - self._first if isinstance(columns, int) else None

    @property
    def _first(self) -> int:
        """Column of the first class."""
        return 4 if self.said.scores.objectness is False else 5

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        scores = self.only_output(outputs)[:, 4:]
        if not (scores.min() >= 0 and scores.max() <= 1):
            raise SettingsError(
                f"expected objectness and class scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: no YOLOv5, or "
                "one exported without its last layer (YOLOv7: export it with --grid)"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (N, 5 + classes)."""
        rows = self.only_output(outputs)
        rows = rows[rows[:, 4] > self.lowest_confidence] if self._first == 5 else rows
        rows = rows[np.isfinite(rows).all(axis=1)]
        scores = self._scores(rows)
        class_ids, best = scores.argmax(axis=1), scores.max(axis=1)
        kept = np.flatnonzero(best > self.lowest_confidence)
        boxes, class_ids, confidences = corners(rows[kept, :4], "cxcywh"), class_ids[kept], best[kept]
        kept = chosen(boxes, confidences, class_ids, self.said.nms, self.most)
        return Findings(class_ids[kept], confidences[kept], back(boxes[kept], placement))

    def _scores(self, rows: Floats) -> Floats:
        """(N, classes). YOLOv7 never trains the class score of a single class; YOLOv5, whose files have names, does."""
        if self._first == 4:
            return rows[:, 4:]
        if rows.shape[1] == 6 and "names" not in self.signature.metadata:
            return rows[:, 4:5]
        return rows[:, 5:] * rows[:, 4:5]


def back(boxes: Floats, placement: Placement) -> Floats:
    """Boxes (N, 4) from canvas to image pixels with the unrounded margin and one scale for both axes, clipped.

    Half a pixel from the exact way back; these models are trained with it (yolov5 `utils/general.py: scale_boxes`,
    YOLOv7 `scale_coords`).
    """
    canvas, image = np.array(placement.canvas_px, np.float32), np.array(placement.image_px, np.float32)
    gain = (canvas / image).min()
    margin = (canvas - image * gain) / 2
    return placement.clipped((boxes - np.tile(margin, 2)) / gain)
