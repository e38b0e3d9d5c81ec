"""`verdicts`: a person's judgement of a prediction.

Promises: on the frame's partition number, keyed by the frame id; carries the prediction that was judged, so that an
acknowledged verdict outlives the retention of `predictions`. Two with one `verdict_id` are one.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.streams.predictions import Box, Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.stream import Message, Stream, check_placed, json_decoder

VerdictKind = Literal["confirmed", "rejected", "missed", "corrected"]
RejectReason = Literal["false_positive", "wrong_class", "bad_box"]
MOST_PX = 1_000_000.0
_Edge = Annotated[float, Field(ge=-MOST_PX, le=MOST_PX, allow_inf_nan=False)]


def _is_none(value: object) -> bool:
    return value is None


class Label(BaseModel):
    """What a person says is right: where an object is, what it is, or both."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    class_name: str | None = Field(
        default=None, min_length=1, max_length=200, description="also one that the model never had"
    )
    box: tuple[_Edge, _Edge, _Edge, _Edge] | None = Field(
        default=None, description="[left, top, right, bottom] in pixels of the original image"
    )

    @field_validator("class_name")
    @classmethod
    def _named(cls, class_name: str | None) -> str | None:
        if class_name is not None and class_name != class_name.strip():
            raise ValueError("expected a name without spaces around it")
        return class_name

    @field_validator("box")
    @classmethod
    def _has_an_inside(cls, box: Box | None) -> Box | None:
        if box is not None and (box[2] <= box[0] or box[3] <= box[1]):
            raise ValueError("expected [left, top, right, bottom] with left < right and top < bottom")
        return box

    @model_validator(mode="after")
    def _says_something(self) -> "Label":
        if self.class_name is None and self.box is None:
            raise ValueError("expected a class_name, a box, or both; got neither")
        return self


class Verdict(Message):
    """Who judged which prediction, how, when."""

    verdict_id: str = Field(min_length=1)
    prediction_id: str = Field(min_length=1)
    prediction: Prediction
    kind: VerdictKind
    reason: RejectReason | None = Field(default=None, description="why it was rejected")
    detection_index: int | None = Field(
        default=None, ge=0, description="the one detection that is meant; None: the frame"
    )
    boxes: tuple[Box, ...] = Field(default=(), description="where the missed objects are, if the reviewer said so")
    label: Label | None = Field(
        default=None,
        exclude_if=_is_none,
        description="corrected, one detection: what is right; what it leaves out stays as the model said it",
    )
    labels: tuple[Label, ...] | None = Field(
        default=None,
        exclude_if=_is_none,
        description="corrected, the whole frame: all that is right; empty: nothing is there",
    )
    caller: str = Field(description="the API key's name")
    reviewer: str | None = Field(default=None, description="who looked, as the application calls them")
    note: str | None = Field(default=None, max_length=2000)
    judged_at: str = Field(description="when, RFC 3339; the log's time decides, this one is for people")

    @model_validator(mode="after")
    def _fits(self) -> "Verdict":
        if (self.kind == "rejected") != (self.reason is not None):
            raise ValueError("a rejected verdict needs a reason, and only a rejected one has one")
        if self.detection_index is not None and self.detection_index >= len(self.prediction.detections):
            raise ValueError(f"detection_index {self.detection_index} of {len(self.prediction.detections)} detections")
        wrong = self._wrongly_corrected() or lacking(self.labels or (), self.prediction)
        if wrong:
            raise ValueError(wrong)
        return self

    def _wrongly_corrected(self) -> str | None:
        given = [name for name in ("label", "labels") if getattr(self, name) is not None]
        wanted = "label" if self.detection_index is not None else "labels"
        if given == ([wanted] if self.kind == "corrected" else []):
            return None
        return (
            "expected, of a corrected verdict and no other, a label with detection_index or the labels of the whole frame; "
            f"got {' and '.join(given) or 'neither'}"
        )


def lacking(labels: Sequence[Label], prediction: Prediction) -> str | None:
    """What keeps these from being all that is right about a frame; None where nothing does."""
    if prediction.task == "classify":
        if len(labels) > 1 or any(label.box is not None or label.class_name is None for label in labels):
            return "expected at most one label of a classifier's frame, a class_name without a box"
    elif any(label.box is None or label.class_name is None for label in labels):
        return "expected a box and a class_name in each label of a whole frame"
    return None


_from_json = json_decoder(Verdict)


def decode(record: Record) -> Verdict:
    verdict: Verdict = _from_json(record)
    check_placed(record, verdict.prediction.frame.partition)
    return verdict


def new_verdict(verdict: Verdict) -> NewRecord:
    frame = verdict.prediction.frame
    return NewRecord(VERDICTS.name, frame.frame_id.encode(), verdict.to_bytes(), frame.partition)


VERDICTS = Stream(
    name="verdicts",
    about="what people said about predictions",
    key="frame id",
    written_by=("feedback",),
    read_by=("sampler", "feedback"),
    decode=decode,
)
