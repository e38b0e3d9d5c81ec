"""Classifiers with softmax inside (Ultralytics classify, or any that is trained alike): output [batch, classes].

Promises: RGB in 0..1, shortest side resized with antialiasing, middle cut out, as Ultralytics does. A file that does not
say that it is one of these is taken only where sidecar or settings say `family: classify`.
"""

from typing import Any

import numpy as np

from services.inference.models.family import Family, Findings, Outputs, Prepared, Signature
from services.inference.placement import Placement
from services.inference.sidecar import InputOptions, ResizeOptions, Sidecar
from shared.errors import SettingsError

BEST = 5


class Classify(Family):
    """One row of probabilities per frame."""

    name = "classify"
    task = "classify"
    habits = Sidecar(input=InputOptions(resize=ResizeOptions(antialias=True)))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if not _is_one_row(signature):
            return "expected one output [batch, classes]"
        if signature.metadata.get("task") != "classify":
            return "its metadata do not say that it classifies; if it takes RGB in 0..1, say `family: classify`"
        return None

    def classes(self, signature: Signature) -> int:
        if not _is_one_row(signature):
            raise SettingsError(f"no classifier: expected one output [batch, classes]; {signature}")
        classes = signature.outputs[0].shape[1]
        assert isinstance(classes, int)
        return classes

    def known_of_input(self) -> dict[str, Any]:
        """A square is cut out of the middle; anything else is filled."""
        known, (width, height) = super().known_of_input(), self.input.size_px
        if width == height:
            return {**known, "mode": "shortest_edge", "shortest_px": width, "crop_px": width}
        return {**known, "mode": "stretch"}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        output = self.only_output(outputs)
        if not (output.min() >= 0 and abs(float(output.sum()) - 1) <= 0.02):
            raise SettingsError(
                f"expected class probabilities that sum to 1, got {output[:5].tolist()} with the sum {output.sum():.3g}: "
                "export the classifier with its softmax"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (classes,)."""
        output = self.only_output(outputs)
        known = np.flatnonzero(np.isfinite(output))
        best = known[np.argsort(-output[known], kind="stable")][:BEST]
        return Findings(best, output[best])


def _is_one_row(signature: Signature) -> bool:
    shapes = [tensor.shape for tensor in signature.outputs]
    return len(shapes) == 1 and len(shapes[0]) == 2 and isinstance(shapes[0][1], int)
