"""Classifiers with softmax inside (Ultralytics classify, or any that is trained alike): output [batch, classes].

Promises: RGB in 0..1, shortest side resized with antialiasing, middle cut out, as Ultralytics does. A file that does not
say that it is one of these is taken only where the settings say `family: classify`.
"""

import numpy as np

from services.inference.models.family import Family, Findings, Signature
from services.inference.preprocess import Floats, centre_crop, unit_tensor
from shared.errors import SettingsError
from shared.imaging import Image

BEST = 5


class Classify(Family):
    """One row of probabilities per frame."""

    name = "classify"
    task = "classify"

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        if not _is_one_row(signature):
            return "expected one output [batch, classes]"
        if signature.metadata.get("task") != "classify":
            return "its metadata do not say that it classifies; if it takes RGB in 0..1, set model.family to classify"
        return None

    def classes(self, signature: Signature) -> int:
        if not _is_one_row(signature):
            raise SettingsError(f"no classifier: expected one output [batch, classes]; {signature}")
        classes = signature.outputs[0].shape[1]
        assert isinstance(classes, int)
        return classes

    def prepare(self, image: Image) -> Floats:
        return unit_tensor(centre_crop(image, self.input.size_px))

    def check(self, output: Floats) -> None:
        if not (output.min() >= 0 and abs(float(output.sum()) - 1) <= 0.02):
            raise SettingsError(
                f"expected class probabilities that sum to 1, got {output[:5].tolist()} with the sum {output.sum():.3g}: "
                "export the classifier with its softmax"
            )

    def read(self, output: Floats, width_px: int, height_px: int) -> Findings:
        """`output` is (classes,)."""
        known = np.flatnonzero(np.isfinite(output))
        best = known[np.argsort(-output[known], kind="stable")][:BEST]
        return Findings(best, output[best])


def _is_one_row(signature: Signature) -> bool:
    shapes = [tensor.shape for tensor in signature.outputs]
    return len(shapes) == 1 and len(shapes[0]) == 2 and isinstance(shapes[0][1], int)
