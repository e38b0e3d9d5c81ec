"""Which reviews an estimate may use: the audit order, open and missing frames, and every refusal."""

import pytest

from services.feedback.accuracy.audit import LEAST_ON_FLOOR, Audit, Refusal, audit, least_floor
from services.feedback.accuracy.review import Review
from tests.unit.services.feedback.accuracy.making import RIGHT, a_review, reviews


def decided(review: Review) -> bool:
    return review.outcome is not None


def used(drawn: list[Review], frames: int, **more: bool) -> Audit:
    made = audit(drawn, frames, decided, least_probability=least_floor(drawn), **more)
    assert isinstance(made, Audit)
    return made


def refused(drawn: list[Review], frames: int, **more: bool) -> Refusal:
    made = audit(drawn, frames, decided, least_probability=least_floor(drawn), **more)
    assert isinstance(made, Refusal)
    return made


def test_all_reviewed_are_all_used() -> None:
    made = used(reviews(100), 1_000)
    assert (len(made.used), made.share, made.open, made.coverage) == (100, 1.0, 0, 1.0)


def test_a_half_reviewed_in_order_counts_with_half_the_probability() -> None:
    made = used(reviews(100, open_=100), 2_000)
    assert (len(made.used), made.share, made.open) == (100, 0.5, 100)
    assert made.probability(made.used[0]) == pytest.approx(0.05)
    assert made.least_probability == pytest.approx(0.05)


def test_what_was_judged_out_of_order_is_left_out() -> None:
    """A user's rejection far down the queue is no random check."""
    drawn = [*reviews(100, open_=100), a_review(500, RIGHT)]
    assert len(used(drawn, 2_010).used) == 100


def test_the_order_in_which_reviews_come_does_not_matter() -> None:
    drawn = reviews(50, open_=50)
    assert used(drawn[::-1], 1_000) == used(drawn, 1_000)


def test_one_unsure_of_many_widens_the_interval_instead_of_ending_the_queue() -> None:
    drawn = reviews(300)
    drawn[150] = a_review(150, None)
    made = used(drawn, 3_000)
    assert (len(made.used), made.open, made.share) == (300, 1, 1.0)


def test_few_in_order_and_few_open_are_all_taken_along() -> None:
    drawn = [a_review(i, None if i % 10 == 9 else RIGHT) for i in range(100)]
    assert len(used(drawn, 1_000).used) == 100
    assert refused(drawn, 1_000, may_band=False) == Refusal("unreviewed", LEAST_ON_FLOOR - 9)


def test_beyond_the_band_there_is_no_figure() -> None:
    drawn = [a_review(i, None if i % 3 == 1 else RIGHT) for i in range(100)]
    assert refused(drawn, 1_000) == Refusal("unreviewed", LEAST_ON_FLOOR - 1)


def test_frames_without_an_image_cost_coverage_and_keep_their_probability() -> None:
    drawn = [*reviews(100, open_=100), *(a_review(900 + i, None, missing="limit:day") for i in range(20))]
    made = used(drawn, 2_200)
    assert made.coverage == pytest.approx(1 - 200 / 2_200)
    assert made.probability(made.missing[0]) == pytest.approx(0.1)
    assert made.share == 0.5


def test_a_verdict_on_a_frame_without_an_image_changes_nothing() -> None:
    drawn = [*reviews(100), a_review(900, RIGHT, missing="expired")]
    assert len(used(drawn, 1_010).used) == 100


def test_too_few_of_the_floor_say_how_many_more() -> None:
    drawn = [*reviews(29), *(a_review(100 + i, RIGHT, on_floor=False) for i in range(200))]
    assert refused(drawn, 3_000) == Refusal("too_few", 1)
    assert refused([], 3_000) == Refusal("too_few", LEAST_ON_FLOOR)


def test_without_a_floor_there_is_no_figure() -> None:
    assert refused([*reviews(50), a_review(99, floor_probability=0.0)], 1_000) == Refusal("no_floor")


def test_no_frames_counted() -> None:
    assert refused(reviews(50), 0) == Refusal("no_frames")


def test_more_drawn_than_there_were_is_a_wrong_count() -> None:
    assert refused(reviews(50, probability=1.0), 49) == Refusal("frames_miscounted")
    assert refused(reviews(100), 100) == Refusal("frames_miscounted")
    assert len(used(reviews(100), 900).used) == 100
