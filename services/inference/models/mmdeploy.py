"""MMDeploy's detectors of mmdet: `dets` [batch, n, 5] of xyxy and score in pixels of the input, `labels` [batch, n].

Promises: what `object_detection_model.py` makes of the outputs. How the image goes in depends on mmdet's configuration:
`pipeline.json` beside the model or a sidecar tells it. Without them: RGB with ImageNet's mean and deviation; an export of
a fixed size gets the image stretched, one with free axes gets it within 1333 x 800, zeros below and right up to 32.
"""

from typing import Any

import cv2
import numpy as np

from services.inference import placement as places
from services.inference.models.family import Family, Findings, Outputs, Prepared, Signature
from services.inference.models.finished import surest
from services.inference.placement import Floats, Placement, Size
from services.inference.sidecar import InputOptions, Sidecar
from shared.errors import SettingsError
from shared.imaging import Image

SHORTEST_PX, LONGEST_PX, DIVISOR_PX = 800, 1333, 32


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

    def known_of_input(self) -> dict[str, Any]:
        usual = "shortest_edge" if self.input.free_size else "stretch"
        edges = {"shortest_px": SHORTEST_PX, "longest_px": LONGEST_PX}
        return {**super().known_of_input(), "mode": usual, "align": "top-left", **edges}

    def prepare(self, image: Image) -> Prepared:
        """Grey is laid around bytes (RTMDet's `Pad`), zeros around what is normalised already (mmdet's own)."""
        placement = self._place((image.shape[1], image.shape[0]))
        if placement.scaled_px != placement.image_px:
            image = np.asarray(cv2.resize(image, placement.scaled_px, interpolation=cv2.INTER_LINEAR), np.uint8)
        if self.preparation.mode == "letterbox":
            return Prepared(self.preparation.tensor(placement.padded(image, self.preparation.pad_value)), placement)
        return Prepared(_padded(self.preparation.tensor(image), placement.canvas_px), placement)

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

    def _place(self, image_px: Size) -> Placement:
        """mmcv `image/geometric.py: imrescale`, `impad`; mmdeploy `process_model_config` for what is fixed."""
        how, size_px = self.preparation, self.input.size_px
        match how.mode:
            case "stretch":
                return places.stretch(image_px, size_px)
            case "letterbox":
                return Placement(image_px, rescaled(image_px, size_px), (0, 0), size_px)
            case "none":
                scaled = image_px
            case "shortest_edge":
                scaled = rescaled(image_px, (how.longest_px or LONGEST_PX, how.shortest_px or SHORTEST_PX))
        up = (-scaled[0] % DIVISOR_PX, -scaled[1] % DIVISOR_PX)
        canvas = (scaled[0] + up[0], scaled[1] + up[1]) if self.input.free_size else size_px
        return Placement(image_px, scaled, (0, 0), canvas)


def rescaled(image_px: Size, edges_px: Size) -> Size:
    """As large as fits a longer and a shorter edge, whichever way the image stands; halves go up."""
    factor = min(max(edges_px) / max(image_px), min(edges_px) / min(image_px))
    return max(1, int(image_px[0] * factor + 0.5)), max(1, int(image_px[1] * factor + 0.5))


def _padded(planes: Floats, canvas_px: Size) -> Floats:
    """(3, H, W) on a canvas of zeros, its corner in the corner."""
    below, right = canvas_px[1] - planes.shape[1], canvas_px[0] - planes.shape[2]
    return np.pad(planes, ((0, 0), (0, below), (0, right))) if below or right else planes
