"""How good the model is, one function per figure: reviews and totals in, an estimate or a refusal out (SCIENCE B.3-B.5).

Promises: pure. Reviews are the designs of one collection and model version, each frame once; `least_probability` is the
smallest that any frame of the window can have had. An estimate is valid whatever the frames without an image and the
undecided ones would have shown; where that cannot be promised, there is none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.feedback.accuracy import confidence_sequence
from services.feedback.accuracy.audit import Audit, Refusal, audit, coverage, on_floor, too_few, why_not
from services.feedback.accuracy.intervals import ALPHA, Interval, korn_graubard
from services.feedback.accuracy.rates import Rate, Unit, rate
from services.feedback.accuracy.review import Review, Totals

Method = Literal["gamma", "korn_graubard", "confidence_sequence"]
LEAST_COVERAGE = 0.9
"""For object recall: frames without an image may hold any number of objects, so that no band can be drawn around them."""
Boxes = Mapping[str, Mapping[str, int]]
"""Per sample id: boxes that the product showed, per class. Of frames whose boxes were not all judged, or that have no image."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a figure was made from.

    `verified`, `on_floor`: judged frames (for precision: boxes) that were used, and those of the floor among them.
    `coverage`: the share of all frames that drawn frames with an image speak for. `open`, `missing`: drawn frames that
    nobody decided yet, and those without an image.
    """

    verified: int
    on_floor: int
    coverage: float
    open: int
    missing: int


@dataclass(frozen=True, slots=True)
class Estimate:
    rate: Rate
    method: Method
    counts: Counts


def frame_error_rate(
    reviews: Sequence[Review], frames: int, least_probability: float, alpha: float = ALPHA
) -> Estimate | Refusal:
    """The share of frames with anything wrong: Horvitz-Thompson and gamma."""
    return _share_of_frames(reviews, frames, is_wrong, least_probability, alpha)


def frame_miss_rate(
    reviews: Sequence[Review], frames: int, least_probability: float, alpha: float = ALPHA
) -> Estimate | Refusal:
    """The share of frames in which an object was missed. Decided are those that were looked at for what was missed."""
    return _share_of_frames(reviews, frames, misses, least_probability, alpha)


def precision(
    reviews: Sequence[Review],
    totals: Totals,
    class_name: str | None,
    least_probability: float,
    boxes: Boxes | None = None,
    alpha: float = ALPHA,
) -> Estimate | Refusal:
    """The share of right boxes among all that were shown, of a class or (None) of all: 1 - HT(false) / D_k, and gamma.

    A wrong class and a bad box are false boxes. A frame counts as reviewed when anything about it was decided; its boxes that
    were not, and those of frames without an image, are right in the high end and false in the low one. Where `boxes` does not
    say how many they are, the low end is what is known to be right: valid, and wide.
    """
    total = sum(totals.detections.values()) if class_name is None else totals.detections.get(class_name, 0)
    if totals.frames > 0 and total < 1:
        return Refusal("never_shown")
    chosen = audit(reviews, totals.frames, _is_reviewed, least_probability=least_probability)
    if isinstance(chosen, Refusal):
        return chosen
    units = [_shown_boxes(chosen, review, class_name, boxes or {}) for review in (*chosen.used, *chosen.missing)]
    judged = [round(unit.bad + unit.good) for unit in units[: len(chosen.used)]]
    floor = sum(count for count, review in zip(judged, chosen.used, strict=True) if review.on_floor)
    refused = too_few(floor)
    if refused is not None:
        return refused
    false = rate(units, total, chosen.least_probability, alpha)
    return _estimate(chosen, false.complement(), "gamma", sum(judged), floor)


def object_recall(
    reviews: Sequence[Review],
    frames: int,
    least_probability: float,
    boxes: Boxes | None = None,
    alpha: float = ALPHA,
) -> Estimate | Refusal:
    """The share of objects that were found, of those in frames with an image: Hajek's ratio, Korn-Graubard with cap.

    Only frames that were looked at for what was missed count. Boxes in them that were not judged are found objects in the high
    end and none in the low one; `boxes` must say how many they are.
    """
    chosen = audit(reviews, frames, _was_searched, least_probability=least_probability, may_band=False)
    if isinstance(chosen, Refusal):
        return chosen
    if chosen.coverage < LEAST_COVERAGE:
        return Refusal("uncovered")
    searched = [review for review in chosen.used if _was_searched(review)]
    units = [_objects(chosen, review, boxes or {}) for review in searched]
    if any(unit.undecided is None for unit in units):
        return Refusal("boxes_unknown")
    if not any(unit.bad or unit.good or unit.undecided for unit in units):
        return Refusal("no_objects")
    found = _missed_share(units, alpha).complement()
    return _estimate(chosen, found, "korn_graubard", len(searched), on_floor(searched))


def live_frame_error_rate(
    reviews: Sequence[Review], frames: int, least_probability: float, alpha: float = ALPHA
) -> Estimate | Refusal:
    """The share of wrong frames so far, with bounds that hold however often they are looked at. What is open is pending.

    The value is the closed figure's where there is one: users reject some frames before a reviewer comes, so that the judged
    ones alone would lean towards wrong. Where there is none, the middle of the bounds.
    """
    judged = [review for review in reviews if is_wrong(review) is not None]
    refused = why_not(reviews, frames, least_probability) or too_few(on_floor(judged))
    if refused is not None:
        return refused
    wrong = [1 / review.probability for review in judged if is_wrong(review)]
    pending = [1 / review.probability for review in reviews if is_wrong(review) is None]
    ends = confidence_sequence.bounds(wrong, frames, least_probability, pending, alpha)
    closed = frame_error_rate(reviews, frames, least_probability, alpha)
    value = closed.rate.value if isinstance(closed, Estimate) else (ends.low + ends.high) / 2
    return Estimate(_within(value, ends), "confidence_sequence", drawn(reviews, frames))


def drawn(reviews: Sequence[Review], frames: int) -> Counts:
    """Counts of all drawn frames, used or not."""
    judged = [review for review in reviews if is_wrong(review) is not None]
    missing = [review for review in reviews if review.missing is not None]
    still_open = len(reviews) - len(judged) - len(missing)
    seen = coverage(missing, frames) if frames > 0 else 0.0
    return Counts(len(judged), on_floor(judged), seen, still_open, len(missing))


def is_wrong(review: Review) -> bool | None:
    """Is anything wrong with the frame? A verdict on a frame without an image is an accident: nobody could be asked for one."""
    return None if review.missing is not None or review.outcome is None else review.outcome.wrong


def misses(review: Review) -> bool | None:
    return sum((review.outcome.missed or {}).values()) > 0 if _was_searched(review) and review.outcome else None


def share_of(chosen: Audit, is_bad: Callable[[Review], bool | None], frames: int, alpha: float) -> Rate:
    """The share of all frames that are bad; undecided where `is_bad` says None."""
    units = [_frame(chosen.probability(review), is_bad(review)) for review in (*chosen.used, *chosen.missing)]
    return rate(units, frames, chosen.least_probability, alpha)


def _share_of_frames(
    reviews: Sequence[Review],
    frames: int,
    is_bad: Callable[[Review], bool | None],
    least_probability: float,
    alpha: float,
) -> Estimate | Refusal:
    chosen = audit(reviews, frames, lambda review: is_bad(review) is not None, least_probability=least_probability)
    if isinstance(chosen, Refusal):
        return chosen
    decided = [review for review in chosen.used if is_bad(review) is not None]
    return _estimate(chosen, share_of(chosen, is_bad, frames, alpha), "gamma", len(decided), on_floor(decided))


def _estimate(chosen: Audit, of: Rate, method: Method, verified: int, floor: int) -> Estimate:
    return Estimate(of, method, Counts(verified, floor, chosen.coverage, chosen.open, len(chosen.missing)))


def _frame(probability: float, is_bad: bool | None) -> Unit:
    return Unit(probability, is_bad is True, is_bad is False, is_bad is None)


def _is_reviewed(review: Review) -> bool:
    return review.missing is None and review.outcome is not None


def _was_searched(review: Review) -> bool:
    return _is_reviewed(review) and review.outcome is not None and review.outcome.missed is not None


def _shown_boxes(chosen: Audit, review: Review, class_name: str | None, boxes: Boxes) -> Unit:
    right, false, undecided = _judged(review, class_name, boxes)
    return Unit(chosen.probability(review), false, right, undecided)


def _objects(chosen: Audit, review: Review, boxes: Boxes) -> Unit:
    """Missed ones are bad, found ones good."""
    right, _, undecided = _judged(review, None, boxes)
    missed = sum((review.outcome.missed or {}).values()) if review.outcome else 0
    return Unit(chosen.probability(review), missed, right, undecided)


def _judged(review: Review, class_name: str | None, boxes: Boxes) -> tuple[int, int, int | None]:
    """Boxes of a frame that are right, false, and undecided; None: nobody knows how many."""
    outcome = None if review.missing is not None else review.outcome
    right = _count(outcome.right, class_name) if outcome else 0
    false = _count(outcome.false, class_name) if outcome else 0
    if outcome and outcome.boxes_judged:
        return right, false, 0
    shown = boxes.get(review.sample_id)
    return right, false, None if shown is None else max(0, _count(shown, class_name) - right - false)


def _count(per_class: Mapping[str, int], class_name: str | None) -> int:
    return sum(per_class.values()) if class_name is None else per_class.get(class_name, 0)


def _missed_share(units: Sequence[Unit], alpha: float) -> Rate:
    """sum w FN / sum w (TP + FN), its ends with undecided boxes as objects that were found, and as none."""
    fewest = _ratio([(u.probability, u.bad, u.good + (u.undecided or 0)) for u in units], alpha)
    most = _ratio([(u.probability, u.bad, u.good) for u in units], alpha)
    return Rate((fewest.value + most.value) / 2, min(fewest.low, most.low), max(fewest.high, most.high))


def _ratio(units: Sequence[tuple[float, float, float]], alpha: float) -> Rate:
    """Of (probability, missed, found): Hajek's ratio, its linearised variance, Kish's effective size (SCIENCE B.4)."""
    missed = sum(bad / probability for probability, bad, _ in units)
    objects = sum((bad + good) / probability for probability, bad, good in units)
    if objects <= 0:
        return Rate(0.0, 0.0, 1.0)
    share = missed / objects
    residuals = [(probability, bad - share * (bad + good)) for probability, bad, good in units]
    variance = sum((1 - probability) * (z / probability) ** 2 for probability, z in residuals) / objects**2
    squares = sum(((bad + good) / probability) ** 2 for probability, bad, good in units)
    return _within(share, korn_graubard(share, variance, objects**2 / squares, alpha))


def _within(value: float, ends: Interval) -> Rate:
    return Rate(min(max(value, ends.low), ends.high), ends.low, ends.high)
