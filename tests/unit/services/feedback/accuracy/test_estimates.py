"""Estimates from reviews: against a known truth, and what enters which figure."""

import numpy as np
import pytest

from services.feedback.accuracy import estimates
from services.feedback.accuracy.audit import Refusal, least_floor
from services.feedback.accuracy.estimates import Estimate
from services.feedback.accuracy.review import Outcome, Review, Totals
from tests.unit.services.feedback.accuracy.making import RIGHT, a_review, reviews, world

FRAMES = 4_000


def made(estimate: Estimate | Refusal) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


def test_the_error_rate_is_unbiased_and_covered_over_many_worlds() -> None:
    """150 worlds of 4,000 frames with unequal probabilities and errors where the score is high."""
    errors, covered = [], 0
    for seed in range(150):
        drawn, wrong = world(FRAMES, 0.08, seed)
        low, high = (made(estimates.frame_error_rate(drawn, FRAMES, 0.02)).rate[i] for i in (1, 2))
        errors.append(sum(1 / r.probability for r in drawn if r.outcome and r.outcome.wrong) / FRAMES - wrong / FRAMES)
        covered += low <= wrong / FRAMES <= high
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert covered >= 0.94 * 150


def test_the_figure_is_the_horvitz_thompson_estimate() -> None:
    drawn, _ = world(FRAMES, 0.08, seed=3)
    estimate = made(estimates.frame_error_rate(drawn, FRAMES, 0.02))
    by_hand = sum(1 / r.probability for r in drawn if r.outcome and r.outcome.wrong) / FRAMES
    assert estimate.rate.value == pytest.approx(by_hand)
    assert estimate.method == "gamma"
    assert estimate.counts == estimates.Counts(len(drawn), sum(r.on_floor for r in drawn), 1.0, 0, 0)


def test_missing_frames_may_all_be_right_or_all_wrong() -> None:
    drawn = reviews(right=190, wrong=10)
    gone = [a_review(300 + i, None, missing="limit:day") for i in range(20)]
    estimate = made(estimates.frame_error_rate([*drawn, *gone], 2_200, 0.1))
    assert estimate.rate.value == pytest.approx(0.05)
    assert estimate.rate.low < 10 / 220
    assert estimate.rate.high > 30 / 220
    assert estimate.counts.missing == 20
    assert estimate.counts.coverage == pytest.approx(1 - 200 / 2_200)


def test_frames_of_which_only_boxes_were_judged_are_open_for_the_error_rate_and_not_for_precision() -> None:
    boxes_only = Outcome(wrong=None, right={"cat": 1}, boxes_judged=True)
    drawn = [a_review(i, boxes_only) for i in range(60)]
    totals = Totals(600, detections={"cat": 600})
    assert estimates.frame_error_rate(drawn, 600, 0.1) == Refusal("too_few", 30)
    assert made(estimates.precision(drawn, totals, "cat", 0.1)).counts.verified == 60


# Boxes


def box_review(number: int, right: int, false: int = 0, missed: int | None = 0, judged: bool = True) -> Review:
    looked = None if missed is None else {"": missed}
    outcome = Outcome(false + (missed or 0) > 0, {"cat": right}, {"cat": false}, boxes_judged=judged, missed=looked)
    return a_review(number, outcome)


def test_precision_is_of_all_boxes_shown() -> None:
    drawn = [box_review(i, right=2, false=int(i < 20)) for i in range(200)]
    totals = Totals(2_000, detections={"cat": 4_200, "dog": 10})
    estimate = made(estimates.precision(drawn, totals, "cat", 0.1))
    assert estimate.rate.value == pytest.approx(1 - 200 / 4_200)
    assert estimate.rate.low < estimate.rate.value < estimate.rate.high
    assert (estimate.counts.verified, estimate.counts.on_floor) == (420, 420)
    both = made(estimates.precision(drawn, totals, None, 0.1))
    assert both.rate.value == pytest.approx(1 - 200 / 4_210)


def test_boxes_that_nobody_judged_are_right_in_the_high_end_and_false_in_the_low_one() -> None:
    judged = [box_review(i, right=2) for i in range(190)]
    partly = [box_review(200 + i, right=0, false=1, judged=False) for i in range(10)]
    totals = Totals(2_000, detections={"cat": 4_000})
    shown = {review.sample_id: {"cat": 2} for review in partly}
    estimate = made(estimates.precision([*judged, *partly], totals, "cat", 0.1, shown))
    assert estimate.rate.high > 1 - 100 / 4_000 > estimate.rate.value > 1 - 200 / 4_000 > estimate.rate.low
    blind = made(estimates.precision([*judged, *partly], totals, "cat", 0.1))
    assert blind.rate.low < estimate.rate.low
    assert blind.rate.high == pytest.approx(estimate.rate.high)


def test_a_class_needs_thirty_judged_boxes_of_the_floor() -> None:
    drawn = [box_review(i, right=int(i < 29)) for i in range(200)]
    totals = Totals(2_000, detections={"cat": 290})
    assert estimates.precision(drawn, totals, "cat", 0.1) == Refusal("too_few", 1)
    assert estimates.precision(drawn, totals, "dog", 0.1) == Refusal("never_shown")
    assert estimates.precision(drawn, Totals(0), "dog", 0.1) == Refusal("no_frames")


def test_misses_count_only_where_somebody_looked_for_them() -> None:
    looked = [box_review(i, right=1, missed=int(i < 10)) for i in range(100)]
    estimate = made(estimates.frame_miss_rate(looked, 1_000, 0.1))
    assert estimate.rate.value == pytest.approx(0.1)
    recall = made(estimates.object_recall(looked, 1_000, 0.1))
    assert recall.rate.value == pytest.approx(100 / 110)
    assert recall.method == "korn_graubard"
    blind = [box_review(i, right=1, missed=None) for i in range(100)]
    assert estimates.frame_miss_rate(blind, 1_000, 0.1) == Refusal("too_few", 30)
    assert estimates.object_recall(blind, 1_000, 0.1) == Refusal("too_few", 30)


def test_only_those_who_missed_something_saying_so_makes_no_miss_rate() -> None:
    """`missed` says that somebody looked, `confirmed` does not: taking the first alone would report 100 %."""
    drawn = [box_review(i, right=1, missed=1 if i % 2 else None) for i in range(100)]
    assert estimates.frame_miss_rate(drawn, 1_000, 0.1) == Refusal("unreviewed", 30)


def test_recall_says_when_it_cannot_know() -> None:
    looked = [box_review(i, right=1, missed=int(i < 10), judged=i > 5) for i in range(100)]
    assert estimates.object_recall(looked, 1_000, 0.1) == Refusal("boxes_unknown")
    shown = {review.sample_id: {"cat": 2} for review in looked}
    assert made(estimates.object_recall(looked, 1_000, 0.1, shown)).rate.high < 1
    gone = [a_review(900 + i, None, missing="expired") for i in range(20)]
    assert estimates.object_recall([*looked, *gone], 1_200, 0.1, shown) == Refusal("uncovered")


def test_frames_without_any_object_say_nothing_of_recall() -> None:
    empty = [box_review(i, right=0) for i in range(100)]
    assert estimates.object_recall(empty, 1_000, 0.1) == Refusal("no_objects")
    undecided = {review.sample_id: {"cat": 1} for review in empty}
    partly = [box_review(i, right=0, judged=False) for i in range(100)]
    assert made(estimates.object_recall(partly, 1_000, 0.1, undecided)).rate.low == 0


# Live


def test_live_takes_open_and_missing_frames_as_pending() -> None:
    drawn = [*reviews(right=190, wrong=10), a_review(300, None), a_review(301, None, missing="limit:day")]
    estimate = made(estimates.live_frame_error_rate(drawn, 2_020, 0.1))
    assert (estimate.counts.open, estimate.counts.missing, estimate.counts.verified) == (1, 1, 200)
    assert estimate.rate.value == pytest.approx(100 / 2_000)
    closed = made(estimates.live_frame_error_rate(drawn[:200], 2_020, 0.1))
    assert closed.rate.low == estimate.rate.low
    assert closed.rate.high < estimate.rate.high


def test_live_is_wider_than_the_figure_of_a_closed_window() -> None:
    drawn, _ = world(FRAMES, 0.08, seed=5)
    closed = made(estimates.frame_error_rate(drawn, FRAMES, 0.02)).rate
    live = made(estimates.live_frame_error_rate(drawn, FRAMES, 0.02)).rate
    assert live.low < closed.low < closed.high < live.high


@pytest.mark.parametrize(
    ("drawn", "frames", "least", "refused"),
    [
        (reviews(29), 290, 0.1, Refusal("too_few", 1)),
        (reviews(50), 500, 0.0, Refusal("no_floor")),
        (reviews(50), 0, 0.1, Refusal("no_frames")),
    ],
)
def test_live_refuses_as_the_others_do(drawn: list[Review], frames: int, least: float, refused: Refusal) -> None:
    assert estimates.live_frame_error_rate(drawn, frames, least) == refused


def test_the_floor_of_a_window_is_the_smallest_of_its_designs() -> None:
    assert least_floor([a_review(1, probability=0.5), a_review(2, RIGHT, floor_probability=0.02)]) == 0.02
