"""TF Object Detection, through tf2onnx: `detection_boxes` yxyx in 0..1, `detection_scores`, `detection_classes`, all floats.

Promises: what the exported TensorFlow function says (`exporter_lib_v2.py`, and the frozen graphs of TensorFlow 1, whose
names end with `:0`). The graph resizes and suppresses: an image goes in as it is, RGB bytes or floats in 0..255; an export
whose size is fixed gets it stretched. Classes count from 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.boxes import in_image
from shared.models.families.family import Findings, Outputs, Prepared, Signature
from shared.models.families.finished import OneByOne, surest
from shared.models.placement import Placement
from shared.models.sidecar import BoxOptions, InputOptions, Sidecar

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes")


class TfOd(OneByOne):
    """One image a run: the graphs loop over their frames, and many have a batch of 1 built in behind a free axis."""

    name = "tf-od"
    called = "model of TF Object Detection"
    habits = Sidecar(input=InputOptions(scale=1.0), boxes=BoxOptions(format="yxyx", space="normalized"))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        missing = [name for name in OUTPUTS if signature.output(name) is None]
        return f"expected outputs {', '.join(OUTPUTS)}; there is no {', '.join(missing)}" if missing else None

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        boxes, scores, classes = (self._output(outputs, name) for name in OUTPUTS)
        if not (boxes.shape == (len(scores), 4) and scores.shape == classes.shape == (len(scores),)):
            shapes = f"{boxes.shape}, {scores.shape}, {classes.shape}"
            raise SettingsError(
                f"expected {', '.join(OUTPUTS)} of [1, n, 4], [1, n], [1, n], got for one frame {shapes}"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """Rows past `num_detections` have a score of 0."""
        boxes, scores, classes = (self._output(outputs, name) for name in OUTPUTS)
        kept = surest(boxes, np.where(np.isfinite(classes), scores, 0), self.lowest_confidence, self.most)
        form, space = self.said.boxes.format or "yxyx", self.said.boxes.space or "normalized"
        return Findings(
            np.rint(classes[kept]).astype(np.intp), scores[kept], in_image(boxes[kept], form, space, placement)
        )

    def _output(self, outputs: Outputs, name: str) -> NDArray[Any]:
        tensor = self.signature.output(name)
        assert tensor is not None, "classes() looked"
        return outputs[tensor.name]
