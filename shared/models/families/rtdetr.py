"""RT-DETR as its own repository exports it, D-FINE and DEIM after it: `images`, `orig_target_sizes` in, `labels`, `boxes`,
`scores` out.

Promises: the numbers of the repository's own steps (`references/deploy/rtdetrv2_onnxruntime.py`; tested against them). The best
pairs are chosen in the graph, boxes come in the pixels that `orig_target_sizes` (width, height) asks for: those of the canvas.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.finished import surest
from shared.models.placement import Placement
from shared.models.sidecar import InputOptions, ResizeOptions, Sidecar

SIZES = "orig_target_sizes"
_RANKS = {"labels": 2, "boxes": 3, "scores": 2}


class RtDetr(Family):
    """Detections, final."""

    name = "rtdetr"
    habits = Sidecar(input=InputOptions(resize=ResizeOptions(mode="stretch", interpolation="bilinear", antialias=True)))
    other_inputs = frozenset({SIZES})

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        sizes = signature.input(SIZES)
        if sizes is None or len(sizes.shape) != 2:
            return f"expected an input {SIZES} [batch, 2]"
        for name, rank in _RANKS.items():
            output = signature.output(name)
            if output is None or len(output.shape) != rank:
                return "expected outputs labels [batch, many], boxes [batch, many, 4] and scores [batch, many]"
        return None

    def classes(self, signature: Signature) -> int | None:
        """Its outputs do not tell."""
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no RT-DETR: {objection}; {signature}")
        return None

    def feeds(self, prepared: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
        """The canvas's own size: the way back to the image is the placement's, whatever lies on the canvas."""
        declared = self.signature.input(SIZES)
        assert declared is not None, "the constructor refuses a file without it"
        dtype = np.float32 if "float" in declared.type else np.int32 if "int32" in declared.type else np.int64
        sizes = np.array([one.placement.canvas_px for one in prepared], dtype)
        return {**super().feeds(prepared), declared.name: sizes}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        scores = outputs["scores"]
        if not (scores.min(initial=0) >= 0 and scores.max(initial=0) <= 1):
            raise SettingsError(
                f"expected scores in 0..1, got {scores.min():.3g} to {scores.max():.3g}: "
                "no RT-DETR, or one whose export left the sigmoid out"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """`labels` (N,), `boxes` (N, 4) xyxy, `scores` (N,)."""
        boxes, labels = outputs["boxes"], outputs["labels"].astype(np.intp)
        scores = np.where(labels >= 0, outputs["scores"], np.float32(0))  # labels below 0 are padding
        best = surest(boxes, scores, self.lowest_confidence, self.most)
        return Findings(labels[best], scores[best], placement.back(boxes[best]))
