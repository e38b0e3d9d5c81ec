"""What the model saw in a frame, as the prediction that travels.

Promises: the same frame and findings give the same prediction. Boxes whose numbers are no numbers are left out, key points
likewise; boxes below the product threshold of their class are marked. No prediction grows too large by its key points.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from services.inference.batching import Seen
from shared.models.config import ModelConfig
from shared.models.families.family import Findings
from shared.models.placement import Floats
from shared.streams.frames import Frame
from shared.streams.predictions import (
    MAX_PREDICTION_BYTES,
    Box,
    ClassScore,
    Detection,
    Keypoint,
    Prediction,
    threshold_for,
)

BOX_BYTES, POINT_BYTES = 200, 30
"""What one takes in JSON, rounded up: `[1279.95,719.95,0.9375],` has 24, with five digits before the point 26."""

Keypoints = tuple[Keypoint, ...]


class Known(Protocol):
    """What a prediction says of its model."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def config(self) -> ModelConfig: ...
    @property
    def task(self) -> Literal["detect", "classify"]: ...
    def name_of(self, class_id: int) -> str: ...


def prediction_of(model: Known, frame: Frame, seen: Seen) -> Prediction:
    return Prediction(
        frame=frame.ref,
        source_id=frame.source_id,
        producer_frame_id=frame.producer_frame_id,
        captured_at=frame.captured_at,
        frame_index=frame.frame_index,
        content_type=seen.content_type,
        width_px=seen.width_px,
        height_px=seen.height_px,
        model_id=model.id,
        model_version=model.version,
        role=model.config.role,
        task=model.task,
        threshold=model.config.threshold,
        class_thresholds=model.config.class_thresholds,
        detections=_detections(model, seen.findings),
        classes=_classes(model, seen.findings),
        timings_ms=seen.timings_ms,
    )


def _detections(model: Known, findings: Findings) -> tuple[Detection, ...]:
    """A box whose numbers are no numbers is left out: the model says nothing by it."""
    if findings.boxes is None:
        return ()
    boxes, kinds = findings.boxes.round(3).tolist(), findings.class_ids.tolist()
    rows = zip(boxes, kinds, _shares(findings), _keypoints(findings), strict=True)
    return tuple(
        _detection(model, (left, top, right, bottom), kind, share, points)
        for (left, top, right, bottom), kind, share, points in rows
        if left <= right and top <= bottom
    )


def _detection(model: Known, box: Box, kind: int, share: float, points: Keypoints) -> Detection:
    name = model.name_of(kind)
    shown_from = threshold_for(name, model.config.threshold, model.config.class_thresholds)
    weak = share < shown_from
    return Detection(box=box, class_id=kind, class_name=name, confidence=share, weak=weak, keypoints=points)


def _keypoints(findings: Findings) -> Iterator[Keypoints]:
    """Of each detection; none where one of its points is no number, nor beyond what a prediction has room for."""
    count = len(findings.class_ids)
    if findings.keypoints is None:
        yield from ((),) * count
        return
    room = (MAX_PREDICTION_BYTES - count * BOX_BYTES) // POINT_BYTES
    known: list[bool] = np.asarray(np.isfinite(findings.keypoints).all(axis=(1, 2))).tolist()
    for points, good in zip(_rounded(findings.keypoints).tolist(), known, strict=True):
        room -= len(points)
        yield tuple((x, y, share) for x, y, share in points) if good and room >= 0 else ()


def _rounded(points: Floats) -> NDArray[np.float64]:
    """Key points as they travel: hundredths of a pixel, confidences with four digits."""
    wide = points.astype(np.float64)
    return np.concatenate([wide[..., :2].round(2), wide[..., 2:].clip(0, 1).round(4)], axis=-1)


def _classes(model: Known, findings: Findings) -> tuple[ClassScore, ...]:
    if findings.boxes is not None:
        return ()
    rows = zip(findings.class_ids.tolist(), _shares(findings), strict=True)
    return tuple(ClassScore(class_id=kind, class_name=model.name_of(kind), confidence=share) for kind, share in rows)


def _shares(findings: Findings) -> list[float]:
    """Confidences as they travel: six digits, at most 1 (half precision rounds past it)."""
    shares: list[float] = findings.confidences.astype(float).clip(0, 1).round(6).tolist()
    return shares
