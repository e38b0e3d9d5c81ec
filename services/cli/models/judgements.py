"""Judgements: what people's verdicts say of places in a picture, and whether a model is right about them.

Promises: pure. The latest verdict on a detection counts. What a verdict does not say (a box that is badly drawn, a missed
object without a place) judges nobody. A verdict on the whole frame speaks of everything that was shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.cli.models.matching import IOU, Found, overlap, shown
from shared.streams.predictions import Box
from shared.streams.verdicts import Verdict

Saying = Literal["confirmed", "false_positive", "wrong_class", "missed"]
SAYINGS: dict[Saying, str] = {
    "confirmed": "confirmed detections",
    "false_positive": "false positives",
    "wrong_class": "wrong classes",
    "missed": "missed objects",
}
"""In the order of the table: right about them is who finds the confirmed and the missed, and no longer says the others."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of one place."""

    said: Saying
    class_name: str = ""
    box: Box | None = None

    def scaled(self, by: float) -> "Judgement":
        """For the same picture at another size."""
        if self.box is None or by == 1:
            return self
        left, top, right, bottom = self.box
        return replace(self, box=(left * by, top * by, right * by, bottom * by))

    def holds(self, found: Sequence[Found]) -> bool:
        """Whether a model that found this is right about it."""
        there = [one for one in found if overlap(one.box, self.box) >= IOU]
        same = any(one.class_name == self.class_name for one in there)
        match self.said:
            case "confirmed":
                return same
            case "false_positive":
                return not same
            case "wrong_class":
                return bool(there) and not same
            case "missed":
                return bool(there)


def judgements(verdicts: Sequence[Verdict]) -> tuple[Judgement, ...]:
    """Of one frame's verdicts, the newest first."""
    latest: dict[tuple[str, int | None, bool], Verdict] = {}
    for verdict in verdicts:
        latest.setdefault((verdict.prediction_id, verdict.detection_index, verdict.kind == "missed"), verdict)
    return tuple(dict.fromkeys(one for verdict in latest.values() for one in _said(verdict)))


def _said(verdict: Verdict) -> Iterator[Judgement]:
    if verdict.kind == "missed":
        yield from (Judgement("missed", box=box) for box in verdict.boxes)
        return
    said = "confirmed" if verdict.kind == "confirmed" else verdict.reason
    meant = _meant(verdict)
    if said == "wrong_class" and len(meant) > 1:
        return  # of several, nobody knows which is meant
    if said == "confirmed" or said == "false_positive" or said == "wrong_class":
        yield from (Judgement(said, one.class_name, one.box) for one in meant)


def _meant(verdict: Verdict) -> tuple[Found, ...]:
    if verdict.detection_index is None:
        return shown(verdict.prediction)
    one = verdict.prediction.detections[verdict.detection_index]
    return (Found(one.class_name, one.confidence, one.box),)
