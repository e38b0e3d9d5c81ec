"""Weights: SCIENCE F's own figures, and what must hold whatever the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.silence.weight import LEAST_AUDITED, own_confidence, p_correct, reject_rate, weight
from tests.unit.services.sampler.making import classified, prediction

SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("error_rate", "r", "expected"),
    [
        (0.05, 0.1, 0.955),
        (0.05, 0.5, 0.974),
        (0.05, 0.8, 0.990),
        (0.2, 0.1, 0.816),
        (0.2, 0.3, 0.850),
        (0.2, 0.8, 0.952),
    ],
)
def test_what_silence_says_is_what_the_table_says(error_rate: float, r: float, expected: float) -> None:
    """SCIENCE F's table has f = 0.5 %, which is left out here: it moves the third digit."""
    assert p_correct(1 - error_rate, r) == pytest.approx(expected, abs=0.002)


@given(p=SHARE, r=st.floats(0, 0.999))
def test_silence_never_makes_a_prediction_less_likely(p: float, r: float) -> None:
    after = p_correct(p, r)
    assert round(p, 6) <= after <= 1
    assert weight(after) == pytest.approx(max(0, 2 * after - 1), abs=1e-6)


@given(p=SHARE)
def test_without_an_audit_it_is_what_the_model_said(p: float) -> None:
    assert p_correct(p, 0.0) == pytest.approx(p, abs=1e-6)


def test_a_coin_is_worth_nothing() -> None:
    assert weight(p_correct(0.5, 0.0)) == 0.0
    assert p_correct(0.0, 0.0) == 0.0


@given(errors=st.integers(0, LEAST_AUDITED - 1))
def test_few_audited_errors_say_nothing(errors: int) -> None:
    assert reject_rate(errors, errors) == 0.0


def test_the_lower_bound_of_the_rate() -> None:
    """At the ends the quantile is known in closed form; in the middle the median's side."""
    assert 0.3 < reject_rate(10, 20) < 0.5
    assert reject_rate(0, 20) == pytest.approx(1 - 0.9 ** (1 / 21), abs=1e-6)
    assert reject_rate(20, 20) == pytest.approx(0.1 ** (1 / 21), abs=1e-6)


@given(st.integers(20, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_one_more_rejection_never_lowers_it(counts: tuple[int, int]) -> None:
    errors, rejected = counts
    assert reject_rate(rejected, errors) < reject_rate(rejected + 1, errors) < 1


def test_all_that_was_shown_must_be_right() -> None:
    assert own_confidence(prediction(0.9, 0.8, 0.3)) == pytest.approx(0.72)


def test_where_nothing_was_shown_the_strongest_weak_box_is_the_doubt() -> None:
    assert own_confidence(prediction(0.4, 0.1)) == pytest.approx(0.6)
    assert own_confidence(prediction()) == 1.0


def test_a_classifier_has_its_best_class() -> None:
    assert own_confidence(classified(0.7, 0.2, 0.1)) == 0.7
    assert own_confidence(classified()) == 0.0
