"""DETR and its kin as Hugging Face exports them: `pixel_values` in, `logits` [batch, Q, slots], `pred_boxes` [batch, Q, 4] out.

Promises: the boxes and scores of transformers' own `post_process_object_detection` (tested against it); cxcywh in 0..1 of
the image. Softmax with a last slot for nothing (DETR, YOLOS, Table Transformer) or sigmoid (RT-DETR, D-FINE, Deformable,
Conditional DETR): `config.json` beside the model or a sidecar says it; where nobody does, it is a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.imaging import Image
from shared.models.families.boxes import in_image
from shared.models.families.family import Family, Findings, Outputs, Prepared, Signature
from shared.models.placement import Floats, Placement, Size, letterbox
from shared.models.sidecar import BoxOptions, InputOptions, ResizeOptions, Sidecar

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHORTEST_PX, LONGEST_PX = 800, 1333
FARTHEST = 10.0
"""Boxes in shares of the image may reach over its edge, but never this far."""
_LARGEST_EXPONENT = 88.0
_LARGEST_LOGIT = 1e6
"""Finite, so that infinity less infinity is a number."""
_MASKS: Mapping[str, type[np.generic]] = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(float)": np.float32,
}


class Detr(Family):
    """Queries with a row of logits and a box each."""

    name = "detr"
    habits = Sidecar(
        input=InputOptions(resize=ResizeOptions(antialias=True)),
        boxes=BoxOptions(format="cxcywh", space="normalized"),
    )
    other_inputs = frozenset({"pixel_mask"})

    @classmethod
    def objection(cls, signature: Signature) -> str | None:
        logits, boxes = signature.output("logits"), signature.output("pred_boxes")
        if logits is None or boxes is None:
            return "expected outputs logits and pred_boxes"
        if len(logits.shape) != 3 or len(boxes.shape) != 3 or boxes.shape[2] != 4:
            return "expected logits [batch, queries, classes] and pred_boxes [batch, queries, 4]"
        mask = signature.input("pixel_mask")
        return None if mask is None or len(mask.shape) == 3 else "expected pixel_mask [batch, height, width]"

    def classes(self, signature: Signature) -> int | None:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no DETR: {objection}; {signature}")
        logits = signature.output("logits")
        return ids(logits.shape[2] if logits is not None else None, self.background)

    @property
    def activation(self) -> Literal["softmax", "sigmoid", "none"]:
        """As said, or guessed: the first DETRs, which use softmax, were exported with a `pixel_mask`."""
        return self.said.scores.activation or ("softmax" if self.signature.input("pixel_mask") else "sigmoid")

    @property
    def background(self) -> int | None:
        """The slot of 'nothing': softmax needs one, and has it last."""
        scores = self.said.scores
        if scores.background is False:
            return None
        usual = -1 if self.activation == "softmax" else None
        return usual if scores.background_index is None else scores.background_index

    def known_of_input(self) -> dict[str, Any]:
        """What the processor of the kind does, where neither `preprocessor_config.json` nor a sidecar says a thing."""
        known, said = super().known_of_input(), self.said.input
        fixed = said.size is not None or not self.input.free_size
        if self.activation != "softmax":
            return {**known, "mode": "stretch"}
        told = said.scale is not None or said.resize.mode is not None
        norm = {} if told else {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
        edges = {"shortest_px": said.resize.shortest_px or SHORTEST_PX, "longest_px": LONGEST_PX}
        return {**known, **norm, **({"mode": "stretch"} if fixed else {"mode": "shortest_edge", **edges})}

    def prepare(self, image: Image) -> Prepared:
        """A fixed input that the image does not fill is filled with zeros, right and below, after all scaling."""
        placement = self._place((image.shape[1], image.shape[0]))
        if placement is None:
            return super().prepare(image)
        how = replace(self.preparation, mode="stretch", size_px=placement.scaled_px)
        tensor = how.tensor(how.canvas(image)[0])
        width_px, height_px = self.input.size_px
        canvas = np.zeros((3, height_px, width_px), tensor.dtype)
        canvas[:, : tensor.shape[1], : tensor.shape[2]] = tensor
        return Prepared(canvas, placement)

    def _place(self, image_px: Size) -> Placement | None:
        """Where an image lies that is scaled by its edges on a fixed input; never larger than the input."""
        if self.preparation.mode != "shortest_edge" or self.input.free_size:
            return None
        wanted = self.preparation.place(image_px)
        if wanted.scaled_px[0] <= self.input.size_px[0] and wanted.scaled_px[1] <= self.input.size_px[1]:
            return wanted
        fitted = letterbox(image_px, self.input.size_px, align="top-left", rounding="trunc").scaled_px
        return Placement(image_px, fitted, (0, 0), fitted)

    def feeds(self, prepared: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
        feeds = super().feeds(prepared)
        mask = self.signature.input("pixel_mask")
        if mask is None:
            return feeds
        rows, columns = prepared[0].tensor.shape[1:]
        size = tuple(
            axis if isinstance(axis, int) else here for axis, here in zip(mask.shape[1:], (rows, columns), strict=True)
        )
        masks = [_mask(one.placement.scaled_px, (columns, rows), size) for one in prepared]
        return {**feeds, mask.name: np.stack(masks).astype(_MASKS.get(mask.type, np.int64))}

    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        boxes = outputs["pred_boxes"]
        if not (np.isfinite(boxes).all() and np.abs(boxes).max(initial=0) <= FARTHEST):
            raise SettingsError(
                f"expected pred_boxes in shares of the image, 0..1, got {boxes.min():.3g} to {boxes.max():.3g}: no DETR"
            )

    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """`logits` (Q, slots), `pred_boxes` (Q, 4)."""
        scores = of_sound_boxes(activated(outputs["logits"], self.activation), outputs["pred_boxes"])
        kinds = foreground(scores.shape[1], self.background)
        most = min(self.most, len(scores))
        if self.activation == "softmax":
            queries, columns = best_of_each(scores[:, kinds], self.lowest_confidence, most)
        else:
            queries, columns = best_pairs(scores[:, kinds], self.lowest_confidence, most)
        class_ids = kinds[columns]
        boxes = in_image(outputs["pred_boxes"][queries], "cxcywh", "normalized", placement)
        return Findings(class_ids, scores[queries, class_ids], boxes)


def activated(logits: Floats, activation: Literal["softmax", "sigmoid", "none"]) -> Floats:
    """Logits (Q, slots) as probabilities."""
    if activation == "none":
        return np.asarray(logits, np.float32)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))), np.float32)
    logits = np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def of_sound_boxes(scores: Floats, boxes: Floats) -> Floats:
    """Scores (Q, slots), 0 where the query's box is no box: half precision overflows, and nobody can use what comes of it."""
    sound = np.asarray(np.isfinite(boxes).all(axis=1))
    return scores if sound.all() else np.where(sound[:, None], scores, np.float32(0))


def ids(slots: int | str | None, background: int | None) -> int | None:
    """How many class ids there are: one that lies before another keeps its number, though nothing ever has it."""
    if not isinstance(slots, int):
        return None
    if background is not None and not -slots <= background < slots:
        raise SettingsError(f"scores.background_index: the output has {slots} slots, none of them is {background}")
    return slots - (background in (-1, slots - 1))


def foreground(slots: int, background: int | None) -> NDArray[np.intp]:
    """The slots that are classes."""
    every = np.arange(slots)
    return every if background is None else np.delete(every, background)


def best_of_each(scores: Floats, lowest: float, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Queries with their best class, the surest first."""
    columns = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), columns]
    queries = np.flatnonzero(best > lowest)
    queries = queries[np.argsort(-best[queries], kind="stable")][:most]
    return queries, columns[queries]


def best_pairs(scores: Floats, lowest: float, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The best pairs of query and class, the surest first: one query may give two classes, as these families do."""
    flat = scores.reshape(-1)
    passing = np.flatnonzero(flat > lowest)
    pairs = passing[np.argsort(-flat[passing], kind="stable")][:most]
    return pairs // scores.shape[1], pairs % scores.shape[1]


def _mask(scaled_px: Size, canvas_px: Size, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """Ones where the image lies, [rows, columns]. Some exports fixed its size (64x64) whatever the image's."""
    rows, columns = size
    return np.asarray(
        (np.arange(rows)[:, None] * canvas_px[1] < scaled_px[1] * rows)
        & (np.arange(columns)[None] * canvas_px[0] < scaled_px[0] * columns)
    )
