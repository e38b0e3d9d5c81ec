"""A frame as an application sends it: what it says about the image, and what its own model saw there.

Promises: strict (no unknown fields, no numbers as text), so that a typing error is an answer, never a frame that means
something else. The same content has the same fingerprint, whatever its spaces and order.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from services.feedback.refusals import InvalidRequest
from services.feedback.verdicts.request import invalid, refuse_repeated_fields
from shared.settings import Config
from shared.streams import ids
from shared.streams.frames import FrameRef
from shared.streams.predictions import MAX_PREDICTION_BYTES, Box, ClassScore, Detection, Prediction, threshold_for
from shared.streams.predictions import Probability as _Probability

MAX_BOXES = 5_000
MAX_CLASSES = 1_000
MAX_NAME_CHARS = 200
OVER_THE_BORDER = 0.1
"""How far a box may reach over the image's border, as a share of its side: detectors that regress corners do that."""

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]+$"
_RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS, pattern=_NO_CONTROL)]
Timestamp = Annotated[str, StringConstraints(max_length=40, pattern=_RFC_3339)]
ClassId = Annotated[int, Field(ge=0, lt=2**31)]
Index = Annotated[int, Field(ge=0, lt=10**18)]

EXAMPLES: dict[str, dict[str, Any]] = {
    "a frame": {"source_id": "door", "captured_at": "2026-11-20T15:00:00Z", "frame_index": 42},
    "with boxes": {
        "source_id": "door",
        "predictions": {
            "model_id": "packages",
            "model_version": "2026-11",
            "threshold": 0.5,
            "detections": [{"box": [402.0, 310.0, 618.5, 470.0], "class_name": "package", "confidence": 0.83}],
        },
    },
    "with classes": {
        "source_id": "line-3",
        "predictions": {
            "model_id": "seals",
            "model_version": "7",
            "task": "classify",
            "classes": [{"class_name": "ok", "confidence": 0.9}, {"class_name": "torn", "confidence": 0.1}],
        },
    },
}


class DetectionRequest(Config):
    """One object that the application's model saw."""

    model_config = ConfigDict(strict=True)

    box: Box = Field(description="[left, top, right, bottom] in pixels of the original image")
    class_name: Name
    class_id: ClassId | None = Field(default=None, description="index in the model's list; left out: made of the name")
    confidence: _Probability
    tracker_id: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = Field(
        default=None, description="a number that stays with the object from frame to frame"
    )

    @field_validator("box")
    @classmethod
    def _ordered(cls, box: Box) -> Box:
        left, top, right, bottom = box
        if right < left or bottom < top:
            raise ValueError("expected [left, top, right, bottom] with left <= right and top <= bottom")
        return box


class ClassRequest(Config):
    """One class of a classifier, and how sure it is."""

    model_config = ConfigDict(strict=True)

    class_name: Name
    class_id: ClassId | None = Field(default=None, description="index in the model's list; left out: made of the name")
    confidence: _Probability


class PredictionsRequest(Config):
    """Everything that the application's model said about the frame."""

    model_config = ConfigDict(strict=True, protected_namespaces=())

    model_id: Name = Field(description="name of the model; keep it from version to version")
    model_version: Name = Field(description="which one of that name; accuracy is told per version")
    task: Literal["detect", "classify"] = "detect"
    threshold: _Probability = Field(
        default=0.5, description="the product threshold: from which confidence your product shows a box"
    )
    class_thresholds: dict[Name, _Probability] = Field(
        default_factory=dict, max_length=MAX_CLASSES, description="per class name, where it differs"
    )
    detections: tuple[DetectionRequest, ...] = Field(
        default=(), max_length=MAX_BOXES, description="also those below the threshold, down to 0.05: they tell most"
    )
    classes: tuple[ClassRequest, ...] = Field(
        default=(), max_length=MAX_CLASSES, description="with `classify`: the most probable classes"
    )
    timings_ms: dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, max_length=32, description="for people: what took how long"
    )

    @model_validator(mode="after")
    def _of_its_task(self) -> "PredictionsRequest":
        if self.task == "classify" and self.detections:
            raise ValueError("detections: a classifier has none; expected classes, or task detect")
        if self.task == "detect" and self.classes:
            raise ValueError("classes: a detector has none; expected detections, or task classify")
        return self


class FrameRequest(Config):
    """What is said about an image."""

    model_config = ConfigDict(strict=True)

    source_id: Name = Field(description="where the image is from: the camera's name")
    captured_at: Timestamp | None = Field(default=None, description="when it was taken, RFC 3339 with a time zone")
    frame_index: Index | None = Field(default=None, description="a number that counts up")
    producer_frame_id: Name | None = Field(
        default=None, description="your own name of the image: sent again under it, it is the same frame"
    )
    predictions: PredictionsRequest | None = Field(
        default=None, description="what your own model saw, nothing too; left out: inference predicts"
    )

    @field_validator("captured_at")
    @classmethod
    def _in_the_calendar(cls, text: str | None) -> str | None:
        if text is not None:
            datetime.fromisoformat(text)
        return text

    def fingerprint(self, sha256: str) -> str:
        """The same for the same content and image."""
        return ids.make_id("frame body", self.model_dump_json(), sha256)


def parse(about: bytes) -> FrameRequest:
    """Raises InvalidRequest with the first field that is wrong."""
    try:
        request = FrameRequest.model_validate_json(about)
    except ValidationError as error:
        raise invalid(error, "about") from error
    refuse_repeated_fields(about)
    return request


def from_query(query: Config) -> FrameRequest:
    """The same of what stands in the address. Raises InvalidRequest."""
    try:
        return FrameRequest.model_validate(query.model_dump(exclude_none=True))
    except ValidationError as error:
        raise invalid(error, "about") from error


def prediction_of(
    request: FrameRequest, said: PredictionsRequest, ref: FrameRef, size_px: tuple[int, int], content_type: str
) -> Prediction:
    """As it travels: boxes clipped to the image, the weak ones marked. Raises InvalidRequest: a box outside, too large."""
    prediction = Prediction(
        frame=ref,
        source_id=request.source_id,
        producer_frame_id=request.producer_frame_id,
        captured_at=request.captured_at,
        frame_index=request.frame_index,
        content_type=content_type,
        width_px=size_px[0],
        height_px=size_px[1],
        model_id=said.model_id,
        model_version=said.model_version,
        task=said.task,
        threshold=said.threshold,
        class_thresholds=said.class_thresholds,
        detections=tuple(_detection(number, one, said, size_px) for number, one in enumerate(said.detections)),
        classes=_classes(said),
        timings_ms=said.timings_ms,
    )
    _check_size(prediction)
    return prediction


def _detection(number: int, one: DetectionRequest, said: PredictionsRequest, size_px: tuple[int, int]) -> Detection:
    return Detection(
        box=_clipped(one.box, size_px, f"predictions.detections.{number}.box"),
        class_id=_class_id(one),
        class_name=one.class_name,
        confidence=one.confidence,
        tracker_id=one.tracker_id,
        weak=one.confidence < threshold_for(one.class_name, said.threshold, said.class_thresholds),
    )


def _classes(said: PredictionsRequest) -> tuple[ClassScore, ...]:
    scores = [
        ClassScore(class_id=_class_id(one), class_name=one.class_name, confidence=one.confidence)
        for one in said.classes
    ]
    return tuple(sorted(scores, key=lambda score: -score.confidence))


def _class_id(one: DetectionRequest | ClassRequest) -> int:
    """Made of the name where it was left out, so that a class keeps its number from frame to frame."""
    return one.class_id if one.class_id is not None else int(ids.make_id("class", one.class_name)[:7], 16)


def _clipped(box: Box, size_px: tuple[int, int], where: str) -> Box:
    """The part inside of the image. Boxes in another image's pixels reach far over the border, or miss it: refused."""
    left, top, right, bottom = box
    width, height = size_px
    over = max(-left / width, -top / height, right / width - 1, bottom / height - 1)
    if over > OVER_THE_BORDER or right < 0 or bottom < 0 or left > width or top > height:
        raise InvalidRequest(
            f"{where}: expected pixels of the original image, which has {width} x {height}, got {list(box)}", where
        )
    return max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))


def _check_size(prediction: Prediction) -> None:
    size = len(prediction.to_bytes())
    if size > MAX_PREDICTION_BYTES:
        raise InvalidRequest(
            f"predictions: expected at most {MAX_PREDICTION_BYTES:,} bytes (about two thousand boxes), got {size:,}; "
            "leave out the weakest",
            "predictions",
        )
