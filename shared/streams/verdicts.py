"""`verdicts`: a person's judgement of a prediction, or that a person was shown it (an exposure).

Promises: on the frame's partition number, keyed by the frame id; a verdict carries the prediction that was judged, so that
an acknowledged one outlives the retention of `predictions`. Two with one `verdict_id` are one, as are two exposures with one
`exposure_id`. `affirmed` is nobody's word: silence, after somebody was shown the prediction (SCIENCE F).
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from shared.errors import InvalidMessage
from shared.streams import ids
from shared.streams.predictions import Box, Prediction, Probability
from shared.streams.record import NewRecord, Record
from shared.streams.stream import Message, Stream, check_placed, first_complaint

PersonsKind = Literal["confirmed", "rejected", "missed", "corrected", "unsure"]
"""What a person may say."""
VerdictKind = Literal["confirmed", "rejected", "missed", "corrected", "unsure", "affirmed"]
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


class Silence(BaseModel):
    """What an affirmation by silence rests on, so that its weight can be worked out anew (SCIENCE F)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    exposure_id: str = Field(min_length=1, description="the first exposure of a held prediction")
    deadline_ms: int = Field(ge=0, description="log time until which an objection would have counted")
    weight: Probability = Field(description="for training: max(0, 2 p_correct - 1)")
    p_correct: Probability = Field(description="how likely the prediction is right, nobody having objected")
    p: Probability = Field(description="the confidence that the prediction had by itself")
    reject_rate: Probability = Field(description="lower 90 % end of P(rejected | wrong, shown), as of the deadline")
    audited_errors: int = Field(ge=0, description="wrong frames, drawn and shown, that it was estimated from")
    probability: Probability = Field(description="with which the prediction was held")


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
    exhaustive: bool = Field(
        default=False,
        exclude_if=lambda exhaustive: not exhaustive,
        description="the reviewer looked at the whole frame for what was missed, too",
    )
    silence: Silence | None = Field(default=None, exclude_if=_is_none, description="with `affirmed`, and only with it")
    caller: str = Field(description="the API key's name; of `affirmed`: silence")
    by_link: bool = Field(
        default=False,
        exclude_if=lambda by_link: not by_link,
        description="it came by a signed link that the caller's key had made",
    )
    reviewer: str | None = Field(default=None, description="who looked, as the application calls them")
    note: str | None = Field(default=None, max_length=2000)
    judged_at: str = Field(description="when, RFC 3339; the log's time decides, this one is for people")

    @model_validator(mode="after")
    def _fits(self) -> "Verdict":
        if (self.kind == "rejected") != (self.reason is not None):
            raise ValueError("a rejected verdict needs a reason, and only a rejected one has one")
        if self.detection_index is not None and self.detection_index >= len(self.prediction.detections):
            raise ValueError(f"detection_index {self.detection_index} of {len(self.prediction.detections)} detections")
        if (self.kind == "affirmed") != (self.silence is not None):
            raise ValueError("an affirmed verdict says what its silence was, and no other does")
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


class Shown(Message):
    """An exposure: somebody was really shown a prediction. Without one, silence means nothing.

    The deadline for objections is the log time of this record and `objection_s`. A prediction that is `held` waits for it:
    the sampler keeps its image meanwhile. Of several exposures of a held prediction the first in the log counts.
    """

    kind: Literal["shown"] = "shown"
    exposure_id: str = Field(min_length=1)
    prediction_id: str = Field(min_length=1)
    frame_id: str = Field(min_length=1)
    partition: int = Field(ge=0, lt=2**31, description="the frame's")
    source_id: str
    model_id: str = Field(min_length=1)
    model_version: str
    surface: str = Field(default="", description="where it was shown: door-app, wall display")
    visible_ms: int = Field(ge=0, description="for how long it was visible")
    shown_at: str | None = Field(default=None, description="when, by the application's clock, RFC 3339; for people")
    viewer: str | None = Field(default=None, description="who was shown it, as the application calls them: a pseudonym")
    acted_downstream: bool | None = Field(default=None, description="whether the application acted on the prediction")
    caller: str = Field(description="the API key's name")
    objection_s: int = Field(ge=0, description="seconds of log time in which an objection counts")
    held: bool = False
    probability: Probability = Field(description="with which a prediction that is shown is held")
    prediction: Prediction | None = Field(
        default=None, exclude_if=_is_none, description="of a held one, and only of it"
    )

    @model_validator(mode="after")
    def _carries_what_is_held(self) -> "Shown":
        if self.held != (self.prediction is not None):
            raise ValueError("an exposure carries its prediction when it is held, and only then")
        if self.prediction is not None and self.prediction.frame.partition != self.partition:
            raise ValueError("partition: expected the frame's")
        return self


def affirmed_id(collection: str, frame_id: str, model_id: str) -> str:
    """The id of an affirmation: derived, so that writing it twice is nothing."""
    return ids.make_id("affirmed", collection, frame_id, model_id)


Judged = Verdict | Shown
_ADAPTER: TypeAdapter[Judged] = TypeAdapter(Annotated[Judged, Field(discriminator="kind")])


def decode(record: Record) -> Judged:
    try:
        message = _ADAPTER.validate_json(record.value or b"")
    except ValidationError as error:
        raise InvalidMessage(f"no verdict at {record.where}: {first_complaint(error)}") from error
    check_placed(record, message.partition if isinstance(message, Shown) else message.prediction.frame.partition)
    return message


def new_verdict(verdict: Verdict) -> NewRecord:
    frame = verdict.prediction.frame
    return NewRecord(VERDICTS.name, frame.frame_id.encode(), verdict.to_bytes(), frame.partition)


def new_shown(shown: Shown) -> NewRecord:
    return NewRecord(VERDICTS.name, shown.frame_id.encode(), shown.to_bytes(), shown.partition)


VERDICTS = Stream(
    name="verdicts",
    about="what people said about predictions, and which they were shown",
    key="frame id",
    written_by=("feedback",),
    read_by=("sampler", "feedback"),
    decode=decode,
)
