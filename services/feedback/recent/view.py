"""A prediction as it is shown over HTTP: what the log has, its id, which boxes are weak, and where its image is.

Promises: built from the prediction and its id alone, so that the list, the live stream and a single answer never differ.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.streams.predictions import Box, ClassScore, Detection, Keypoint, Prediction

EXAMPLE: dict[str, Any] = {
    "prediction_id": "0-4711-1f0a9c3e",
    "frame_id": "5b1c0c2f0e9d4f6f8a7b6c5d4e3f2a1b",
    "source_id": "door",
    "time_ms": 1795438800123,
    "captured_at": "2026-11-23T13:00:00.100Z",
    "width_px": 1280,
    "height_px": 720,
    "model_id": "packages",
    "model_version": "7",
    "threshold": 0.5,
    "detections": [{"box": [402, 310, 618.5, 470], "class_id": 0, "class_name": "package", "confidence": 0.91}],
    "image": "/v1/predictions/0-4711-1f0a9c3e/image",
}


class ShownDetection(BaseModel):
    """One object the model says it sees."""

    box: Box = Field(description="[left, top, right, bottom] in pixels of the original image")
    class_id: int
    class_name: str
    confidence: float
    weak: bool = Field(description="below the product threshold of its class: the product does not show it")
    tracker_id: int | None = None
    keypoints: tuple[Keypoint, ...] = ()


class ShownPrediction(BaseModel):
    """Everything one model said about one frame."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]}, protected_namespaces=())

    prediction_id: str = Field(description="what verdicts and exposures name")
    frame_id: str
    source_id: str
    time_ms: int = Field(description="log time of the frame, UTC milliseconds")
    captured_at: str | None = Field(default=None, description="as the frame's producer said it")
    producer_frame_id: str | None = None
    frame_index: int | None = None
    width_px: int
    height_px: int
    model_id: str
    model_version: str
    role: str = Field(default="live", description="live, or shadow: a model that runs beside it")
    task: str = "detect"
    threshold: float = Field(description="the product threshold")
    class_thresholds: dict[str, float] = {}
    detections: tuple[ShownDetection, ...] = Field(default=(), description="in the order that detection_index counts")
    classes: tuple[ClassScore, ...] = Field(default=(), description="a classifier's best classes")
    timings_ms: dict[str, float] = {}
    image: str = Field(description="path of the frame's image; add ?boxes=true to have the boxes drawn")


def shown(prediction_id: str, prediction: Prediction) -> ShownPrediction:
    """The prediction as applications see it."""
    fields = prediction.model_dump(exclude={"version", "frame", "content_type", "detections"})
    return ShownPrediction(
        **fields,
        prediction_id=prediction_id,
        frame_id=prediction.frame.frame_id,
        time_ms=prediction.frame.time_ms,
        detections=tuple(_shown(detection, prediction) for detection in prediction.detections),
        image=f"/v1/predictions/{prediction_id}/image",
    )


def _shown(detection: Detection, prediction: Prediction) -> ShownDetection:
    weak = detection.confidence < prediction.threshold_for(detection.class_name)
    return ShownDetection(**detection.model_dump(exclude={"weak"}), weak=weak)
