"""Two versions on the same frames: the difference is the true one, and only frames that both were judged on count."""

import math

import numpy as np
import pytest

from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.confidence_sequence import bounds
from services.feedback.accuracy.paired import Difference, Others, difference, live_difference
from services.feedback.accuracy.review import Review
from tests.unit.services.feedback.accuracy.making import RIGHT, WRONG, a_review


def both(first_only: int, second_only: int, alike: int) -> tuple[list[Review], Others]:
    """Frames on which the first alone is wrong, the second alone, and neither or both."""
    kinds = [(WRONG, RIGHT)] * first_only + [(RIGHT, WRONG)] * second_only + [(RIGHT, RIGHT), (WRONG, WRONG)] * alike
    drawn = [a_review(i, first) for i, (first, _) in enumerate(kinds)]
    return drawn, {f"frame-{i}": second for i, (_, second) in enumerate(kinds)}


def made(found: Difference | Refusal) -> Difference:
    assert isinstance(found, Difference)
    return found


@pytest.mark.parametrize("compare", [difference, live_difference])
def test_the_difference_is_of_the_frames_on_which_they_differ(compare) -> None:  # type: ignore[no-untyped-def]
    found = made(compare(*both(30, 5, 100), 2_350, 0.1))
    assert found.rate.value == pytest.approx((300 - 50) / 2_350)
    assert found.only_first.value == pytest.approx(300 / 2_350)
    assert found.only_second.value == pytest.approx(50 / 2_350)
    assert (found.verified, found.on_floor) == (235, 235)
    assert found.rate.low < found.rate.value < found.rate.high


def test_a_clear_difference_is_seen_and_a_version_is_no_better_than_itself() -> None:
    assert made(difference(*both(60, 5, 100), 2_650, 0.1)).rate.low > 0
    same = made(difference(*both(0, 0, 100), 2_000, 0.1)).rate
    assert same.low < 0 == same.value < same.high
    assert same.low == -same.high


def test_each_of_the_two_ways_to_differ_may_fail_half_as_often() -> None:
    drawn, others = both(0, 0, 100)
    assert made(difference(drawn, others, 2_000, 0.1)).only_first.high == pytest.approx(math.log(2 / 0.025) / 200)
    live = made(live_difference(drawn, others, 2_000, 0.1)).only_second
    assert live.high == pytest.approx(bounds([], 2_000, 0.1, alpha=0.025).high)


def test_swapping_the_versions_turns_the_sign() -> None:
    one, other = (made(difference(*both(*pair, 100), 2_400, 0.1)).rate for pair in ((30, 10), (10, 30)))
    assert one == pytest.approx((-other.value, -other.high, -other.low))


def test_live_is_wider_than_a_closed_window() -> None:
    closed, live = (made(compare(*both(30, 5, 100), 2_350, 0.1)).rate for compare in (difference, live_difference))
    assert live.low < closed.low < closed.high < live.high


def test_a_frame_that_only_one_was_judged_on_is_open() -> None:
    drawn, others = both(30, 5, 100)
    few = {frame_id: outcome for frame_id, outcome in others.items() if int(frame_id.split("-")[1]) < 20}
    assert difference(drawn, few, 2_350, 0.1) == Refusal("too_few", 10)
    assert live_difference(drawn, few, 2_350, 0.1) == Refusal("too_few", 10)


def test_it_covers_the_true_difference_in_many_worlds() -> None:
    rng = np.random.default_rng(4)
    assert sum(_covered(rng) for _ in range(60)) >= 57


def _covered(rng: np.random.Generator) -> bool:
    first, second = rng.random(2_000) < 0.1, rng.random(2_000) < 0.06
    drawn = np.flatnonzero(rng.random(2_000) < 0.15)
    reviews = [a_review(int(i), WRONG if first[i] else RIGHT, 0.15) for i in drawn]
    others = {f"frame-{i}": WRONG if second[i] else RIGHT for i in drawn}
    low, high = made(difference(reviews, others, 2_000, 0.15)).rate[1:]
    return bool(low <= first.mean() - second.mean() <= high)
