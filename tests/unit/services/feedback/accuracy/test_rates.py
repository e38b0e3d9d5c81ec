"""Rates from units of known probability: unbiased, covered, and honest about what is undecided."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.accuracy.rates import Unit, rate

TOTAL, LEAST = 10_000, 0.01
UNITS = st.lists(
    st.builds(
        lambda probability, kind: Unit(probability, *(int(kind == k) for k in range(3))),
        st.floats(LEAST, 1),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=60,
)


def test_frames_that_were_drawn_for_certain_carry_no_error() -> None:
    units = [Unit(1.0, bad=1)] * 3 + [Unit(1.0, good=1)] * 97
    assert rate(units, 100, 1.0) == (0.03, 0.03, 0.03)


def test_errors_that_were_drawn_for_certain_are_the_low_end() -> None:
    value, low, high = rate([Unit(1.0, bad=1)] * 30 + [Unit(0.1, good=1)] * 97, 1_000, 0.1)
    assert (value, low) == (0.03, 0.03)
    assert high == pytest.approx(0.03 + 3.6889 / 100, abs=1e-5)


def test_above_a_half_the_rarer_side_is_estimated() -> None:
    bad = rate([Unit(0.1, bad=1)] * 80 + [Unit(0.1, good=1)] * 20, 1_000, 0.1)
    good = rate([Unit(0.1, good=1)] * 80 + [Unit(0.1, bad=1)] * 20, 1_000, 0.1)
    assert bad == pytest.approx(good.complement())


def test_undecided_widens_both_ways_and_the_value_takes_them_to_be_like_the_rest() -> None:
    decided = [Unit(0.1, bad=1)] * 5 + [Unit(0.1, good=1)] * 85
    all_decided, some_open = rate(decided, 900, 0.1), rate([*decided, *[Unit(0.1, undecided=1)] * 10], 1_000, 0.1)
    assert some_open.value == pytest.approx(5 / 90)
    assert some_open.low < all_decided.low
    assert some_open.high > all_decided.high + 0.08


def test_where_nobody_knows_how_many_are_undecided_only_what_is_known_counts() -> None:
    units = [Unit(0.5, bad=2, good=18)] * 20 + [Unit(0.5, undecided=None)]
    value, low, high = rate(units, 820, 0.5)
    known = rate([Unit(0.5, bad=2, good=18)] * 20, 820, 0.5)
    assert value == pytest.approx(0.1)
    assert low == pytest.approx(known.low)
    assert high > known.high


def test_ends_that_cross_hold_all_that_lies_between() -> None:
    """Ten times as many good and bad parts as there are: only chance, or a wrong total, draws so."""
    units = [Unit(0.1, bad=1, good=1)] * 30 + [Unit(0.1, undecided=None)]
    value, low, high = rate(units, 60, 0.1)
    assert (low, high) == (0, 1)
    assert value == pytest.approx(0.5)


@given(units=UNITS, alpha=st.floats(0.001, 0.3))
@settings(max_examples=60, deadline=None)
def test_the_value_lies_in_the_interval_and_less_risk_is_wider(units: list[Unit], alpha: float) -> None:
    wide, narrow = rate(units, TOTAL, LEAST, alpha / 2), rate(units, TOTAL, LEAST, alpha)
    assert 0 <= narrow.low <= narrow.value <= narrow.high <= 1
    assert wide.low <= narrow.low + 1e-12
    assert narrow.high <= wide.high + 1e-12


@given(units=UNITS)
@settings(max_examples=60, deadline=None)
def test_the_ends_are_those_of_all_undecided_being_good_and_bad(units: list[Unit]) -> None:
    both = rate(units, TOTAL, LEAST)
    all_good = rate([u._replace(undecided=0, good=u.good + (u.undecided or 0)) for u in units], TOTAL, LEAST)
    all_bad = rate([u._replace(undecided=0, bad=u.bad + (u.undecided or 0)) for u in units], TOTAL, LEAST)
    assert [both.low, both.high] == sorted([all_good.low, all_bad.high])


@given(units=UNITS, more=st.integers(1, TOTAL))
@settings(max_examples=60, deadline=None)
def test_more_right_frames_never_raise_the_error_rate(units: list[Unit], more: int) -> None:
    before, after = rate(units, TOTAL, LEAST), rate([*units, Unit(1.0, good=more)], TOTAL + more, LEAST)
    if before.high <= 0.5:
        assert after.value <= before.value + 1e-12
        assert after.high <= before.high + 1e-12
