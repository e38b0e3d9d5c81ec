"""From what people said about one prediction to what they decided about it: the fold of its verdicts.

Promises: pure; depends on nothing but the verdicts, in the order of the log. Counts what the product showed: a box below its
threshold counts nowhere, nor does what is said of it; a classifier's best class is its one box.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.feedback.accuracy.review import Outcome
from shared.streams.predictions import Box, Prediction
from shared.streams.verdicts import Label, Verdict

LEAST_IOU = 0.5
"""From this overlap on, a box and a label of one class are the same object."""
UNNAMED = ""
"""The class of a missed object where nobody said which."""
_WRONG = ("rejected", "missed", "corrected")


def judge(prediction: Prediction, verdicts: Iterable[Verdict], excluded: Collection[str] = ()) -> Outcome | None:
    """What the verdicts on one prediction, in log order, decided. None: nothing yet.

    A later verdict on the frame supersedes all before it, one on a box what was said of that box. `missed` speaks of what has
    no box: it supersedes verdicts on the frame, and leaves those on boxes standing. `unsure` leaves open what it is about.
    `affirmed` never counts, nor do `excluded` reviewers (by their name, or their key's). Of two records with one verdict id the
    first counts.

    The frame is wrong when anything that stands rejects, corrects or misses; right when it was confirmed as a whole. `bad_box`
    makes the frame wrong and its box a false one: precision counts an object in the wrong place as not found. Rejecting
    a frame that shows a single box rejects that box. `wrong_class` is a false box of the class shown, and an object of the
    right class that was missed.
    """
    said = _fold(_counted(verdicts, excluded), shown(prediction), prediction.task == "classify")
    judged = {index: said.is_right(index) for index in said.boxes}
    outcome = Outcome(
        wrong=said.is_wrong(),
        right=_per_class(said.boxes, [index for index, right in judged.items() if right is True]),
        false=_per_class(said.boxes, [index for index, right in judged.items() if right is False]),
        boxes_judged=bool(said.standing) and None not in judged.values(),
        missed=said.missed() if said.looked_for_missed else None,
    )
    return outcome if said.standing else None


@dataclass(frozen=True, slots=True)
class Shown:
    """A box that the product showed; a classifier's best class has no place."""

    class_name: str
    place: Box | None = None


def shown(prediction: Prediction) -> dict[int, Shown]:
    """What the product showed, by the index that verdicts name it with: the same that `tallies` count."""
    if prediction.task == "classify":
        best = [one for one in prediction.classes[:1] if one.confidence >= prediction.threshold_for(one.class_name)]
        return {index: Shown(one.class_name) for index, one in enumerate(best)}
    return {
        index: Shown(one.class_name, one.box)
        for index, one in enumerate(prediction.detections)
        if one.confidence >= prediction.threshold_for(one.class_name)
    }


def shown_per_class(prediction: Prediction) -> dict[str, int]:
    boxes = shown(prediction)
    return _per_class(boxes, boxes)


def _per_class(boxes: Mapping[int, Shown], indices: Iterable[int]) -> dict[str, int]:
    return dict(Counter(boxes[index].class_name for index in indices))


def _counted(verdicts: Iterable[Verdict], excluded: Collection[str]) -> list[Verdict]:
    first: dict[str, Verdict] = {}
    for verdict in verdicts:
        first.setdefault(verdict.verdict_id, verdict)
    people = (verdict for verdict in first.values() if verdict.kind != "affirmed")
    return [verdict for verdict in people if not is_excluded(verdict, excluded)]


def is_excluded(verdict: Verdict, excluded: Collection[str]) -> bool:
    """By the reviewer's name, or by the key's: whoever has a key can call its reviewers anything."""
    return verdict.reviewer in excluded or verdict.caller in excluded


def _fold(verdicts: Sequence[Verdict], boxes: dict[int, Shown], is_classified: bool) -> "_Said":
    said = _Said(boxes, is_classified)
    for verdict in verdicts:
        if verdict.kind == "missed":
            said.of_frame = verdict
        elif verdict.detection_index is None:
            said.of_frame, said.of_box = verdict, {}
        elif verdict.detection_index in boxes:
            said.of_box[verdict.detection_index] = verdict
    said.found = _found(boxes, said.labels)
    return said


@dataclass(slots=True)
class _Said:
    """What stands when all verdicts were read: of the frame, and of single boxes since.

    `found`: which label of a corrected frame each box agrees with.
    """

    boxes: dict[int, Shown]
    is_classified: bool
    of_frame: Verdict | None = None
    of_box: dict[int, Verdict] = field(default_factory=dict)
    found: dict[int, int] = field(default_factory=dict)

    @property
    def standing(self) -> list[Verdict]:
        """Without who was unsure: they decided nothing."""
        both = [*self.of_box.values(), *([] if self.of_frame is None else [self.of_frame])]
        return [verdict for verdict in both if verdict.kind != "unsure"]

    @property
    def frame_kind(self) -> str | None:
        return None if self.of_frame is None else self.of_frame.kind

    @property
    def looked_for_missed(self) -> bool:
        """Who judges a classifier's frame has seen all there is to it."""
        return any(
            verdict.exhaustive or verdict.kind == "missed" or verdict.labels is not None or self.is_classified
            for verdict in self.standing
        )

    def is_wrong(self) -> bool | None:
        if any(verdict.kind in _WRONG for verdict in self.standing):
            return True
        unsure = any(verdict.kind == "unsure" for verdict in self.of_box.values())
        return False if self.frame_kind == "confirmed" and not unsure else None

    def is_right(self, index: int) -> bool | None:
        """Of one box; None: nobody said."""
        own = self.of_box.get(index)
        if own is not None:
            return _says_right(own, self.boxes[index])
        if self.frame_kind == "corrected":
            return index in self.found
        if self.frame_kind == "rejected" and len(self.boxes) == 1:
            return False
        return True if self.frame_kind == "confirmed" else None

    def missed(self) -> dict[str, int]:
        """Objects that were there and not found, per class. Where all labels are known, what they say; else what was said."""
        if self.frame_kind == "corrected":
            found = set(self.found.values())
            return dict(Counter(label.class_name or UNNAMED for i, label in enumerate(self.labels) if i not in found))
        counted: Counter[str] = Counter()
        if self.of_frame is not None and self.of_frame.kind == "missed":
            counted[UNNAMED] += max(1, len(self.of_frame.boxes))
        for verdict in self.standing:
            counted.update(_missed_by_a_wrong_box(verdict, self.boxes))
        return dict(counted)

    @property
    def labels(self) -> Sequence[Label]:
        return () if self.of_frame is None else self.of_frame.labels or ()


def _found(boxes: Mapping[int, Shown], labels: Sequence[Label]) -> dict[int, int]:
    """Boxes that a label of their class agrees with: index of the box -> which label.

    Greedy, the largest overlap first, and each box and label once. A box on a label of another class is a false one, and
    the label missed: what no pair at all would say, so that only pairs of one class need to be found.
    """
    pairs = sorted(
        (-overlap, index, which)
        for index, box in boxes.items()
        for which, label in enumerate(labels)
        if label.class_name == box.class_name and (overlap := _overlap(label.box, box.place)) >= LEAST_IOU
    )
    found: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, which in pairs:
        if index not in found and which not in taken:
            found[index] = which
            taken.add(which)
    return found


def _says_right(verdict: Verdict, box: Shown) -> bool | None:
    """What a verdict on a single box says of it. A label leaves out what stays as the model said it."""
    if verdict.label is None:
        return {"confirmed": True, "rejected": False}.get(verdict.kind)
    same_class = verdict.label.class_name in (None, box.class_name)
    return same_class and (verdict.label.box is None or _overlap(verdict.label.box, box.place) >= LEAST_IOU)


def _missed_by_a_wrong_box(verdict: Verdict, boxes: Mapping[int, Shown]) -> dict[str, int]:
    """The object under a box of another class, or one that the box does not lie on."""
    if verdict.reason == "wrong_class":
        return {UNNAMED: 1}
    if verdict.label is None or verdict.detection_index is None:
        return {}
    box = boxes[verdict.detection_index]
    return {} if _says_right(verdict, box) else {verdict.label.class_name or box.class_name: 1}


def _overlap(one: Box | None, other: Box | None) -> float:
    """Intersection over union, 0..1. Without places (a classifier's classes) there is nothing to disagree about."""
    if one is None or other is None:
        return 1.0
    both = max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(
        0.0, min(one[3], other[3]) - max(one[1], other[1])
    )
    either = _area(one) + _area(other) - both
    return both / either if either > 0 else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
