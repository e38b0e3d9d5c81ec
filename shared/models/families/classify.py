"""Classifiers: one output [batch, classes], of probabilities or of logits (torchvision, timm, Hugging Face, Ultralytics).

Promises: the probabilities of the package's own evaluation. Whether softmax is inside is seen in a run on a blank image. Mean,
deviation, resize and crop stand in no ONNX file but Ultralytics': a sidecar or `preprocessor_config.json` says them, and
who says nothing is refused with the lines to paste, since a guess would give other classes without a word.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from shared.errors import SettingsError
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.metadata import literal
from shared.models.placement import Floats, Placement, Size
from shared.models.preprocess import Preparation
from shared.models.sidecar import InputOptions, ResizeOptions, Sidecar

BEST = 5
_CROP_SHARE = 0.875
"""What the middle is of the resized image, by torchvision's and timm's default: 224 of 256."""


class Classify(Family):
    """One row of numbers per frame."""

    name = "classify"
    task = "classify"
    habits = Sidecar(input=InputOptions(resize=ResizeOptions(antialias=True)))

    def __init__(self, signature: Signature, said: Sidecar, lowest_confidence: float = 0.05) -> None:
        self._named_family = said.family == self.name
        self._told = signature.metadata.get("task") == "classify" or said.input != InputOptions()
        super().__init__(signature, said, lowest_confidence)
        self._activation = self.said.scores.activation
        if not (self._told or self._named_family):
            raise self._refusal()

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        """A file that does not say how it wants its image is one of these too: it is refused with what to say."""
        return None if _is_one_row(signature) else "expected one output [batch, classes], and an image as its input"

    def classes(self, signature: Signature) -> int:
        if not _is_one_row(signature):
            raise SettingsError(f"no classifier: expected one output [batch, classes]; {signature}")
        classes = signature.outputs[0].shape[1]
        assert isinstance(classes, int)
        return classes

    def prepares(self) -> Preparation:
        self.input = replace(self.input, size_px=self._size_px())
        return super().prepares()

    def known_of_input(self) -> dict[str, Any]:
        """A square is cut out of the middle; anything else is filled."""
        known, (width, height) = super().known_of_input(), self.input.size_px
        if width == height:
            return {**known, "mode": "shortest_edge", "shortest_px": width, "crop_px": width}
        return {**known, "mode": "stretch"}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        output = self.only_output(outputs)
        if not np.isfinite(output).all():
            raise SettingsError(f"expected a number for each class, got {output[:5].tolist()} for a blank image")
        inside = bool(output.min() >= 0 and abs(float(output.sum()) - 1) <= 0.02)
        if not (self._told or inside):
            raise self._refusal()
        if self._activation is None:
            self._activation = "none" if inside else "softmax"

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """The output is (classes,)."""
        output = self.only_output(outputs)
        known = np.flatnonzero(np.isfinite(output))
        scores = self._activated(output[known])
        best = np.argsort(-scores, kind="stable")[:BEST]
        return Findings(known[best], scores[best])

    def _activated(self, output: Floats) -> Floats:
        match self._activation:
            case "softmax":
                raised = np.exp(output - output.max(initial=-np.inf))
                return np.asarray(raised / raised.sum(), np.float32)
            case "sigmoid":
                return np.asarray(1 / (1 + np.exp(-output)), np.float32)
        return output

    def _size_px(self) -> Size:
        """(width, height); where the file leaves it free, what is cut out of the middle."""
        crop, declared = self.said.input.center_crop, literal(self.signature.metadata, "imgsz")
        if not self.input.free_size:
            return self.input.size_px
        if crop is None and self.said.input.size is None and declared is None:
            raise SettingsError(
                f"expected to be told the size of the image, which the classifier leaves free: `input: {{size: [224, 224]}}` "
                f"or `center_crop` in a sidecar; {self.signature}"
            )
        return (crop, crop) if crop else self.input.size_px

    def _refusal(self) -> SettingsError:
        """With what torchvision's and timm's models want by default, for this size."""
        crop = min(self.input.size_px)
        imagenet = "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]"
        resize = f"mode: shortest_edge, shortest_px: {int(crop / _CROP_SHARE)}"
        return SettingsError(
            "the file does not say how this classifier wants its image, and a guess would give wrong classes. Say it in a "
            f"sidecar. torchvision: `input: {{{imagenet}, resize: {{{resize}}}, center_crop: {crop}}}`. "
            f"timm: `input: {{{imagenet}, resize: {{{resize}, interpolation: bicubic}}, center_crop: {crop}}}`, with the "
            "numbers of the model's pretrained_cfg. Hugging Face: put its preprocessor_config.json beside it. If it has "
            "softmax inside and takes RGB in 0..1, as Ultralytics' do, set model.family to classify"
        )


def _is_one_row(signature: Signature) -> bool:
    """One output of rank 2; 7 columns in rows that are not frames are YOLOv7's detections."""
    shapes = [tensor.shape for tensor in signature.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 2 or not isinstance(shapes[0][1], int):
        return False
    images = [tensor.shape for tensor in signature.inputs]
    rows, columns = shapes[0]
    return len(images) == 1 and len(images[0]) == 4 and (columns != 7 or rows == images[0][0])
