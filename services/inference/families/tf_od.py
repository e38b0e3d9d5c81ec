"""TF Object Detection, through tf2onnx: `detection_boxes` yxyx in 0..1, `detection_scores`, `detection_classes`, all floats.

Promises: what the exported TensorFlow function says (`exporter_lib_v2.py`, and the frozen graphs of TensorFlow 1, whose
names end with `:0`). The graph resizes and suppresses: an image goes in as it is, RGB bytes or floats in 0..255; an export
whose size is fixed gets it stretched. Classes count from 1.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.inference.families.boxes import in_image
from services.inference.families.family import Family, Findings, Outputs, Prepared, Signature
from services.inference.families.finished import first_number, surest
from services.inference.families.metadata import class_names
from services.inference.placement import Placement
from services.inference.preprocess import Preparation
from services.inference.sidecar import BoxOptions, InputOptions, Sidecar
from shared.errors import SettingsError

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes")


class TfOd(Family):
    """One image a run: the graphs loop over their frames, and many have a batch of 1 built in behind a free axis."""

    name = "tf-od"
    habits = Sidecar(input=InputOptions(scale=1.0), boxes=BoxOptions(format="yxyx", space="normalized"))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        missing = [name for name in OUTPUTS if signature.output(name) is None]
        return f"expected outputs {', '.join(OUTPUTS)}; there is no {', '.join(missing)}" if missing else None

    def classes(self, signature: Signature) -> None:
        """The outputs do not tell. Raises SettingsError for another layout."""
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no model of TF Object Detection: {objection}; {signature}")

    def prepares(self) -> Preparation:
        self.input = replace(self.input, batch=1)
        return super().prepares()

    def known_of_input(self) -> dict[str, Any]:
        wanted = self.input.free_size and self.said.input.size is None
        return {**super().known_of_input(), "mode": "none" if wanted else "stretch"}

    def named(self) -> tuple[str, ...]:
        self.classes(self.signature)
        base = first_number(self.said.names) if self.said.class_base is None else self.said.class_base
        return class_names(self.signature.metadata, self.said.names, None, base)

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
