"""MMDeploy's detectors of mmdet: `dets` [batch, n, 5] of xyxy and score in pixels of the input, `labels` [batch, n].

Promises: what `object_detection_model.py` makes of the outputs. How the image goes in depends on mmdet's configuration:
`pipeline.json` beside the model or a sidecar tells it. Without them: RGB with ImageNet's mean and deviation; an export of
a fixed size gets the image stretched, one with free axes gets it within 1333 x 800, zeros below and right up to 32.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.errors import SettingsError
from shared.imaging import Image
from shared.models import placement as places
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.finished import surest
from shared.models.placement import Floats, Placement, Size
from shared.models.preprocess import Preparation, Tensor
from shared.models.sidecar import InputOptions, Sidecar

SHORTEST_PX, LONGEST_PX, DIVISOR_PX = 800, 1333, 32


@dataclass(frozen=True, slots=True)
class MmdetPreparation(Preparation):
    """mmdet's own (`DetDataPreprocessor`): what is normalised lies in the corner of zeros. RTMDet's `Pad` is a letterbox."""

    free: bool = True

    def place(self, image_px: Size) -> Placement:
        """mmcv `image/geometric.py: imrescale`; mmdeploy `process_model_config` stretches where the size is fixed."""
        if self.mode == "stretch":
            return places.stretch(image_px, self._size())
        if self.mode == "letterbox":
            return Placement(image_px, fitted(image_px, self._size()), (0, 0), self._size())
        edges = (self.longest_px or LONGEST_PX, self.shortest_px or SHORTEST_PX)
        scaled = image_px if self.mode == "none" else rescaled(image_px, edges)
        if not self.free and (scaled[0] > self._size()[0] or scaled[1] > self._size()[1]):
            scaled = fitted(image_px, self._size())
        return Placement(image_px, scaled, (0, 0), self._whole(scaled))

    def canvas(self, image: Image) -> tuple[Image, Placement]:
        """Grey is laid around bytes; zeros come later."""
        placement = self.place((image.shape[1], image.shape[0]))
        scaled = self._scaled(image, placement.scaled_px)
        return (placement.padded(scaled, self.pad_value) if self.mode == "letterbox" else scaled), placement

    def tensor(self, canvas: Image) -> Tensor:
        planes = Preparation.tensor(self, canvas)  # no super(): a dataclass with slots is another class
        width, height = self._whole((canvas.shape[1], canvas.shape[0]))
        below, right = height - planes.shape[1], width - planes.shape[2]
        return np.pad(planes, ((0, 0), (0, below), (0, right))) if below or right else planes

    def _whole(self, scaled_px: Size) -> Size:
        """With the zeros: the input's size, or where that is free up to a multiple of 32."""
        if not self.free or self.mode in ("stretch", "letterbox"):
            return self._size()
        return scaled_px[0] + -scaled_px[0] % DIVISOR_PX, scaled_px[1] + -scaled_px[1] % DIVISOR_PX


def rescaled(image_px: Size, edges_px: Size) -> Size:
    """As large as fits a longer and a shorter edge, whichever way the image stands."""
    return _times(image_px, min(max(edges_px) / max(image_px), min(edges_px) / min(image_px)))


def fitted(image_px: Size, canvas_px: Size) -> Size:
    """As large as fits the canvas; the same as `rescaled` where that is a square."""
    return _times(image_px, min(canvas_px[0] / image_px[0], canvas_px[1] / image_px[1]))


def _times(image_px: Size, factor: float) -> Size:
    """Halves go up."""
    return max(1, int(image_px[0] * factor + 0.5)), max(1, int(image_px[1] * factor + 0.5))


class MMDeploy(Family):
    """End to end: suppression is inside the graph."""

    name = "mmdeploy"
    habits = Sidecar(input=InputOptions(scale=1.0, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)))

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        dets, labels = signature.output("dets"), signature.output("labels")
        if dets is None or labels is None:
            return "expected outputs dets and labels"
        if len(dets.shape) != 3 or dets.shape[2] != 5 or len(labels.shape) != 2:
            return f"expected dets [batch, n, 5] and labels [batch, n], got {dets} and {labels}"
        return None

    def classes(self, signature: Signature) -> None:
        """The outputs do not tell. Raises SettingsError for another layout."""
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no detector of MMDeploy: {objection}; {signature}")

    def prepares(self) -> Preparation:
        return MmdetPreparation.of(self.said.input, **self.known_of_input())

    def known_of_input(self) -> dict[str, Any]:
        usual = "shortest_edge" if self.input.free_size else "stretch"
        edges = {"shortest_px": SHORTEST_PX, "longest_px": LONGEST_PX}
        return {**super().known_of_input(), "mode": usual, "align": "top-left", "free": self.input.free_size, **edges}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        dets, labels = self._outputs(outputs)
        if dets.shape != (len(labels), 5):
            raise SettingsError(
                f"expected dets [n, 5] and labels [n] for one frame, got {dets.shape} and {labels.shape}"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """Rows with a score of 0 or less are padding."""
        dets, labels = self._outputs(outputs)
        kept = surest(dets[:, :4], dets[:, 4], self.lowest_confidence, self.most)
        return Findings(labels[kept].astype(np.intp), dets[kept, 4], placement.back(dets[kept, :4]))

    def _outputs(self, outputs: Outputs) -> tuple[Floats, Floats]:
        dets, labels = self.signature.output("dets"), self.signature.output("labels")
        assert dets is not None, "classes() looked"
        assert labels is not None, "classes() looked"
        return outputs[dets.name], outputs[labels.name]
