"""Bounds for a rate that is always looked at: reference values (SCIENCE G.1), invariants, and looks at every frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.accuracy.confidence_sequence import bounds

WEIGHTS = st.lists(st.floats(1, 100), max_size=30)


@pytest.mark.parametrize(
    ("errors", "frames", "least", "expected"),
    [
        ([], 10_000, 0.01, (0.000000, 0.059738)),
        ([100.0], 10_000, 0.01, (0.000000, 0.090327)),
        ([100.0, 20.0, 5.0, 5.0, 1.0], 10_000, 0.01, (0.000761, 0.093658)),
        ([50.0] * 40, 40_000, 0.005, (0.027228, 0.086782)),
    ],
)
def test_the_reference_values(errors: list[float], frames: int, least: float, expected: tuple[float, float]) -> None:
    assert bounds(errors, frames, least) == pytest.approx(expected, abs=5e-7)


def test_what_is_pending_is_right_for_the_low_end_and_wrong_for_the_high_one() -> None:
    errors, pending = [100.0, 20.0, 5.0, 5.0], [100.0, 50.0]
    low, high = bounds(errors, 10_000, 0.01, pending)
    assert low == bounds(errors, 10_000, 0.01).low
    assert high == bounds(errors + pending, 10_000, 0.01).high


@given(errors=WEIGHTS, pending=WEIGHTS, frames=st.integers(1, 10**6), alpha=st.floats(0.001, 0.3))
@settings(max_examples=60, deadline=None)
def test_the_bounds_are_shares_and_wider_where_less_may_go_wrong(
    errors: list[float], pending: list[float], frames: int, alpha: float
) -> None:
    wide, narrow = (bounds(errors, frames, 0.01, pending, a) for a in (alpha / 2, alpha))
    assert 0 <= wide.low <= narrow.low + 1e-12
    assert narrow.low <= narrow.high
    assert narrow.high <= wide.high + 1e-12 <= 1 + 1e-9


@given(errors=WEIGHTS, weight=st.floats(1, 100))
@settings(max_examples=60, deadline=None)
def test_one_more_error_never_lowers_the_bounds_and_one_more_right_frame_never_raises_them(
    errors: list[float], weight: float
) -> None:
    before, after = bounds(errors, 10_000, 0.01), bounds([*errors, weight], 10_000, 0.01)
    assert after.low >= before.low - 1e-12
    assert after.high >= before.high - 1e-12
    later = bounds(errors, 10_001, 0.01)
    assert later.low <= before.low + 1e-12
    assert later.high <= before.high + 1e-12


def test_looked_at_all_the_time_it_misses_the_running_rate_in_few_runs() -> None:
    """100 streams of 4,000 frames whose rate doubles half-way, looked at ten times; one in 20 may be missed at any look."""
    rng = np.random.default_rng(11)
    assert sum(_missed_at_some_look(rng) for _ in range(100)) <= 5


def _missed_at_some_look(rng: np.random.Generator) -> bool:
    wrong = rng.random(4_000) < np.where(np.arange(4_000) < 2_000, 0.05, 0.1)
    found = wrong & (rng.random(4_000) < 0.1)
    ends = ((bounds([10.0] * int(found[:t].sum()), t, 0.1), wrong[:t].mean()) for t in range(400, 4_001, 400))
    return any(not low <= rate <= high for (low, high), rate in ends)


@pytest.mark.parametrize(
    ("errors", "frames", "least", "said"),
    [([], 0, 0.1, "at least one frame"), ([], 5, 0.0, "smallest probability"), ([11.0], 5, 0.1, "a weight of 11")],
)
def test_what_makes_no_sense_is_refused(errors: list[float], frames: int, least: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bounds(errors, frames, least)
