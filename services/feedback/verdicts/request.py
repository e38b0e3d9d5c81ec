"""A verdict as an application sends it: the body of POST /v1/verdicts.

Promises: strict (no unknown fields, no numbers as text), so that a typing error is an answer, never a verdict that means
something else. Two bodies with the same content have the same fingerprint, whatever their spaces and order.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from services.feedback.refusals import InvalidRequest
from shared.settings import Config
from shared.streams import ids
from shared.streams.predictions import Box, Prediction
from shared.streams.stream import first_complaint
from shared.streams.verdicts import Label, PersonsKind, RejectReason, Verdict, lacking

MAX_BOXES = 1_000
BORDER_PX = 1.0
"""How far a box may lie outside the image: people draw on scaled pictures, and scaling rounds."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "confirmed": {"prediction_id": "0-4711-1f0a9c3e", "kind": "confirmed", "reviewer": "ana"},
    "rejected": {
        "prediction_id": "0-4711-1f0a9c3e",
        "kind": "rejected",
        "reason": "false_positive",
        "detection_index": 0,
        "note": "a doormat, not a package",
    },
    "confirmed, nothing missed": {"prediction_id": "0-4712-9b02d7aa", "kind": "confirmed", "exhaustive": True},
    "unsure": {"prediction_id": "0-4711-1f0a9c3e", "kind": "unsure", "note": "too dark to tell"},
    "missed": {"prediction_id": "0-4712-9b02d7aa", "kind": "missed", "boxes": [[412.0, 300.5, 610.0, 455.0]]},
    "corrected, one detection": {
        "prediction_id": "0-4711-1f0a9c3e",
        "kind": "corrected",
        "detection_index": 0,
        "label": {"class_name": "doormat", "box": [402.0, 310.0, 618.5, 470.0]},
    },
    "corrected, the whole frame": {
        "prediction_id": "0-4712-9b02d7aa",
        "kind": "corrected",
        "labels": [{"class_name": "package", "box": [412.0, 300.5, 610.0, 455.0]}],
    },
}

PredictionIdField = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="PARTITION-OFFSET-CHECKSUM, as the prediction has it",
        json_schema_extra={"pattern": ids.PREDICTION_ID_PATTERN},
    ),
]
"""Of a body; what the checksum says is looked at with the prediction itself."""


class LabelRequest(Label):
    """What is right, in words of the body."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _is_none(value: object) -> bool:
    return value is None


class VerdictRequest(Config):
    """One judgement of one prediction."""

    model_config = ConfigDict(strict=True)

    prediction_id: PredictionIdField
    kind: PersonsKind = Field(
        description="confirmed: it is right; rejected: it is wrong; missed: an object was not found; "
        "corrected: this is right instead; unsure: nobody can tell"
    )
    reason: RejectReason | None = Field(
        default=None, validate_default=True, description="what is wrong; with `rejected`, and only with it"
    )
    detection_index: int | None = Field(
        default=None, ge=0, description="the one detection that is meant, counted from 0; left out: the whole frame"
    )
    boxes: tuple[Box, ...] = Field(
        default=(),
        max_length=MAX_BOXES,
        description="with `missed`: where the objects are, [left, top, right, bottom] in pixels of the original image",
    )
    # Left out of the fingerprint where there is none: a body of before there were corrections keeps the one that it had.
    label: LabelRequest | None = Field(
        default=None,
        validate_default=True,
        exclude_if=_is_none,
        description="with `corrected` and `detection_index`: `class_name`, `box` or both; what is left out stays as it was",
    )
    labels: tuple[LabelRequest, ...] | None = Field(
        default=None,
        max_length=MAX_BOXES,
        validate_default=True,
        exclude_if=_is_none,
        description="with `corrected`, for the whole frame: everything that is there, each with `class_name` and `box`; `[]`: "
        "nothing is. Of a classifier's frame one `class_name`",
    )
    exhaustive: bool = Field(
        default=False,
        exclude_if=lambda exhaustive: not exhaustive,
        description="you looked at the whole frame for what was missed, too; `missed` and `labels` say so by themselves",
    )
    reviewer: str | None = Field(default=None, max_length=200, description="who looked, as your application calls them")
    note: str | None = Field(default=None, max_length=2_000, description="anything worth knowing, for people")

    @field_validator("reason")
    @classmethod
    def _with_rejected_only(cls, reason: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind")
        if kind == "rejected" and reason is None:
            raise ValueError("a rejected verdict needs a reason: false_positive, wrong_class or bad_box")
        if kind not in (None, "rejected") and reason is not None:
            raise ValueError(f"only a rejected verdict has a reason, this one is {kind}")
        return reason

    @field_validator("detection_index")
    @classmethod
    def _of_what_was_seen(cls, index: int | None, info: ValidationInfo) -> int | None:
        if index is not None and info.data.get("kind") == "missed":
            raise ValueError("what was missed has no detection: leave it out, or send `boxes`")
        return index

    @field_validator("boxes")
    @classmethod
    def _of_what_was_missed(cls, boxes: tuple[Box, ...], info: ValidationInfo) -> tuple[Box, ...]:
        if boxes and info.data.get("kind") not in (None, "missed"):
            raise ValueError("only a missed verdict has boxes")
        for left, top, right, bottom in boxes:
            if right <= left or bottom <= top:
                raise ValueError("expected [left, top, right, bottom] with left < right and top < bottom")
        return boxes

    @field_validator("label")
    @classmethod
    def _of_one_detection(cls, label: LabelRequest | None, info: ValidationInfo) -> LabelRequest | None:
        corrected, index = info.data.get("kind") == "corrected", info.data.get("detection_index")
        if label is not None and not corrected:
            raise ValueError("only a corrected verdict has a label")
        if label is not None and index is None:
            raise ValueError(
                "expected detection_index beside it: which detection is meant? For a whole frame send `labels`"
            )
        if label is None and corrected and index is not None:
            raise ValueError("expected what is right about this detection: a class_name, a box, or both")
        return label

    @field_validator("labels")
    @classmethod
    def _of_the_whole_frame(
        cls, labels: tuple[LabelRequest, ...] | None, info: ValidationInfo
    ) -> tuple[LabelRequest, ...] | None:
        corrected, index = info.data.get("kind") == "corrected", info.data.get("detection_index")
        if labels is not None and not corrected:
            raise ValueError("only a corrected verdict has labels")
        if labels is not None and index is not None:
            raise ValueError(
                "these are the whole frame's: leave detection_index out, or send `label` for one detection"
            )
        if labels is None and corrected and index is None:
            raise ValueError(
                "expected all that is right about the frame, [] where nothing is there; or detection_index and `label`"
            )
        return labels

    def by(self, reviewer: str | None) -> "VerdictRequest":
        """The same, in this reviewer's name; `None`: in whose it says itself."""
        return self if reviewer is None else self.model_copy(update={"reviewer": reviewer})

    def as_verdict(
        self, *, verdict_id: str, prediction: Prediction, caller: str, by_link: bool, judged_at: str
    ) -> Verdict:
        """What the log keeps of it."""
        return Verdict(
            **self.model_dump(),
            verdict_id=verdict_id,
            prediction=prediction,
            caller=caller,
            by_link=by_link,
            judged_at=judged_at,
        )

    @property
    def fingerprint(self) -> str:
        """The same for the same content."""
        return ids.make_id("verdict body", self.model_dump_json())

    def check_against(self, prediction: Prediction) -> None:
        """Raises InvalidRequest for a detection or a box that this prediction cannot have."""
        count = len(prediction.detections)
        if self.detection_index is not None and self.detection_index >= count:
            raise InvalidRequest(
                f"detection_index: expected less than {count}, the number of detections, got {self.detection_index}",
                "detection_index",
            )
        wrong = lacking(self.labels or (), prediction)
        if wrong is not None:
            raise InvalidRequest(f"labels: {wrong}", "labels")
        for where, box in self._boxes():
            if not _inside(box, prediction.width_px, prediction.height_px):
                raise InvalidRequest(
                    f"{where}: expected pixels within {prediction.width_px} x {prediction.height_px}, got {list(box)}",
                    where,
                )

    def _boxes(self) -> Iterator[tuple[str, Box]]:
        """Every box in the body, with the name of its place."""
        yield from ((f"boxes.{number}", box) for number, box in enumerate(self.boxes))
        if self.label is not None and self.label.box is not None:
            yield "label.box", self.label.box
        for number, label in enumerate(self.labels or ()):
            if label.box is not None:
                yield f"labels.{number}.box", label.box


def parse(body: bytes) -> VerdictRequest:
    """Raises InvalidRequest with the first field that is wrong."""
    request = validated(body)
    refuse_repeated_fields(body)
    return request


def validated(body: bytes) -> VerdictRequest:
    """The same for JSON that is known to have each field once."""
    try:
        return VerdictRequest.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError, whole: str = "body") -> InvalidRequest:
    """The first field that is wrong, and how; `whole`: what it is called where no field is meant."""
    first = error.errors(include_url=False, include_context=False)[0]
    said = first_complaint(error)
    if not first["loc"]:
        said = f"{whole}: {said.removeprefix('message: ')}"
    return InvalidRequest(said, ".".join(str(part) for part in first["loc"]) or whole)


def refuse_repeated_fields(body: bytes) -> None:
    """Of two fields with one name a reader takes either, and each reader its own. Raises InvalidRequest."""
    strict_json(body)


def strict_json(body: bytes) -> Any:
    """JSON in UTF-8, without NaN and without a field that stands twice. Raises InvalidRequest."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "its brackets are nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequest(f"body: expected JSON in UTF-8; {why:.200}", "body") from error


def _once(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) < len(fields):
        raise ValueError("a field stands twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _inside(box: Box, width_px: int, height_px: int) -> bool:
    left, top, right, bottom = box
    most_x, most_y = width_px + BORDER_PX, height_px + BORDER_PX
    return left >= -BORDER_PX and top >= -BORDER_PX and right <= most_x and bottom <= most_y
