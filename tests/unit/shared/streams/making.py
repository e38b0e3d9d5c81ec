"""Records and predictions for the streams' tests."""

from typing import Any

from shared.streams.frames import FrameRef
from shared.streams.predictions import Detection, Prediction
from shared.streams.record import Headers, Record

TIME_MS = 1_700_000_000_000


def frame_record(
    key: bytes | None = b"door", image: bytes | None = b"pixels", headers: Headers = (), offset: int = 7
) -> Record:
    return Record("frames", 0, offset, TIME_MS + offset, key, image, headers)


def prediction(frame_offset: int, *confidences: float, **more: Any) -> Prediction:
    """One of the model `packages` about the frame at that offset, a second of log time per frame."""
    detections = tuple(
        Detection(box=(0, 0, 9, 9), class_id=i % 2, class_name=("package", "person")[i % 2], confidence=confidence)
        for i, confidence in enumerate(confidences)
    )
    ref = FrameRef(
        stream="frames",
        partition=0,
        offset=frame_offset,
        time_ms=TIME_MS + 1000 * frame_offset,
        frame_id=f"frame-{frame_offset}",
        sha256="0" * 64,
        size=6,
    )
    fields: dict[str, Any] = {"source_id": "door", "model_id": "packages", "model_version": "v1", "threshold": 0.5}
    return Prediction(frame=ref, width_px=64, height_px=48, detections=detections, **{**fields, **more})
