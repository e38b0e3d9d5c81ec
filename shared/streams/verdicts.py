"""`verdicts`: a person's judgement of a prediction.

Promises: on the frame's partition number, keyed by the frame id; carries the prediction that was judged, so that an
acknowledged verdict outlives the retention of `predictions`. Two with one `verdict_id` are one.
"""

from typing import Literal

from pydantic import Field, model_validator

from shared.streams.predictions import Box, Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.stream import Message, Stream, check_placed, json_decoder

VerdictKind = Literal["confirmed", "rejected", "missed"]
RejectReason = Literal["false_positive", "wrong_class", "bad_box"]


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
        return self


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
