"""The scale: SCIENCE G.1's values, and that the budget is met whatever is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.plan.bins import BINS, WEIGHTS
from services.sampler.plan.solve import MOST_SCALE, solve

COUNTS = st.lists(st.integers(0, 10**6).map(float), min_size=BINS, max_size=BINS).filter(any)


@pytest.mark.parametrize(("budget", "scale"), [(3, 0.6), (6, 1.33333333)])
def test_reference_values(budget: float, scale: float) -> None:
    assert solve([2, 4, 10], [1, 0.5, 0.1], budget) == pytest.approx(scale, abs=1e-8)


@given(COUNTS, st.floats(1e-6, 1 - 1e-6))
def test_the_budget_is_met(counts: list[float], share: float) -> None:
    budget = share * sum(counts)
    scale = solve(counts, WEIGHTS, budget)
    drawn = sum(count * min(1.0, scale * weight) for count, weight in zip(counts, WEIGHTS, strict=True))
    assert drawn == pytest.approx(budget, rel=1e-6)


@given(COUNTS)
def test_a_budget_above_all_frames_draws_them_all(counts: list[float]) -> None:
    assert solve(counts, WEIGHTS, sum(counts) + 1) == MOST_SCALE
    assert min(1.0, MOST_SCALE * min(WEIGHTS)) == 1.0


def test_no_budget_draws_nothing() -> None:
    assert solve([1.0], [1.0], 0.0) == 0.0
