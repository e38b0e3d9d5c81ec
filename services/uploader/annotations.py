"""What is known about a sample's objects: the model's boxes, as people's verdicts left them.

Promises: pure. What becomes an annotation are boxes at or above the product threshold, and what people put in their place;
verdicts are applied in the order of the log and the later one wins. Predictions and verdicts speak of the original image;
here, and nowhere else, their boxes become those of the image that is stored, where that has another size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from shared.streams.predictions import Box, ClassScore, Prediction
from shared.streams.samples import Revision
from shared.streams.verdicts import Label, Silence, Verdict

INCOMPLETE = "incomplete"
VERIFIED = "verified"
AFFIRMED = "affirmed"
"""Nobody who was shown it objected: right by silence, with a weight, and never truth."""


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
    """One annotated object. `flags`: what people said about it (`wrong_class`, `bad_box`, `verified`).

    `class_id`: None for a class that the prediction does not name. `confidence`: None where a person said it, not the model.
    """

    box: Box
    class_id: int | None
    class_name: str
    confidence: float | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotation:
    """Everything a host is told about an image's content, in pixels of the stored image.

    `classes`: a classifier's, as the model said them; none where a person said it: `class_name` is what holds.
    `missed_boxes`: objects without a known class, from reviewers. `is_truth`: a person corrected it, and nothing in it is the
    model's word alone. `silence`: nobody said anything, and that is all it rests on: for training with its weight, never truth.
    """

    width_px: int
    height_px: int
    task: str
    boxes: tuple[LabelledBox, ...] = ()
    classes: tuple[ClassScore, ...] = ()
    flags: tuple[str, ...] = ()
    missed_boxes: tuple[Box, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    class_name: str | None = None
    is_truth: bool = False
    silence: Silence | None = None


@dataclass(slots=True)
class _Judged:
    """What the verdicts so far have done, by index into the prediction's detections (all of them, also the weak).

    `labels`: what a person said is all that is right about the frame; nothing of the prediction holds beside it.
    """

    count: int
    removed: set[int] = field(default_factory=set)
    corrected: dict[int, Label] = field(default_factory=dict)
    box_flags: dict[int, list[str]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    missed: list[Box] = field(default_factory=list)
    classes_removed: bool = False
    labels: tuple[Label, ...] | None = None

    def apply(self, revision: Revision) -> None:
        getattr(self, f"_{revision.effect}")(revision.verdict)

    def _remove(self, verdict: Verdict) -> None:
        self.removed.update(self._meant(verdict))
        if verdict.detection_index is None:
            self.classes_removed = True
            self.labels = None if self.labels is None else ()
        self._no_longer_verified(verdict)

    def _flag(self, verdict: Verdict) -> None:
        for index in self._meant(verdict):
            _once(self.box_flags.setdefault(index, []), verdict.reason or verdict.kind)
        if verdict.detection_index is None:
            _once(self.flags, verdict.reason or verdict.kind)
        self._no_longer_verified(verdict)

    def _flag_incomplete(self, verdict: Verdict) -> None:
        _once(self.flags, INCOMPLETE)
        self.missed.extend(box for box in verdict.boxes if box not in self.missed)
        self._no_longer_verified(verdict)

    def _verify(self, verdict: Verdict) -> None:
        meant = self._meant(verdict)
        self.removed.difference_update(meant)
        self.box_flags.update({index: [VERIFIED] for index in meant})
        for index in meant:
            self.corrected.pop(index, None)
        if verdict.detection_index is None:
            self.flags, self.missed, self.classes_removed, self.labels = [VERIFIED], [], False, None

    def _replace(self, verdict: Verdict) -> None:
        if verdict.detection_index is None:
            self.labels, self.flags, self.missed = verdict.labels or (), [VERIFIED], []
            return
        self._no_longer_verified(verdict)
        self.removed.discard(verdict.detection_index)
        self.box_flags[verdict.detection_index] = [VERIFIED]
        if verdict.label is not None:
            self.corrected[verdict.detection_index] = verdict.label

    def _affirm(self, verdict: Verdict) -> None:
        _once(self.flags, AFFIRMED)

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
    for revision in _by_people(revisions) or revisions:
        judged.apply(revision)
    boxes = _boxes(prediction, judged, fit)
    classes = () if judged.classes_removed or judged.labels is not None else prediction.classes
    return Annotation(
        width_px=fit.width_px,
        height_px=fit.height_px,
        task=prediction.task,
        boxes=boxes,
        classes=classes,
        flags=tuple(judged.flags),
        missed_boxes=tuple(map(fit.box, judged.missed)),
        verdicts=tuple(revision.verdict for revision in revisions),
        class_name=_class_name(prediction, judged, classes),
        is_truth=_is_truth(judged, boxes),
        silence=_silence(revisions),
    )


def _by_people(revisions: Sequence[Revision]) -> list[Revision]:
    """What a person said outranks silence, in whatever order the two came."""
    return [revision for revision in revisions if revision.effect != "affirm"]


def _silence(revisions: Sequence[Revision]) -> Silence | None:
    """The first affirmation's, while no person has said anything."""
    if _by_people(revisions):
        return None
    return next((revision.verdict.silence for revision in revisions), None)


def _boxes(prediction: Prediction, judged: _Judged, fit: Fit) -> tuple[LabelledBox, ...]:
    found = _labelled(prediction, judged) if judged.labels is None else _as_labelled(prediction, judged)
    inside = ((one, clipped(one.box, prediction.width_px, prediction.height_px)) for one in found)
    return tuple(replace(one, box=fit.box(box)) for one, box in inside if box[2] > box[0] and box[3] > box[1])


def _labelled(prediction: Prediction, judged: _Judged) -> Iterator[LabelledBox]:
    """The model's boxes that the product shows, and those that a person corrected, as they are then."""
    for index, seen in enumerate(prediction.detections):
        label, flags = judged.corrected.get(index), tuple(judged.box_flags.get(index, ()))
        if index in judged.removed:
            continue
        if label is not None:
            yield _by_a_person(prediction, label.box or seen.box, label.class_name or seen.class_name, flags)
        elif seen.confidence >= prediction.threshold_for(seen.class_name):
            yield LabelledBox(seen.box, seen.class_id, seen.class_name, seen.confidence, flags)


def _as_labelled(prediction: Prediction, judged: _Judged) -> Iterator[LabelledBox]:
    """What a person said of the whole frame; what was said of that later reaches every box of it."""
    flags = tuple(flag for flag in judged.flags if flag != INCOMPLETE)
    for label in judged.labels or ():
        if label.box is not None and label.class_name is not None:
            yield _by_a_person(prediction, label.box, label.class_name, flags)


def _by_a_person(prediction: Prediction, box: Box, class_name: str, flags: tuple[str, ...]) -> LabelledBox:
    named = (one.class_id for one in prediction.detections if one.class_name == class_name)
    return LabelledBox(box, next(named, None), class_name, None, flags)


def _class_name(prediction: Prediction, judged: _Judged, classes: Sequence[ClassScore]) -> str | None:
    """A classifier's: the most probable class, or the one that a person named."""
    if judged.labels is None or prediction.task != "classify":
        return classes[0].class_name if classes else None
    return judged.labels[0].class_name if judged.labels else None


def _is_truth(judged: _Judged, boxes: Sequence[LabelledBox]) -> bool:
    if judged.labels is not None:
        return VERIFIED in judged.flags
    corrected = judged.corrected.keys() - judged.removed
    return bool(corrected) and not judged.flags and all(VERIFIED in box.flags for box in boxes)


def clipped(box: Box, width_px: int, height_px: int) -> Box:
    """The part of a box that lies inside the image; hosts refuse what lies outside."""
    left, top, right, bottom = box
    return max(0.0, left), max(0.0, top), min(float(width_px), right), min(float(height_px), bottom)


def _once(flags: list[str], flag: str) -> None:
    if flag not in flags:
        flags.append(flag)
