"""SSD as Caffe's DetectionOutput writes it (OpenVINO's zoo, OpenCV's samples): one output [1, 1, n, 7].

Promises: rows of image, class, score and corners in 0..1 as OpenVINO's samples read them: up to the first row whose image is
below 0. The picture is stretched, BGR in 0..255; a sidecar says where a model was trained otherwise. Class 0 is the background.
"""

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.boxes import in_image
from shared.models.families.family import Findings, Outputs, Prepared, Signature
from shared.models.families.finished import OneByOne, surest
from shared.models.placement import Placement
from shared.models.sidecar import BoxOptions, InputOptions, ResizeOptions, Sidecar

IMAGE, KIND, SCORE, BOX, COLUMNS = 0, 1, 2, slice(3, 7), 7


class CaffeSsd(OneByOne):
    """One image a run: the rows of all frames come in one list."""

    name = "caffe-ssd"
    called = "SSD of Caffe's layout"
    habits = Sidecar(
        input=InputOptions(color="bgr", scale=1.0, resize=ResizeOptions(mode="stretch")),
        boxes=BoxOptions(format="xyxy", space="normalized"),
    )

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        shapes = [tensor.shape for tensor in signature.outputs]
        right = len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] == 1 and shapes[0][3] == COLUMNS
        return None if right else "expected one output [1, 1, n, 7]"

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        rows = self.only_output(outputs)
        if rows.ndim != 3 or rows.shape[2] != COLUMNS:
            raise SettingsError(f"expected rows of 7 numbers, got {rows.shape} for a blank image")

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output of one frame is (1, n, 7)."""
        rows = _real(self.only_output(outputs)[0])
        kept = surest(rows[:, BOX], rows[:, SCORE], self.lowest_confidence, self.most)
        form, space = self.said.boxes.format or "xyxy", self.said.boxes.space or "normalized"
        boxes = in_image(rows[kept, BOX], form, space, placement)
        return Findings(rows[kept, KIND].astype(np.intp), rows[kept, SCORE], boxes)


def _real(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Those before the end mark, without any whose class is no number."""
    ends = np.flatnonzero(rows[:, IMAGE] < 0)
    listed = rows[: ends[0]] if len(ends) else rows
    return listed[np.isfinite(listed[:, KIND])]
