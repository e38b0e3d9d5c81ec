"""The layout of TensorRT's EfficientNMS: `num_dets`, `det_boxes`, `det_scores`, `det_classes`, from operators that ONNX has.

Promises: the first `num_dets` rows, xyxy in letterboxed pixels, brought back as YOLOv6's and YOLOv7's own code does. A file
with the plugin itself (`EfficientNMS_TRT`) is refused by onnxruntime before it comes here.
"""

import numpy as np

from shared.errors import SettingsError
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.yolov5 import back
from shared.models.placement import Placement

OUTPUTS = ("num_dets", "det_boxes", "det_scores", "det_classes")


class EfficientNms(Family):
    """Four outputs; what fills them up has the class -1."""

    name = "efficientnms"

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        missing = [name for name in OUTPUTS if signature.output(name) is None]
        return f"it has no output {', '.join(missing)}" if missing else None

    def classes(self, signature: Signature) -> None:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no model in the EfficientNMS layout: {objection}; {signature}")

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        found = self.read(outputs, prepared.placement)
        if not (found.confidences <= 1).all():
            raise SettingsError(f"expected scores in 0..1, got {found.confidences[:5].tolist()}")

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """`num_dets` (1,), boxes (K, 4), scores (K,), classes (K,)."""
        count, boxes, scores, classes = (outputs[self._full_name(name)] for name in OUTPUTS)
        known = np.isfinite(boxes).all(axis=1) & (scores > self.lowest_confidence) & (classes >= 0)
        known &= np.arange(len(scores)) < np.ravel(count)[0]
        kept = np.flatnonzero(known)
        kept = kept[np.argsort(-scores[kept], kind="stable")][: self.most]
        return Findings(classes[kept].astype(np.intp), scores[kept], back(boxes[kept], placement))

    def _full_name(self, plain: str) -> str:
        tensor = self.signature.output(plain)
        assert tensor is not None, "classes() refuses such a file"
        return tensor.name
