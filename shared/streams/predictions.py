"""`predictions`: everything one model said about one frame, with a reference to its pixels.

Promises: written to the frame's partition number, in the frames' order. Boxes are xyxy in pixels of the original image.
Anyone may write them: the reader validates, and derives the prediction id from where the record lies.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import InvalidMessage
from shared.streams import ids
from shared.streams.frames import FrameRef
from shared.streams.record import NewRecord, Record
from shared.streams.stream import DAY_S, Message, Stream, check_placed, json_decoder

MAX_PREDICTION_BYTES = 262_144
"""About two thousand boxes, or 300 with 17 key points each.

A revision holds a prediction twice, and must fit into a record of a megabyte.
"""

MOST_AHEAD_MS = 3_600_000
"""A frame lies in the log before anything is said of it; the clocks of two brokers differ by far less than this."""

Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Pixels = Annotated[float, Field(allow_inf_nan=False)]
Box = tuple[Pixels, Pixels, Pixels, Pixels]
"""xyxy: left, top, right, bottom, in pixels of the original image."""
Keypoint = tuple[Pixels, Pixels, Probability]


class Detection(BaseModel):
    """One object the model says it sees."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    box: Box
    class_id: int = Field(ge=0)
    class_name: str
    confidence: Probability
    tracker_id: int | None = None
    weak: bool = Field(
        default=False,
        exclude_if=lambda weak: not weak,
        description="below the product threshold of its class, said by who predicted; rules go by the thresholds alone",
    )
    keypoints: tuple[Keypoint, ...] = Field(
        default=(), exclude_if=lambda points: not points, description="x, y in the image, and how sure"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Detection":
        left, top, right, bottom = self.box
        if right < left or bottom < top:
            raise ValueError(f"box must be xyxy with left <= right and top <= bottom, got {self.box}")
        return self


class ClassScore(BaseModel):
    """One class of a classifier and its softmax probability."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    class_id: int = Field(ge=0)
    class_name: str
    confidence: Probability


class Prediction(Message):
    """Everything one model said about one frame."""

    frame: FrameRef
    source_id: str
    producer_frame_id: str | None = None
    captured_at: str | None = None
    frame_index: int | None = Field(default=None, ge=0)
    content_type: str | None = None
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    model_id: str = Field(min_length=1)
    model_version: str
    role: Literal["live", "shadow"] = "live"
    task: Literal["detect", "classify"] = "detect"
    threshold: Probability = Field(description="the product threshold")
    class_thresholds: dict[str, Probability] = Field(
        default_factory=dict, description="per class name, where it differs"
    )
    detections: tuple[Detection, ...] = Field(default=(), description="also those below the product threshold")
    classes: tuple[ClassScore, ...] = Field(default=(), description="a classifier's best classes, most probable first")
    timings_ms: dict[str, float] = Field(default_factory=dict)

    def threshold_for(self, class_name: str) -> float:
        return threshold_for(class_name, self.threshold, self.class_thresholds)

    def above_threshold(self) -> tuple[Detection, ...]:
        """The detections that the product shows: confidence at or above the threshold of their class."""
        return tuple(d for d in self.detections if d.confidence >= self.threshold_for(d.class_name))


def threshold_for(class_name: str, threshold: float, class_thresholds: Mapping[str, float]) -> float:
    """The product threshold of a class: a box is weak when its confidence lies below it."""
    return class_thresholds.get(class_name, threshold)


_from_json = json_decoder(Prediction)


def decode(record: Record) -> Prediction:
    """Raises InvalidMessage: no prediction, too large to become a sample, not on its frame's partition number, or of a time
    that has not come: plans are made by log time, and would go by one that a producer took for seconds or microseconds.
    """
    if len(record.value or b"") > MAX_PREDICTION_BYTES:
        raise InvalidMessage(
            f"prediction at {record.where} has {len(record.value or b''):,} bytes, at most {MAX_PREDICTION_BYTES:,} are taken"
        )
    prediction: Prediction = _from_json(record)
    check_placed(record, prediction.frame.partition)
    _check_past(record, prediction.frame.time_ms)
    return prediction


def _check_past(record: Record, frame_time_ms: int) -> None:
    """Against the record's own log time, where the log gave it one."""
    if 0 < record.time_ms < frame_time_ms - MOST_AHEAD_MS:
        raise InvalidMessage(
            f"{record.where} was written at {record.time_ms} ms and speaks of a frame at {frame_time_ms} ms, which is later: "
            "expected the frame's log time, UTC milliseconds"
        )


def prediction_id(record: Record, prediction: Prediction) -> str:
    return ids.prediction_id(record.partition, record.offset, prediction.frame.frame_id)


def new_prediction(prediction: Prediction) -> NewRecord:
    return NewRecord(PREDICTIONS.name, prediction.source_id.encode(), prediction.to_bytes(), prediction.frame.partition)


PREDICTIONS = Stream(
    name="predictions",
    about="what the model said about each frame",
    key="source id",
    written_by=("inference", "feedback", "any program"),
    read_by=("sampler", "feedback"),
    decode=decode,
    retention_s=7 * DAY_S,
    fsync=False,
)
