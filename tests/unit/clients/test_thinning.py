"""Thinning: evenly, per source, and never more than was asked for."""

import itertools

from gleaner.thinning import MOST_SOURCES, Thinning
from hypothesis import given
from hypothesis import strategies as st


def test_a_loop_at_thirty_a_second_gives_five() -> None:
    thinning = Thinning(5.0)
    taken = [number for number in range(300) if thinning.takes("door", number / 30)]
    assert len(taken) == 50
    assert {after - before for before, after in itertools.pairwise(taken)} <= {5, 6, 7}


def test_each_source_by_itself() -> None:
    thinning = Thinning(1.0)
    assert [thinning.takes(source, 0.1) for source in ("a", "b", "a", "b")] == [True, True, False, False]


def test_after_a_pause_there_is_no_burst() -> None:
    thinning = Thinning(1.0)
    assert [thinning.takes("a", at_s) for at_s in (0.0, 100.0, 100.1, 100.5, 101.0)] == [True, True, False, False, True]


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200), st.floats(0.1, 50))
def test_never_more_than_was_asked_for(times_s: list[float], max_fps: float) -> None:
    thinning = Thinning(max_fps)
    times_s.sort()
    taken = sum(thinning.takes("a", at_s) for at_s in times_s)
    assert 1 <= taken <= max_fps * (times_s[-1] - times_s[0]) + 2


def test_sources_without_end_do_not_fill_the_memory() -> None:
    thinning = Thinning(1.0)
    for number in range(MOST_SOURCES + 10):
        thinning.takes(f"source-{number}", 0.0)
    assert len(thinning._next_s) <= MOST_SOURCES
