"""Bins: where a weight falls, and what it is planned to weigh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.plan.bins import BINS, EDGES, RATIO, WEIGHTS, bin_of


def test_the_ends_are_planned_exactly() -> None:
    assert (bin_of(1e-3), WEIGHTS[0]) == (0, 1e-3)
    assert (bin_of(1.0), WEIGHTS[BINS - 1]) == (BINS - 1, 1.0)


def test_a_lightest_weight_that_came_out_of_a_power_is_in_the_first_bin() -> None:
    assert bin_of((1e-3**0.5) ** 2) == 0


@given(st.floats(1e-3, 1.0))
def test_a_weight_lies_below_the_edge_of_its_bin_and_near_what_it_is_planned_to_weigh(weight: float) -> None:
    number = bin_of(weight)
    assert weight <= EDGES[number]
    assert number == 0 or weight > EDGES[number - 1]
    assert WEIGHTS[number] == pytest.approx(weight, rel=RATIO - 1 + 1e-6)
