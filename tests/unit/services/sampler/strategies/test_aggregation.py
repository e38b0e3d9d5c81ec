"""Aggregation: one score of many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.strategies.aggregation import TOGETHER, Aggregation, noisy_or

SCORES = st.lists(st.floats(0, 1), max_size=20)


def test_the_three_ways() -> None:
    assert TOGETHER["max"]([0.2, 0.5]) == 0.5
    assert TOGETHER["sum"]([0.2, 0.5]) == pytest.approx(1 - 0.8 * 0.5)
    assert TOGETHER["mean"]([0.2, 0.5]) == pytest.approx(0.35)


@pytest.mark.parametrize("way", list(TOGETHER))
@given(scores=SCORES)
def test_scores_give_a_score_and_none_give_none(way: Aggregation, scores: list[float]) -> None:
    assert 0 <= TOGETHER[way](scores) <= 1
    assert TOGETHER[way]([]) == 0


@given(SCORES)
def test_noisy_or_lies_between_the_largest_and_the_sum(scores: list[float]) -> None:
    assert max(scores, default=0) - 1e-9 <= noisy_or(scores) <= sum(scores) + 1e-9
