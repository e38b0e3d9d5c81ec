"""Intervals against reference values (SCIENCE G.1), against scipy, and what must hold for any numbers."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from services.feedback.accuracy.intervals import Interval, clopper_pearson, fay_feuer, korn_graubard

FRAMES, LEAST = 20_000, 0.01
LARGEST = 1 / (FRAMES * LEAST)
ERRORS = st.lists(st.floats(LEAST, 0.999), max_size=60)
"""The probabilities of the wrong frames that were drawn."""
few = settings(max_examples=50, deadline=None)


def estimated(errors: list[float], frames: int = FRAMES) -> tuple[float, float]:
    """The rate and its variance, by the book."""
    return sum(1 / p for p in errors) / frames, sum((1 - p) / p**2 for p in errors) / frames**2


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ((0.0, 0.0, 0.0111111111), (0.00000000, 0.04098755)),
        ((0.01, 2e-05, 0.0111111111), (0.00324697, 0.05024138)),
        ((0.05, 0.0001, 0.0111111111), (0.03235736, 0.09370576)),
        ((0.2, 0.0004, 0.0033333333), (0.16272798, 0.24495235)),
    ],
)
def test_gamma_gives_the_reference_values(given_: tuple[float, float, float], expected: tuple[float, float]) -> None:
    assert fay_feuer(*given_) == pytest.approx(expected, abs=5e-9)


def test_gamma_without_an_error_is_the_rule_of_three() -> None:
    assert fay_feuer(0, 0, 0.01) == pytest.approx((0, 0.01 * math.log(40)))


def test_a_rate_that_is_certain_is_the_low_end() -> None:
    assert fay_feuer(0.1, 0, 0.01) == pytest.approx((0.1, 0.1 + 0.01 * math.log(40)))
    assert fay_feuer(0.1, 0, 0) == (0.1, 0.1)


def test_equal_weights_are_the_exact_poisson_interval() -> None:
    """Ten events that each stand for one: what every table of Poisson limits says."""
    low, high = fay_feuer(10 / 1000, 10 / 1000**2, 1 / 1000)
    assert 1000 * low == pytest.approx(4.795, abs=1e-3)
    assert 1000 * high == pytest.approx(18.39, abs=1e-2)


def test_korn_graubard_with_the_cap_gives_the_reference_value() -> None:
    assert korn_graubard(0.05, 2e-4, 150) == pytest.approx((0.021113, 0.098102), abs=5e-7)


@pytest.mark.parametrize(("events", "trials"), [(0, 10), (3, 10), (10, 10), (5, 200)])
def test_clopper_pearson_is_the_exact_binomial_interval(events: int, trials: int) -> None:
    exact = binomtest(events, trials).proportion_ci(method="exact")
    assert clopper_pearson(events, trials) == pytest.approx((exact.low, exact.high))


def test_of_no_trials_everything_is_possible() -> None:
    assert clopper_pearson(0, 0) == (0, 1)
    assert korn_graubard(0, 0, 0) == (0, 1)


@given(errors=ERRORS)
@few
def test_gamma_holds_the_rate_and_stays_a_share(errors: list[float]) -> None:
    rate, variance = estimated(errors)
    low, high = fay_feuer(rate, variance, LARGEST)
    assert 0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1


@given(errors=ERRORS, alpha=st.floats(0.001, 0.3))
@few
def test_gamma_is_wider_where_less_may_go_wrong(errors: list[float], alpha: float) -> None:
    wide, narrow = (fay_feuer(*estimated(errors), LARGEST, a) for a in (alpha / 2, alpha))
    assert wide.low <= narrow.low + 1e-12
    assert narrow.high <= wide.high + 1e-12


@given(errors=ERRORS, times=st.floats(1, 10))
@few
def test_a_heavier_event_that_might_come_only_raises_the_high_end(errors: list[float], times: float) -> None:
    light, heavy = (fay_feuer(*estimated(errors), LARGEST * factor) for factor in (1, times))
    assert light.low == heavy.low
    assert light.high <= heavy.high + 1e-9


@given(errors=ERRORS, more=st.integers(1, FRAMES))
@few
def test_more_right_frames_raise_neither_end(errors: list[float], more: int) -> None:
    before = fay_feuer(*estimated(errors), LARGEST)
    after = fay_feuer(*estimated(errors, FRAMES + more), 1 / ((FRAMES + more) * LEAST))
    assert after.low <= before.low + 1e-12
    assert after.high <= before.high + 1e-12


@given(rate=st.floats(0, 1), variance=st.floats(1e-9, 0.01), size=st.floats(1, 1e5), alpha=st.floats(0.001, 0.3))
@few
def test_korn_graubard_holds_the_rate_at_any_level(rate: float, variance: float, size: float, alpha: float) -> None:
    low, high = korn_graubard(rate, variance, size, alpha)
    assert 0 <= low <= rate + 1e-9
    assert rate - 1e-9 <= high <= 1


def test_the_other_share_and_a_constant() -> None:
    assert Interval(0.1, 0.3).complement() == pytest.approx((0.7, 0.9))
    assert Interval(0.1, 0.95).shifted(0.1) == pytest.approx((0.2, 1.0))
