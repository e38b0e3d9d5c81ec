import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sources.cameras.thinning import Thinning


def taken(fps: float, times_s: list[float]) -> list[float]:
    thinning, came = Thinning(fps), []
    for at_s in times_s:
        if thinning.due(at_s):
            thinning.took(at_s)
            came.append(at_s)
    return came


@given(st.floats(0.05, 60), st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_never_more_and_never_two_at_once(fps: float, gaps_s: list[float]) -> None:
    now_s, times_s = 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        times_s.append(now_s)
    came = taken(fps, times_s)
    assert came[0] == times_s[0]
    for first in range(len(came)):
        for last in range(first, len(came)):
            assert last - first + 1 <= fps * (came[last] - came[first]) + 2.2
    assert all(later - earlier >= 0.5 / fps - 1e-9 for earlier, later in pairwise(came))


@pytest.mark.parametrize(("native_fps", "fps"), [(25, 1), (30, 10), (25, 10), (60, 1), (5, 5), (4, 10), (1, 1)])
def test_the_rate_is_met(native_fps: int, fps: int) -> None:
    came = taken(fps, [number / native_fps for number in range(native_fps * 100)])
    assert math.isclose(len(came), 100 * min(fps, native_fps), rel_tol=0.02)


@given(st.lists(st.floats(-0.04, 0.04), min_size=50, max_size=50))
def test_a_camera_that_is_just_fast_enough_loses_nothing(jitter_s: list[float]) -> None:
    assert len(taken(1.0, [number + late_s for number, late_s in enumerate(jitter_s)])) == 50


def test_no_burst_after_a_pause() -> None:
    came = taken(1.0, [0.0, 1.0, *(60 + number / 10 for number in range(21))])
    assert came == [0.0, 1.0, 60.0, 61.0, 62.0] or came == [0.0, 1.0, 60.0, 60.9, 61.9]


def test_what_was_not_taken_leaves_it_due() -> None:
    thinning = Thinning(1.0)
    thinning.took(0.0)
    assert thinning.due(1.0)
    assert thinning.due(1.04)
    assert thinning.wait_s(0.25) == 0.75


def test_a_clock_that_goes_back_starts_anew() -> None:
    thinning = Thinning(1.0)
    thinning.took(1000.0)
    assert thinning.due(10.0)


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    thinning = Thinning(0.5)
    thinning.took(7200.0)
    assert thinning.wait_s(3600.0) == 2.0
