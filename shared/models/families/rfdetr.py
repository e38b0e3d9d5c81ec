"""RF-DETR: `input` [batch, 3, H, W] in, `dets` [batch, Q, 4] and `labels` [batch, Q, slots] of logits out (masks: left alone).

Promises: the boxes and scores of rfdetr's own `export/_onnx/inference.py` (tested against it). Which slot is no class, the file
does not say: the last (own data sets; the habit), none (COCO checkpoints: `scores: {background: false}`), or the first.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from shared.errors import SettingsError
from shared.imaging import Image
from shared.models.families.boxes import in_image
from shared.models.families.detr import (
    FARTHEST,
    IMAGENET_MEAN,
    IMAGENET_STD,
    activated,
    best_pairs,
    foreground,
    ids,
    of_sound_boxes,
)
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.families.metadata import class_names
from shared.models.placement import Placement
from shared.models.sidecar import BoxOptions, InputOptions, ResizeOptions, ScoreOptions, Sidecar


class RfDetr(Family):
    """Queries with a sigmoid per slot and a box each."""

    name = "rfdetr"
    habits = Sidecar(
        input=InputOptions(
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            resize=ResizeOptions(mode="stretch", interpolation="bilinear", antialias=False),
        ),
        boxes=BoxOptions(format="cxcywh", space="normalized"),
        scores=ScoreOptions(activation="sigmoid", background_index=-1),
    )

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        boxes, logits = signature.output("dets"), signature.output("labels")
        if boxes is None or logits is None:
            return "expected outputs dets and labels"
        if len(boxes.shape) != 3 or boxes.shape[2] != 4:
            return "expected dets [batch, queries, 4]"
        if len(logits.shape) != 3 or "float" not in logits.type:
            return "expected labels [batch, queries, classes] of floats"
        return None

    def classes(self, signature: Signature) -> int | None:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no RF-DETR: {objection}; {signature}")
        logits = signature.output("labels")
        return ids(logits.shape[2] if logits is not None else None, self.background)

    @property
    def background(self) -> int | None:
        return None if self.said.scores.background is False else self.said.scores.background_index

    def named(self) -> tuple[str, ...]:
        """A map may leave ids out: COCO's 80 names lie among 91 slots."""
        names, classes = self.said.names, self.classes(self.signature)
        if isinstance(names, Mapping) and classes is not None and set(names) <= set(range(classes)):
            return tuple(names.get(index, f"class{index}") for index in range(classes))
        base = 1 if self.background == 0 and self.said.class_base is None else self.said.class_base
        return class_names(self.signature.metadata, names, classes, base)

    def prepare(self, image: Image) -> Prepared:
        """Resized as floats, as torchvision does it before it rounds anything."""
        how = self.preparation
        if how.mode != "stretch" or how.antialias or how.interpolation != "bilinear" or how.bytes_in:
            return super().prepare(image)
        placement = how.place((image.shape[1], image.shape[0]))
        resized: Any = cv2.resize(image.astype(np.float32), placement.scaled_px, interpolation=cv2.INTER_LINEAR)
        return Prepared(how.tensor(resized), placement)

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        boxes = outputs["dets"]
        if not (np.isfinite(boxes).all() and np.abs(boxes).max(initial=0) <= FARTHEST):
            raise SettingsError(
                f"expected dets in shares of the image, 0..1, got {boxes.min():.3g} to {boxes.max():.3g}: no RF-DETR"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """`dets` (Q, 4), `labels` (Q, slots)."""
        scores = of_sound_boxes(activated(outputs["labels"], self.said.scores.activation or "sigmoid"), outputs["dets"])
        kinds = foreground(scores.shape[1], self.background)
        queries, columns = best_pairs(scores[:, kinds], self.lowest_confidence, min(self.most, len(scores)))
        class_ids = kinds[columns]
        boxes = in_image(outputs["dets"][queries], "cxcywh", "normalized", placement)
        return Findings(class_ids, scores[queries, class_ids], boxes)
