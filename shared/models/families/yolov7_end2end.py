"""YOLOv7 and YOLOv6 `--end2end --max-wh`: one output [found, 7], rows of batch, x0, y0, x1, y1, class, score.

Promises: xyxy in letterboxed pixels come back as YOLOv7's own code brings them back; rows go to the frame they name.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.finished import surest
from shared.models.families.yolov5 import back
from shared.models.placement import Placement

BATCH, CLASS, SCORE = 0, 5, 6
COLUMNS = 7


class Yolov7End2End(Family):
    """All frames' boxes in one table, in no order."""

    name = "yolov7-end2end"

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        shapes = [tensor.shape for tensor in signature.outputs]
        if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] != COLUMNS:
            return "expected one output [found, 7]"
        batch = signature.inputs[0].shape[0] if signature.inputs else None
        if isinstance(shapes[0][0], int) or (isinstance(batch, str) and shapes[0][0] == batch):
            return "expected one output [found, 7] whose first axis is free, and not the batch's"
        return None

    def classes(self, signature: Signature) -> None:
        shapes = [tensor.shape for tensor in signature.outputs]
        if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] not in (COLUMNS, None):
            raise SettingsError(f"no YOLOv7 with --end2end --max-wh: expected one output [found, 7]; {signature}")

    def split(self, outputs: Outputs, frames: int) -> list[dict[str, NDArray[Any]]]:
        rows = self.only_output(outputs)
        name = self.signature.outputs[0].name
        return [{name: rows[rows[:, BATCH] == number]} for number in range(frames)]

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        scores = self.only_output(outputs)[:, SCORE]
        if not ((scores >= 0) & (scores <= 1)).all():
            raise SettingsError(f"expected scores in 0..1 in the seventh column, got {scores[:5].tolist()}")

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (found, 7)."""
        rows = self.only_output(outputs)
        scores = np.where(rows[:, CLASS] >= 0, rows[:, SCORE], 0)
        rows = rows[surest(rows, scores, self.lowest_confidence, self.most)]
        return Findings(rows[:, CLASS].astype(np.intp), rows[:, SCORE], back(rows[:, 1:5], placement))
