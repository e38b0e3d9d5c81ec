"""What is known about a sample's objects: the model's boxes, as people's verdicts left them.

Promises: pure. Only boxes at or above the product threshold become pre-annotations; verdicts are applied in the order of
the log and the later one wins. Predictions and verdicts speak of the original image; here, and nowhere else, their boxes
become those of the image that is stored, where that has another size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.streams.predictions import Box, ClassScore, Prediction
from shared.streams.samples import Revision
from shared.streams.verdicts import Verdict

INCOMPLETE = "incomplete"
VERIFIED = "verified"


class Fit(NamedTuple):
    """From the original image to the one that is stored: what lies at x is at x * across there."""

    width_px: int
    height_px: int
    across: float
    down: float

    @classmethod
    def of(cls, prediction: Prediction, size_px: tuple[int, int] | None) -> "Fit":
        """`size_px`: width and height of the stored image, None where they are the prediction's."""
        width_px, height_px = size_px or (prediction.width_px, prediction.height_px)
        return cls(width_px, height_px, width_px / prediction.width_px, height_px / prediction.height_px)

    def box(self, box: Box) -> Box:
        left, top, right, bottom = box
        return left * self.across, top * self.down, right * self.across, bottom * self.down


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """One pre-annotated object. `flags`: what people said about it (`wrong_class`, `bad_box`, `verified`)."""

    box: Box
    class_id: int
    class_name: str
    confidence: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotation:
    """Everything a host is told about an image's content, in pixels of the stored image.

    `missed_boxes`: objects without a known class, from reviewers.
    """

    width_px: int
    height_px: int
    task: str
    boxes: tuple[LabelledBox, ...] = ()
    classes: tuple[ClassScore, ...] = ()
    flags: tuple[str, ...] = ()
    missed_boxes: tuple[Box, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def top_class(self) -> ClassScore | None:
        return self.classes[0] if self.classes else None


@dataclass(slots=True)
class _Judged:
    """What the verdicts so far have done, by index into the prediction's detections (all of them, also the weak)."""

    count: int
    removed: set[int] = field(default_factory=set)
    box_flags: dict[int, list[str]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    missed: list[Box] = field(default_factory=list)
    classes_removed: bool = False

    def apply(self, revision: Revision) -> None:
        getattr(self, f"_{revision.effect}")(revision.verdict)

    def _remove(self, verdict: Verdict) -> None:
        self.removed.update(self._meant(verdict))
        self.classes_removed |= verdict.detection_index is None
        self._no_longer_verified(verdict)

    def _flag(self, verdict: Verdict) -> None:
        for index in self._meant(verdict):
            _once(self.box_flags.setdefault(index, []), verdict.reason or "flagged")
        if verdict.detection_index is None:
            _once(self.flags, verdict.reason or "flagged")
        self._no_longer_verified(verdict)

    def _flag_incomplete(self, verdict: Verdict) -> None:
        _once(self.flags, INCOMPLETE)
        self.missed.extend(box for box in verdict.boxes if box not in self.missed)
        self._no_longer_verified(verdict)

    def _verify(self, verdict: Verdict) -> None:
        meant = self._meant(verdict)
        self.removed.difference_update(meant)
        self.box_flags.update({index: [VERIFIED] for index in meant})
        if verdict.detection_index is None:
            self.flags, self.missed, self.classes_removed = [VERIFIED], [], False

    def _meant(self, verdict: Verdict) -> Sequence[int]:
        return range(self.count) if verdict.detection_index is None else (verdict.detection_index,)

    def _no_longer_verified(self, verdict: Verdict) -> None:
        """An image about which somebody complained later is not verified as a whole."""
        self.flags = [flag for flag in self.flags if flag != VERIFIED]
        for index in self._meant(verdict) if verdict.kind == "rejected" else ():
            self.box_flags[index] = [flag for flag in self.box_flags.get(index, []) if flag != VERIFIED]


def annotate(
    prediction: Prediction, revisions: Sequence[Revision] = (), size_px: tuple[int, int] | None = None
) -> Annotation:
    """The annotation of a sample: its prediction, then its revisions in the order of the log.

    `size_px`: width and height of the stored image, None where they are the prediction's.
    """
    fit = Fit.of(prediction, size_px)
    judged = _Judged(count=len(prediction.detections))
    for revision in revisions:
        judged.apply(revision)
    return Annotation(
        width_px=fit.width_px,
        height_px=fit.height_px,
        task=prediction.task,
        boxes=_boxes(prediction, judged, fit),
        classes=() if judged.classes_removed else prediction.classes,
        flags=tuple(judged.flags),
        missed_boxes=tuple(map(fit.box, judged.missed)),
        verdicts=tuple(revision.verdict for revision in revisions),
    )


def _boxes(prediction: Prediction, judged: _Judged, fit: Fit) -> tuple[LabelledBox, ...]:
    found = []
    for index, seen in enumerate(prediction.detections):
        box = clipped(seen.box, prediction.width_px, prediction.height_px)
        shown = seen.confidence >= prediction.threshold_for(seen.class_name)
        if shown and index not in judged.removed and box[2] > box[0] and box[3] > box[1]:
            flags = tuple(judged.box_flags.get(index, ()))
            found.append(LabelledBox(fit.box(box), seen.class_id, seen.class_name, seen.confidence, flags))
    return tuple(found)


def clipped(box: Box, width_px: int, height_px: int) -> Box:
    """The part of a box that lies inside the image; hosts refuse what lies outside."""
    left, top, right, bottom = box
    return max(0.0, left), max(0.0, top), min(float(width_px), right), min(float(height_px), bottom)


def _once(flags: list[str], flag: str) -> None:
    if flag not in flags:
        flags.append(flag)
