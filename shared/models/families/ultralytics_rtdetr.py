"""RT-DETR as Ultralytics exports it: [batch, queries, 4 + classes] up to 8.4.40, [batch, queries, 6] from 8.4.50 on.

Promises: the boxes and scores of the family's own `predict` (which does not clip; Gleaner does). The image is stretched,
not letterboxed; boxes are cxcywh in 0..1; scores are sigmoided; nothing is suppressed.
"""

import re

import numpy as np

from shared.errors import SettingsError
from shared.models.families.boxes import in_image
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.finished import surest
from shared.models.families.metadata import literal
from shared.models.families.yolo import Form, form_of
from shared.models.placement import Floats, Placement
from shared.models.sidecar import InputOptions, ResizeOptions, Sidecar

FIRST_WITH_SIX = (8, 4, 45)
"""Between 8.4.40 (scores of each class) and 8.4.50 (score and class), when both are six columns: two classes."""


class UltralyticsRtdetr(Family):
    """A row for each query."""

    name = "ultralytics-rtdetr"
    habits = Sidecar(input=InputOptions(resize=ResizeOptions(mode="stretch")))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if form_of(signature) is not Form.QUERIES:
            return "its metadata do not say that it is an RT-DETR of Ultralytics"
        columns = signature.outputs[0].shape[2]
        named = len(literal(signature.metadata, "names", ()))
        if columns == 6 or (isinstance(columns, int) and columns > 4 and named in (0, columns - 4)):
            return None
        return f"expected an output [batch, queries, 6] or [batch, queries, 4 + classes], got {signature.outputs[0]}"

    def classes(self, signature: Signature) -> int | None:
        output = signature.outputs[0]
        columns = output.shape[-1]
        if len(output.shape) != 3 or not isinstance(columns, int) or columns < 5:
            raise SettingsError(f"no RT-DETR of Ultralytics: expected one output of rank 3; {signature}")
        named = len(literal(signature.metadata, "names", ()))
        return (named or None) if self._is_topk(columns, named) else columns - 4

    def _is_topk(self, columns: int, named: int) -> bool:
        """Score and class, instead of a score for each class."""
        if self.signature.metadata.get("head") == "RTDETRDecoder":
            return True
        return columns == 6 and (named != 2 or _version(self.signature) >= FIRST_WITH_SIX)

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        rows = self.only_output(outputs)
        if not (rows[:, :4].min() >= -1 and rows[:, :4].max() <= 2 and rows[:, 4].min() >= 0 and rows[:, 4].max() <= 1):
            raise SettingsError(
                f"expected boxes and scores in 0..1, got {rows.min():.3g} to {rows.max():.3g}: no RT-DETR of Ultralytics"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (queries, 6) or (queries, 4 + classes)."""
        rows = self.only_output(outputs)
        class_ids, confidences = self._scores(rows)
        kept = surest(rows, np.where(class_ids >= 0, confidences, 0), self.lowest_confidence, self.most)
        boxes = in_image(rows[kept, :4], "cxcywh", "normalized", placement)
        return Findings(class_ids[kept].astype(np.intp), confidences[kept], boxes)

    def _scores(self, rows: Floats) -> tuple[Floats, Floats]:
        if self._is_topk(rows.shape[1], len(self.names)):
            return rows[:, 5], rows[:, 4]
        return rows[:, 4:].argmax(axis=1), rows[:, 4:].max(axis=1)


def _version(signature: Signature) -> tuple[int, ...]:
    """Of Ultralytics, from the file; one that says none is taken for a new one."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", signature.metadata.get("version", ""))
    return tuple(map(int, found.groups())) if found else FIRST_WITH_SIX
