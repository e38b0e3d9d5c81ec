"""Predictions and frames for the sampler's tests."""

from typing import Any

import cv2
import numpy as np

from shared.streams.frames import FrameRef, new_frame
from shared.streams.predictions import ClassScore, Detection, Prediction
from shared.streams.record import NewRecord

SALT = b"a salt for the tests only"


def detection(confidence: float, class_name: str = "package", class_id: int = 0) -> Detection:
    return Detection(box=(10, 10, 50, 40), class_id=class_id, class_name=class_name, confidence=confidence)


def prediction(
    *confidences: float, frame_id: str = "f" * 32, offset: int = 0, time_ms: int = 1_700_000_000_000, **more: Any
) -> Prediction:
    ref = FrameRef(
        stream="frames", partition=0, offset=offset, time_ms=time_ms, frame_id=frame_id, sha256="0" * 64, size=1
    )
    fields: dict[str, Any] = {
        "frame": ref,
        "source_id": "door",
        "width_px": 640,
        "height_px": 360,
        "model_id": "packages",
        "model_version": "v1",
        "threshold": 0.5,
        "detections": tuple(detection(c) for c in confidences),
    }
    return Prediction(**{**fields, **more})


def classified(*scores: float, **more: Any) -> Prediction:
    names = ("cat", "dog", "bird")
    classes = tuple(ClassScore(class_id=i, class_name=names[i], confidence=s) for i, s in enumerate(scores))
    return prediction(task="classify", classes=classes, **more)


def jpeg(seed: int = 0, width_px: int = 64, height_px: int = 48) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    fine, encoded = cv2.imencode(".jpg", pixels)
    assert fine
    return encoded.tobytes()


def frame(seed: int = 0, source_id: str = "door") -> NewRecord:
    return new_frame(source_id, jpeg(seed), producer_frame_id=f"frame-{seed}", frame_index=seed)
